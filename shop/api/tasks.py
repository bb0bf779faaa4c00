from __future__ import annotations

from celery import shared_task

from shop.api import idempotency


@shared_task
def forget_answers() -> None:
    idempotency.forget_answers()
