from __future__ import annotations

from celery import shared_task

from shop.payments import settlement


@shared_task
def reconcile_payments() -> None:
    settlement.reconcile_payments()
