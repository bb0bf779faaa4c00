from __future__ import annotations

from celery import shared_task

from shop.mail import outbox


@shared_task(time_limit=300)
def send_mails() -> None:
    outbox.send_due()
