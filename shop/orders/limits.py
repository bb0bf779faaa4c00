"""Limit unpaid orders, and guesses at voucher codes."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from limits import RateLimitItemPerHour

from shop.core.emails import ascii_lower
from shop.core.rate_limit import (
    allows,
    allows_key,
    client_network,
    give_back,
    is_exhausted,
    wait_seconds,
)
from shop.orders.models import Order, Voucher

HOUR = 3600
Counter = tuple[str, str]  # key and subject of ``shop.core.rate_limit``


class VoucherError(ValueError):
    """Tells the shopper why the voucher code cannot be used."""


class TooManyOrdersError(Exception):
    """Tells the buyer in how many ``seconds`` another order may be placed."""

    def __init__(self, seconds: int) -> None:
        minutes = ceil(seconds / 60)
        text = ngettext(
            "Too many orders in a short time. Please try again in %(n)d minute.",
            "Too many orders in a short time. Please try again in %(n)d minutes.",
            minutes,
        )
        super().__init__(text % {"n": minutes})
        self.seconds = seconds


def order_counters(request: HttpRequest, email: str) -> list[Counter]:
    """Return the counters of an order: of the client address, and of the account or the email.

    Emails are counted for guests only: a stranger who orders with the email of a customer does not
    stop the customer.
    """
    user = request.user
    by_user, by_email = (str(user.pk), "order-user"), (ascii_lower(email), "order-email")
    buyer = by_user if user.is_authenticated else by_email
    return [(client_network(request), "order-network"), buyer]


def check_limits(counters: Sequence[Counter]) -> None:
    """Raise ``TooManyOrdersError`` if a counter has reached its limit; count nothing."""
    per_hour = settings.UNPAID_ORDERS_PER_HOUR
    full = [counter for counter in counters if is_exhausted(*counter, per_hour)]
    if full:
        raise _too_many(full)


def count_order(order: Order, counters: Sequence[Counter]) -> None:
    """Count a placed order. Raises ``TooManyOrdersError`` if simultaneous orders were faster."""
    for key, subject in counters:
        if not allows_key(key, subject, settings.UNPAID_ORDERS_PER_HOUR):
            raise _too_many([(key, subject)])
    cache.set(_cache_key(order), list(counters), HOUR)


def uncount_order(order: Order) -> None:
    """Stop counting a paid order, because many customers may share an address.

    An order that cost nothing still counts.
    """
    if order.total:
        for key, subject in cache.get(_cache_key(order), []):
            give_back(key, subject, settings.UNPAID_ORDERS_PER_HOUR)


def _cache_key(order: Order) -> str:
    return f"order-counters:{order.pk}"


def _too_many(counters: Sequence[Counter]) -> TooManyOrdersError:
    limit = RateLimitItemPerHour(settings.UNPAID_ORDERS_PER_HOUR)
    return TooManyOrdersError(max(wait_seconds(limit, subject, key) for key, subject in counters))


def find_voucher(request: HttpRequest, code: str, session: str) -> Voucher:
    """Return the voucher with the code; ``session`` identifies the visitor who tries the code.

    Raises ``VoucherError`` for an unknown code, and for any code after too many attempts.
    """
    limit = settings.VOUCHER_CODES_PER_HOUR
    by_session = not session or allows_key(session, "voucher-session", limit)
    if not (allows(request, "voucher", limit) and by_session):
        raise VoucherError(_("Too many attempts. Try again in an hour."))
    voucher = Voucher.objects.filter(code=code).first()
    if voucher is None:
        raise VoucherError(_("This code isn’t valid."))
    return voucher
