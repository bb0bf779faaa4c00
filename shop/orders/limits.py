"""Limit orders that are paid later, and guesses at voucher codes."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from shop.core.emails import ascii_lower
from shop.core.rate_limit import allows, allows_key, too_many_requests
from shop.orders.models import Voucher
from shop.orders.payment import METHODS


class VoucherError(ValueError):
    """Tells the shopper why the voucher code cannot be used."""


def may_order(request: HttpRequest, payment: str, email: str) -> bool:
    """Count an order; return whether the limits per client address and per e-mail allow it.

    Prepaid orders are not limited, because the buyer has to pay for each.
    """
    limit = settings.INVOICE_ORDERS_PER_HOUR
    if METHODS[payment].is_prepaid:
        return True
    return allows(request, "invoice-order", limit) and allows_key(
        ascii_lower(email), "invoice-order-email", limit
    )


def too_many_orders(request: HttpRequest, email: str) -> HttpResponse:
    """Return a 429 response that says when another order may be placed."""
    by_email = (ascii_lower(email), "invoice-order-email")
    return too_many_requests(request, "invoice-order", settings.INVOICE_ORDERS_PER_HOUR, by_email)


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
