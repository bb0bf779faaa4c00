"""The ways to pay: what each must be able to do, those without a provider, and the list of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    from shop.orders.models import Order


class PaymentError(Exception):
    """The provider did not do it; the message is for the person who asked."""


class PaymentMethod(Protocol):
    """Calls may take seconds where a provider is asked; all may be made twice."""

    @property
    def code(self) -> str: ...
    @property
    def label(self) -> str | Promise: ...
    @property
    def pays_first(self) -> bool:
        """Whether nothing may be packed before the money is there."""
        ...

    def start(self, order: Order) -> str | None:
        """Where to send the buyer to pay, if anywhere. Raises ``PaymentError``."""
        ...

    def cancel(self, order: Order) -> None:
        """From now on it cannot be paid. Raises ``PaymentError`` if it has been."""
        ...

    def refund(self, order: Order) -> None:
        """Give all the money back. Raises ``PaymentError``."""
        ...


@dataclass(frozen=True)
class Offline:
    """Money that people move themselves: invoice, cash on delivery."""

    code: str
    label: str | Promise
    pays_first: bool = False

    def start(self, order: Order) -> str | None:
        return None

    def cancel(self, order: Order) -> None:
        pass

    def refund(self, order: Order) -> None:
        pass


@dataclass(frozen=True)
class Unavailable(Offline):
    """A way that orders were paid in and that is not configured any more."""

    pays_first: bool = True

    def start(self, order: Order) -> str | None:
        raise PaymentError(_("This way to pay is not offered any more. Write to us, please."))

    def refund(self, order: Order) -> None:
        raise PaymentError(
            _("“%s” is not configured, so the money cannot be given back from here.") % self.code
        )


METHODS: dict[str, PaymentMethod] = {}


def register(method: PaymentMethod) -> None:
    METHODS[method.code] = method


register(Offline("invoice", gettext_lazy("Invoice, paid after delivery")))
register(Offline("delivery", gettext_lazy("Cash on delivery")))


def choices() -> list[tuple[str, str | Promise]]:
    return [(method.code, method.label) for method in METHODS.values()]


def method_of(order: Order) -> PaymentMethod:
    return METHODS.get(order.payment) or Unavailable(order.payment, order.payment)
