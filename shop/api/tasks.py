from __future__ import annotations

from celery import shared_task

from shop.api import idempotency


@shared_task
def delete_idempotency_records() -> None:
    idempotency.delete_expired()
