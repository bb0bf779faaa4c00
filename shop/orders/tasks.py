from __future__ import annotations

from smtplib import SMTPException

from celery import shared_task
from kombu.exceptions import OperationalError

from shop.orders import emails
from shop.orders.models import Order


@shared_task(
    autoretry_for=(SMTPException, OSError), retry_backoff=30, retry_kwargs={"max_retries": 8}
)
def send_order_mail(order_id: int, kind: str) -> None:
    emails.send(Order.objects.get(pk=order_id), kind)


def ring(task, *arguments: object) -> None:  # type: ignore[no-untyped-def]
    """Through the queue; at once where Redis is away, as nobody would ask for it again."""
    try:
        task.delay(*arguments)
    except OperationalError:
        task(*arguments)
