from __future__ import annotations

from celery import shared_task

from shop.cart import session


@shared_task
def delete_orphaned_carts() -> None:
    session.delete_orphaned()
