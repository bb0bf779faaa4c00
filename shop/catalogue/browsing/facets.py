"""The counts beside each filter, and of a whole list, from one grouped query."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.core.exceptions import EmptyResultSet
from django.db.models import Count, Q, Sum
from django.db.models.sql import Query
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from shop.catalogue.browsing import slow
from shop.catalogue.browsing.colours import hex_of
from shop.catalogue.browsing.filters import FACETS, Filters
from shop.catalogue.models import Category, Product, ProductTally
from shop.catalogue.querysets import ProductQuerySet
from shop.catalogue.tallies import ProductTallyQuerySet


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


# A few thousand groups at most, of which each choice and the whole is a sum.
SUMS = """
WITH counted (gender, colour, category, n) AS MATERIALIZED ({grouped}),
passed AS (
    SELECT *, %s = '{{}}' OR gender = ANY(%s) AS has_gender,
        %s = '{{}}' OR colour = ANY(%s) AS has_colour,
        %s = '{{}}' OR category = ANY(%s) AS has_type
    FROM counted)
SELECT 'gender', gender, sum(n)::bigint FROM passed WHERE has_colour AND has_type GROUP BY gender
UNION ALL
SELECT 'colour', colour, sum(n)::bigint FROM passed WHERE has_gender AND has_type GROUP BY colour
UNION ALL
SELECT 'type', category::text, sum(n)::bigint FROM passed WHERE has_gender AND has_colour
GROUP BY category
UNION ALL
SELECT '', '', COALESCE(sum(n), 0)::bigint FROM passed
WHERE has_gender AND has_colour AND has_type
"""


@dataclass(frozen=True)
class Counts:
    """How many products pass: in all, and by gender, colour and category id.

    Each of the three is counted without its own choice, the total with all.
    """

    total: int
    genders: dict[str, int]
    colours: dict[str, int]
    categories: dict[int, int]


def count(
    products: ProductQuerySet, filters: Filters, tallies: ProductTallyQuerySet | None = None
) -> Counts:
    """One query, grouped by all three at once.

    ``tallies`` of the same products have it counted already, unless words or a price narrow them;
    else the index ``product_facets`` answers without the table.
    """
    counted = None if filters.looks_at_each else tallies
    try:
        grouped, values = _grouped(products, filters, counted).sql_with_params()
    except EmptyResultSet:  # Django knows that nothing can pass
        return Counts(0, {}, {}, {})
    chosen = (list(filters.genders), list(filters.colours), list(filters.category_ids))
    twice = [one for one in chosen for _time in range(2)]
    found: dict[str, dict[str, int]] = {"": {}, **{name: {} for name in FACETS}}
    answer = slow.rows if counted is None else slow.new_rows
    for name, value, n in answer(SUMS.format(grouped=grouped), [*values, *twice]):
        found[name][value] = n
    categories = {int(pk): n for pk, n in found["type"].items()}
    return Counts(found[""][""], found["gender"], found["colour"], categories)


def _grouped(
    products: ProductQuerySet, filters: Filters, tallies: ProductTallyQuerySet | None
) -> Query:
    passing = filters.q(without=FACETS)
    kind = ("gender", "base_colour", "category_id")
    if tallies is None:
        return products.filter(passing).order_by().values_list(*kind).annotate(n=Count("*")).query
    return tallies.filter(passing).values_list(*kind).annotate(n=Sum("n")).filter(n__gt=0).query


def facets(counts: Counts, chosen: dict[str, list[str]]) -> list[Facet]:
    """Gender, colour and article type, most frequent first. One query, for the types' names.

    What is chosen is among them even if no product is left with it: it narrows the list.
    """
    known = [gender for gender in chosen["gender"] if gender in Product.Gender.values]
    genders = dict.fromkeys(known, 0) | counts.genders
    colours = dict.fromkeys(chosen["colour"], 0) | counts.colours
    counted = {
        "gender": ((v, _gender(v), n) for v, n in genders.items() if v),
        "colour": ((v, pgettext("colour", v), n) for v, n in colours.items() if v),
        "type": _types(counts.categories, chosen["type"]),
    }
    labels = {"gender": _("Gender"), "colour": _("Colour"), "type": _("Type")}
    return [Facet(name, labels[name], _options(name, counted[name], chosen)) for name in FACETS]


def _types(counted: dict[int, int], chosen: list[str]) -> Iterator[tuple[str, str, int]]:
    """Path, name and how many; a chosen one stands for what is below it as well."""
    either = Q(pk__in=counted) | Q(path__in=chosen)
    rows = list(Category.objects.filter(either).values_list("pk", "path", "name"))
    for pk, path, name in rows:
        count = counted.get(pk, 0)
        if path in chosen:
            below = (other for other, its_path, _name in rows if its_path.startswith(f"{path}/"))
            count += sum(counted.get(other, 0) for other in below)
        yield path, name, count


def facets_in_stock(query: QueryDict, filters: Filters) -> list[Facet]:
    """Of all that can be bought, with what an address has chosen."""
    counts = count(Product.objects.listed().in_stock(), filters, ProductTally.objects.in_stock())
    return facets(counts, {name: query.getlist(name) for name in FACETS})


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
