"""Define payment methods: the interface, methods without a provider, and the registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    from shop.orders.models import Order


class PaymentError(Exception):
    """Tells the buyer or staff member why the payment provider refused."""


class PaymentMethod(Protocol):
    """Defines the interface of a payment method.

    Calls may take seconds, because some ask a provider. They can be repeated safely.
    """

    @property
    def code(self) -> str: ...
    @property
    def label(self) -> str | Promise: ...
    @property
    def is_prepaid(self) -> bool:
        """Return whether an order must be paid before it is packed."""
        ...

    def start(self, order: Order) -> str | None:
        """Return the URL where the buyer pays, if there is one. Raises ``PaymentError``."""
        ...

    def verify_paid(self, order: Order) -> None:
        """Check with the provider that the order is paid. Raises ``PaymentError`` if it isn't."""
        ...

    def cancel(self, order: Order) -> None:
        """Prevent the order from being paid. Raises ``PaymentError`` if it is paid already."""
        ...

    def refund(self, order: Order) -> None:
        """Refund the total. Raises ``PaymentError``."""
        ...


@dataclass(frozen=True)
class Offline:
    """Represents payment without a provider: invoice, cash on delivery."""

    code: str
    label: str | Promise
    is_prepaid: bool = False

    def start(self, order: Order) -> str | None:
        return None

    def verify_paid(self, order: Order) -> None:
        pass

    def cancel(self, order: Order) -> None:
        pass

    def refund(self, order: Order) -> None:
        pass


@dataclass(frozen=True)
class Unavailable(Offline):
    """Replaces the payment method of an old order if this method is no longer configured."""

    is_prepaid: bool = True

    def start(self, order: Order) -> str | None:
        raise PaymentError(_("This payment method is no longer available. Please contact us."))

    def refund(self, order: Order) -> None:
        raise PaymentError(_("“%s” is not configured, so it cannot be refunded here.") % self.code)


METHODS: dict[str, PaymentMethod] = {}


def register(method: PaymentMethod) -> None:
    METHODS[method.code] = method


register(Offline("invoice", gettext_lazy("Invoice (pay after delivery)")))
register(Offline("delivery", gettext_lazy("Cash on delivery")))


def choices() -> list[tuple[str, str | Promise]]:
    return [(method.code, method.label) for method in METHODS.values()]


def method_of(order: Order) -> PaymentMethod:
    return METHODS.get(order.payment) or Unavailable(order.payment, order.payment)


def is_awaiting_payment(order: Order) -> bool:
    """Return whether the order is prepaid and its buyer has not paid yet."""
    return method_of(order).is_prepaid and order.state == order.State.PLACED
