"""Read and change the state of a test's only order and payment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from shop.orders.models import Order
from shop.payments.models import Payment


def state(order: Order) -> tuple[str, str]:
    order.refresh_from_db()
    return order.state, Payment.objects.get().state


def history(order: Order) -> list[str]:
    return [event.state for event in order.events.all()]


def age(order: Order, minutes: int) -> None:
    earlier = timezone.now() - timedelta(minutes=minutes)
    Order.objects.filter(pk=order.pk).update(placed=earlier)
    Payment.objects.update(updated=earlier)


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run the calls simultaneously, each in a thread with its own connection."""

    def run(call: Callable[[], Any]) -> Any:
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
