from __future__ import annotations

from celery import shared_task

from shop.wishlist import alerts


@shared_task
def send_stock_alerts() -> None:
    alerts.send_stock_alerts()
