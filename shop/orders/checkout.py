"""Place an order for a cart, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from shop.cart.models import Cart, CartLine, currencies
from shop.catalogue.locks import lock_variants
from shop.catalogue.models import Variant
from shop.orders.emails import queue_order_email
from shop.orders.limits import Counter, check_limits, count_order
from shop.orders.models import (
    CENT,
    CONFIRM_WITHIN,
    Order,
    OrderEvent,
    OrderLine,
    ShippingMethod,
    Voucher,
)
from shop.orders.payment import METHODS

# The largest amount that the columns of an order hold.
MAX_AMOUNT = Decimal("99999999.99")


class CheckoutError(ValueError):
    """Tells the buyer why the order cannot be placed."""


@dataclass(frozen=True)
class Totals:
    """Holds the amounts of an order; all include the tax."""

    goods: Decimal
    discount: Decimal
    shipping: Decimal
    tax: Decimal

    @property
    def total(self) -> Decimal:
        return self.goods - self.discount + self.shipping


def totals(
    lines: Iterable[CartLine], method: ShippingMethod | None, voucher: Voucher | None
) -> Totals:
    goods = sum((line.total for line in lines), Decimal(0))
    discount = voucher.discount(goods) if voucher else Decimal(0)
    shipping = method.price_for(goods - discount) if method else Decimal(0)
    rate = settings.TAX_RATE
    tax = (goods - discount + shipping) * rate / (100 + rate)
    return Totals(goods, discount, shipping, tax.quantize(CENT, ROUND_HALF_UP))


@transaction.atomic
def place_order(
    cart: Cart,
    *,
    key: str,
    method: ShippingMethod,
    voucher: Voucher | None,
    payment: str,
    user: Any,
    contact: dict[str, str],
    total: Decimal | None = None,
    counters: Sequence[Counter] = (),
) -> Order:
    """Decrement the stock, create the order and empty the cart.

    Raises ``CheckoutError``, or ``TooManyOrdersError`` if one of ``counters`` has reached its
    limit. A repeated call with the same ``key`` returns the first order. ``total`` is the amount
    that the buyer saw: if the actual total differs, nothing is ordered. Locks are taken in a fixed
    sequence (cart, voucher, variants by product), so that simultaneous buyers cannot deadlock.
    """
    # A guest's cart may have been merged into an account meanwhile; then it has no lines.
    Cart.objects.select_for_update().filter(pk=cart.pk).first()
    placed = Order.objects.filter(idempotency_key=key).first()
    if placed is not None:
        return placed
    check_limits(counters)
    lines = cart.lines_for_page()
    if not lines:
        raise CheckoutError(_("Your cart is empty."))
    if len(currencies(lines)) > 1:
        raise CheckoutError(_("Your cart contains items in several currencies."))
    if voucher is not None:
        goods, currency = totals(lines, None, None).goods, lines[0].variant.product.currency
        voucher = _redeem_voucher(voucher, goods, currency)
    _decrement_stock(lines)
    sums = totals(lines, method, voucher)
    if max(sums.goods, sums.total) > MAX_AMOUNT:
        raise CheckoutError(_("This order is too large to place online. Please contact us."))
    if total is not None and total != sums.total:
        raise CheckoutError(_("The total has changed. Please review it before you order."))
    is_guest = not (user and user.is_authenticated)
    unconfirmed = is_guest and not METHODS[payment].is_prepaid
    order = Order.objects.create(
        idempotency_key=key,
        confirm_by=timezone.now() + CONFIRM_WITHIN if unconfirmed else None,
        user=None if is_guest else user,
        currency=lines[0].variant.product.currency,
        goods=sums.goods,
        discount=sums.discount,
        voucher_code=voucher.code if voucher else "",
        shipping=sums.shipping,
        shipping_name=method.name,
        tax=sums.tax,
        tax_rate=settings.TAX_RATE,
        total=sums.total,
        payment=payment,
        **contact,
    )
    OrderLine.objects.bulk_create(_order_line(order, line) for line in lines)
    OrderEvent.objects.create(order=order, state=order.state, by=order.user)
    cart.lines.all().delete()
    count_order(order, counters)
    if not METHODS[payment].is_prepaid:  # those are confirmed by email when they are paid
        queue_order_email(order, order.state)
    return order


def _order_line(order: Order, line: CartLine) -> OrderLine:
    variant = line.variant
    values = {"sku": variant.sku, "name": str(variant), "unit_price": variant.unit_price}
    return OrderLine(order=order, variant=variant, quantity=line.quantity, **values)


def _redeem_voucher(voucher: Voucher, goods: Decimal, currency: str) -> Voucher:
    voucher = Voucher.objects.select_for_update().get(pk=voucher.pk)
    if problem := voucher.problem(goods, currency):
        raise CheckoutError(problem)
    Voucher.objects.filter(pk=voucher.pk).update(used=F("used") + 1)
    return voucher


def _decrement_stock(lines: list[CartLine]) -> None:
    locked = lock_variants(line.variant_id for line in lines)
    found = {variant.pk: variant.stock for variant in locked}
    for line in lines:
        left = found[line.variant_id] if line.variant.product.listed else 0
        if line.quantity > left:
            raise CheckoutError(_stock_problem(line, left))
    for pk in found:
        quantity = next(line.quantity for line in lines if line.variant_id == pk)
        Variant.objects.filter(pk=pk).update(stock=F("stock") - quantity)


def _stock_problem(line: CartLine, left: int) -> str:
    if not left:
        return _("“%(name)s” is sold out. Please remove it from your cart.") % {
            "name": line.variant
        }
    text = _("Only %(left)s left of “%(name)s”. Please change the quantity in your cart.")
    return text % {"left": left, "name": line.variant}
