from __future__ import annotations

from celery import shared_task

from shop.orders import confirmation


@shared_task
def cancel_unconfirmed_orders() -> None:
    confirmation.cancel_unconfirmed()
