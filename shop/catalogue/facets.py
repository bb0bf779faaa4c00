"""The counts beside each filter."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Max, Min
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from shop.catalogue.colours import hex_of
from shop.catalogue.filters import Filters
from shop.catalogue.models import Product
from shop.catalogue.querysets import ProductQuerySet

FIELDS = {"gender": "gender", "colour": "base_colour", "type": "category__path"}


@dataclass(frozen=True)
class Option:
    value: str
    label: str
    products: int
    selected: bool
    colour: str = ""


@dataclass(frozen=True)
class Facet:
    """One group of choices; ``name`` is the parameter in the address."""

    name: str
    label: str
    options: list[Option]

    @property
    def selected(self) -> list[Option]:
        return [option for option in self.options if option.selected]


def facets(
    products: ProductQuerySet, filters: Filters, chosen: dict[str, list[str]]
) -> list[Facet]:
    """Gender, colour and article type, most frequent first, each counted without itself."""
    labels = {"gender": _("Gender"), "colour": _("Colour"), "type": _("Type")}
    return [
        Facet(
            name,
            labels[name],
            _options(name, products.filter(filters.q(without=name)), chosen[name]),
        )
        for name in FIELDS
    ]


def _options(name: str, products: ProductQuerySet, chosen: list[str]) -> list[Option]:
    field = FIELDS[name]
    label_field = "category__name" if name == "type" else field
    rows = (
        products.exclude(**{field: ""})
        .order_by()
        .values_list(field, label_field)
        .annotate(n=Count("pk"))
        .order_by("-n", field)
    )
    return [
        Option(
            value,
            _label(name, label),
            n,
            value in chosen,
            hex_of(value) if name == "colour" else "",
        )
        for value, label, n in rows
    ]


def _label(name: str, label: str) -> str:
    if name == "gender":
        return str(Product.Gender(label).label) if label in Product.Gender.values else label
    return pgettext("colour", label) if name == "colour" else label


def price_range(products: ProductQuerySet) -> tuple[Decimal | None, Decimal | None]:
    """The lowest and the highest price, or two ``None`` where there is no product."""
    ends = products.aggregate(low=Min("price"), high=Max("price"))
    return ends["low"], ends["high"]
