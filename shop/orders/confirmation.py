"""Let guests who pay later confirm orders by a link in an email; cancel unconfirmed orders.

Without confirmation, anybody could order all of the stock and have emails sent to strangers.
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from shop.orders.models import Order
from shop.orders.states import transition


@transaction.atomic
def confirm(order: Order) -> bool:
    """Confirm the order; return ``False`` if it has already been cancelled."""
    order = Order.objects.select_for_update().get(pk=order.pk)
    if order.state == Order.State.CANCELLED:
        return False
    order.confirm_by = None
    order.save(update_fields=["confirm_by"])
    return True


def cancel_unconfirmed() -> int:
    """Cancel orders that were not confirmed in time; return the number cancelled."""
    cancelled = 0
    while _cancel_next():
        cancelled += 1
    return cancelled


@transaction.atomic
def _cancel_next() -> bool:
    due = Order.objects.filter(state=Order.State.PLACED, confirm_by__lte=timezone.now())
    order = due.select_for_update(skip_locked=True).order_by("pk").first()
    if order is None:
        return False
    transition(order, Order.State.CANCELLED)
    return True
