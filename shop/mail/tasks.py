from __future__ import annotations

from celery import shared_task

from shop.mail import delivery


@shared_task(time_limit=300)
def send_queued_emails() -> None:
    delivery.send_due()
