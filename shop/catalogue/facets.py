"""The counts beside each filter, and of a whole list, from one grouped query."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from shop.catalogue.colours import hex_of
from shop.catalogue.filters import FACETS, Filters
from shop.catalogue.models import Category, Product
from shop.catalogue.querysets import ProductQuerySet


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


@dataclass(frozen=True)
class Counts:
    """How many products pass: in all, and by gender, colour and category id.

    Each of the three is counted without its own choice, the total with all.
    """

    total: int
    genders: Counter[str]
    colours: Counter[str]
    categories: Counter[int]


def count(products: ProductQuerySet, filters: Filters) -> Counts:
    """One query, grouped by all three at once: ``product_facets`` answers it without the table."""
    narrowed = products.filter(filters.q(without=FACETS)).order_by()
    grouped = narrowed.values_list("gender", "base_colour", "category_id").annotate(n=Count("*"))
    total, genders, colours, categories = 0, Counter[str](), Counter[str](), Counter[int]()
    for gender, colour, category, n in grouped:
        right_gender = not filters.genders or gender in filters.genders
        right_colour = not filters.colours or colour in filters.colours
        right_category = not filters.category_ids or category in filters.category_ids
        if right_colour and right_category:
            genders[gender] += n
        if right_gender and right_category:
            colours[colour] += n
        if right_gender and right_colour:
            categories[category] += n
            total += n * right_category
    return Counts(total, genders, colours, categories)


def facets(counts: Counts, chosen: dict[str, list[str]]) -> list[Facet]:
    """Gender, colour and article type, most frequent first. One query, for the types' names."""
    rows = Category.objects.filter(pk__in=counts.categories).values_list("pk", "path", "name")
    counted = {
        "gender": ((v, _gender(v), n) for v, n in counts.genders.items() if v),
        "colour": ((v, pgettext("colour", v), n) for v, n in counts.colours.items() if v),
        "type": ((path, name, counts.categories[pk]) for pk, path, name in rows),
    }
    labels = {"gender": _("Gender"), "colour": _("Colour"), "type": _("Type")}
    return [Facet(name, labels[name], _options(name, counted[name], chosen)) for name in FACETS]


def _options(
    name: str, counted: Iterable[tuple[str, str, int]], chosen: dict[str, list[str]]
) -> list[Option]:
    """From value, label and how many."""
    ordered = sorted(counted, key=lambda one: (-one[2], one[0]))
    return [
        Option(value, label, n, value in chosen[name], hex_of(value) if name == "colour" else "")
        for value, label, n in ordered
    ]


def _gender(value: str) -> str:
    return str(Product.Gender(value).label) if value in Product.Gender.values else value
