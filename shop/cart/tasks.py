from __future__ import annotations

from celery import shared_task

from shop.cart import session


@shared_task(expires=3600)
def delete_lost_carts() -> None:
    session.delete_lost()
