from __future__ import annotations

from celery import shared_task

from shop.payments import reconciliation


@shared_task
def reconcile_payments() -> None:
    reconciliation.reconcile_payments()
