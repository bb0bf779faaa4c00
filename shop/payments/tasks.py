from __future__ import annotations

from celery import shared_task

from shop.payments import settlement


@shared_task(expires=300)
def look_after_payments() -> None:
    settlement.look_after_payments()
