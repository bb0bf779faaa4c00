"""Change the states of orders. No other module changes ``Order.state``."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from shop.catalogue.locks import lock_variants
from shop.catalogue.models import Variant
from shop.orders.emails import queue_order_email
from shop.orders.limits import uncount_order
from shop.orders.models import Order, OrderEvent, Voucher
from shop.orders.payment import PaymentError, method_of

S = Order.State
# Orders can be packed unpaid, because buyers pay invoices after the delivery. Shipped orders can be
# cancelled, because parcels come back unpaid.
TRANSITIONS: dict[str, tuple[str, ...]] = {
    S.PLACED: (S.PAID, S.PACKED, S.CANCELLED),
    S.PAID: (S.PACKED, S.REFUNDED),
    S.PACKED: (S.SHIPPED, S.CANCELLED, S.REFUNDED),
    S.SHIPPED: (S.DELIVERED, S.CANCELLED, S.REFUNDED),
    S.DELIVERED: (S.CANCELLED, S.REFUNDED),
    S.CANCELLED: (),
    S.REFUNDED: (),
}
UNSHIPPED = (S.PLACED, S.PAID, S.PACKED)


class TransitionError(ValueError):
    """Tells staff why the order cannot change to that state."""


@transaction.atomic
def transition(order: Order, state: str, by: Any = None) -> Order:
    """Change the order's state and return the locked order. Raises ``TransitionError``.

    Also verifies, cancels or refunds the payment, restores the stock of an order that is cancelled
    or was not shipped, records an event, and queues the email to the buyer.
    """
    order = Order.objects.select_for_update().get(pk=order.pk)
    if state not in TRANSITIONS[order.state]:
        text = _("Order %(number)s is %(now)s and cannot become %(then)s.")
        names = {"now": order.get_state_display(), "then": S(state).label}
        raise TransitionError(text % {"number": order.number, **names})
    _settle_payment(order, state)
    if state == S.CANCELLED or (state == S.REFUNDED and order.state in UNSHIPPED):
        _restore_stock(order)
    order.state = state
    if state == S.PAID:
        order.paid_at = timezone.now()
        transaction.on_commit(partial(uncount_order, order))
    order.save(update_fields=["state", "paid_at"])
    OrderEvent.objects.create(order=order, state=state, by=by)
    if state == S.PAID and method_of(order).is_prepaid:
        queue_order_email(order, S.PLACED)  # not sent before, because the buyer could back out
    elif state in (S.SHIPPED, *Order.VOID):
        queue_order_email(order, state)
    return order


def _settle_payment(order: Order, state: str) -> None:
    """Verify, cancel or refund the payment as the state requires. Raises ``TransitionError``."""
    method = method_of(order)
    if order.confirm_by is not None and state != S.CANCELLED:
        raise _refused(order, _("The customer has not confirmed it yet."))
    if method.is_prepaid and state == S.PACKED and order.paid_at is None:
        raise _refused(order, _("It has not been paid yet."))
    if state == S.CANCELLED and order.paid_at is not None:
        raise _refused(order, _("It has been paid. Refund it instead."))
    if state == S.REFUNDED and order.paid_at is None:
        raise _refused(order, _("No payment is recorded. Record it first, or cancel the order."))
    try:
        if state == S.PAID:
            method.verify_paid(order)
        elif state == S.CANCELLED:
            method.cancel(order)
        elif state == S.REFUNDED:
            method.refund(order)
    except PaymentError as error:
        raise _refused(order, str(error)) from error


def _refused(order: Order, why: str) -> TransitionError:
    return TransitionError(_("Order %(number)s: %(why)s") % {"number": order.number, "why": why})


@transaction.atomic
def record_payment(order: Order, by: Any = None) -> Order:
    """Record the payment of an order that was packed unpaid. Raises ``TransitionError``."""
    order = Order.objects.select_for_update().get(pk=order.pk)
    if order.state not in (S.PACKED, S.SHIPPED, S.DELIVERED) or order.paid_at is not None:
        raise _refused(order, _("There is no payment to record."))
    order.paid_at = timezone.now()
    order.save(update_fields=["paid_at"])
    OrderEvent.objects.create(order=order, state=S.PAID, by=by)
    return order


def _restore_stock(order: Order) -> None:
    """Add the order's quantities back to the stock, and undo the use of its voucher.

    Locks are taken in the same sequence as at checkout: voucher, variants, products.
    """
    Voucher.objects.filter(code=order.voucher_code, used__gt=0).update(used=F("used") - 1)
    lines = order.lines.exclude(variant=None)
    lock_variants(lines.values_list("variant_id", flat=True))
    for line in lines:
        Variant.objects.filter(pk=line.variant_id or 0).update(stock=F("stock") + line.quantity)
