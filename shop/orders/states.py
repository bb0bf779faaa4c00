"""The state machine of an order; nothing else changes ``Order.state``."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from shop.catalogue.locks import lock_variants
from shop.catalogue.models import Variant
from shop.orders.emails import queue_order_email
from shop.orders.models import Order, OrderEvent, Voucher
from shop.orders.payment import PaymentError, method_of

S = Order.State
# An order on invoice is packed before it is paid.
TRANSITIONS: dict[str, tuple[str, ...]] = {
    S.PLACED: (S.PAID, S.PACKED, S.CANCELLED),
    S.PAID: (S.PACKED, S.REFUNDED),
    S.PACKED: (S.SHIPPED, S.CANCELLED, S.REFUNDED),
    S.SHIPPED: (S.DELIVERED,),
    S.DELIVERED: (S.REFUNDED,),
    S.CANCELLED: (),
    S.REFUNDED: (),
}
NOT_SENT = (S.PLACED, S.PAID, S.PACKED)


class TransitionError(ValueError):
    """The order cannot go to that state from where it is."""


@transaction.atomic
def transition(order: Order, state: str, by: Any = None) -> Order:
    """Lock, check, move, note, give back what never left. Raises ``TransitionError``."""
    order = Order.objects.select_for_update().get(pk=order.pk)
    if state not in TRANSITIONS[order.state]:
        text = _("Order %(number)s is %(now)s and cannot become %(then)s.")
        names = {"now": order.get_state_display(), "then": S(state).label}
        raise TransitionError(text % {"number": order.number, **names})
    _settle_payment(order, state)
    if state in (S.CANCELLED, S.REFUNDED) and order.state in NOT_SENT:
        _give_back(order)
    order.state = state
    if state == S.PAID:
        order.paid_at = timezone.now()
    order.save(update_fields=["state", "paid_at"])
    OrderEvent.objects.create(order=order, state=state, by=by)
    if state in (S.SHIPPED, S.CANCELLED, S.REFUNDED):
        queue_order_email(order, state)
    return order


def _settle_payment(order: Order, state: str) -> None:
    """What the way of paying has to say about it. Raises ``TransitionError``."""
    method = method_of(order)
    if order.confirm_by is not None and state != S.CANCELLED:
        raise _refused(order, _("The buyer has not confirmed it yet."))
    if method.pays_first and state == S.PACKED and order.paid_at is None:
        raise _refused(order, _("It is not paid yet."))
    if state == S.CANCELLED and order.paid_at is not None:
        raise _refused(order, _("It has been paid. Refund it instead."))
    if state == S.REFUNDED and order.paid_at is None and method.pays_first:
        raise _refused(order, _("It is not paid yet."))
    try:
        if state == S.CANCELLED:
            method.cancel(order)
        elif state == S.REFUNDED:
            method.refund(order)
    except PaymentError as error:
        raise _refused(order, str(error)) from error


def _refused(order: Order, why: str) -> TransitionError:
    return TransitionError(_("Order %(number)s: %(why)s") % {"number": order.number, "why": why})


@transaction.atomic
def record_payment(order: Order, by: Any = None) -> Order:
    """The money for an order that was sent on invoice has come. Raises ``TransitionError``."""
    order = Order.objects.select_for_update().get(pk=order.pk)
    if order.state not in (S.PACKED, S.SHIPPED, S.DELIVERED) or order.paid_at is not None:
        raise _refused(order, _("There is no payment to note."))
    order.paid_at = timezone.now()
    order.save(update_fields=["paid_at"])
    OrderEvent.objects.create(order=order, state=S.PAID, by=by)
    return order


def _give_back(order: Order) -> None:
    """Voucher before variants before products, as the checkout locks them."""
    Voucher.objects.filter(code=order.voucher_code, used__gt=0).update(used=F("used") - 1)
    lines = order.lines.exclude(variant=None)
    lock_variants(lines.values_list("variant_id", flat=True))
    for line in lines:
        Variant.objects.filter(pk=line.variant_id or 0).update(stock=F("stock") + line.quantity)
