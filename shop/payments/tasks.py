from __future__ import annotations

from celery import shared_task

from shop.payments import settlement


@shared_task
def look_after_payments() -> None:
    settlement.look_after_payments()
