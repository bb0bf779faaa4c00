"""Count the products of a list, in total and for each filter option."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import Count, Q
from django.http import QueryDict
from django.utils.translation import gettext as _

from shop.catalogue.attribute_names import attribute_name
from shop.catalogue.browsing.caching import cached_rows
from shop.catalogue.browsing.colours import hex_of
from shop.catalogue.browsing.filters import FACETS, Filters
from shop.catalogue.category_names import display_name
from shop.catalogue.models import Category, Product
from shop.catalogue.querysets import ProductQuerySet


@dataclass(frozen=True)
class Option:
    """Holds one option of a facet and the number of its products."""

    value: str
    label: str
    products: int
    selected: bool
    colour: str = ""

    @property
    def shown_count(self) -> str:
        """Return the number with thousands separators.

        ``intcomma`` is called only if necessary, because it is slow and a page has about 200
        numbers.
        """
        return str(self.products) if self.products < 1000 else str(intcomma(self.products))


@dataclass(frozen=True)
class Facet:
    """Holds the options of one filter; ``name`` is its query parameter.

    Shoppers can search the options of a long facet: ``find`` is the searched text (``None`` for a
    short facet), and ``more`` is the number of matching options that are not shown.
    """

    name: str
    label: str
    options: list[Option]
    find: str | None = None
    more: int = 0

    @property
    def is_useful(self) -> bool:
        """Return whether to show the facet.

        A facet with a single option is shown only if the option is chosen or was searched for.
        """
        return bool(len(self.options) > 1 or self.more or self.find or self.selected)

    @property
    def selected(self) -> list[Option]:
        return [option for option in self.options if option.selected]


@dataclass(frozen=True)
class Counts:
    """Holds the numbers of matching products: in total, and by gender, colour and category id.

    The numbers by gender ignore the chosen genders, and likewise for colours and categories; the
    total respects all filters.
    """

    total: int
    genders: dict[str, int]
    colours: dict[str, int]
    categories: dict[int, int]


def count(products: ProductQuerySet, filters: Filters) -> Counts:
    """Count the ``products`` that match ``filters``; the result may be ``CACHE_SECONDS`` old.

    One query counts the products by gender, colour and category. It reads the covering index
    ``product_facets`` unless other filters apply. The chosen genders, colours and categories are
    applied to the rows of the query in Python, so that all choices share one cached result (2,740
    rows for 43,941 products).
    """
    columns = ("gender", "base_colour", "category_id")
    narrowed = products.filter(filters.ungrouped_q()).order_by()
    return _sum_groups(cached_rows(narrowed.values_list(*columns).annotate(n=Count("*"))), filters)


def _sum_groups(groups: Iterable[tuple[str, str, int, int]], filters: Filters) -> Counts:
    """Sum the groups of (gender, colour, category id, number) that match ``filters``."""
    total = 0
    genders: dict[str, int] = defaultdict(int)
    colours: dict[str, int] = defaultdict(int)
    categories: dict[int, int] = defaultdict(int)
    # These are sets, because a chosen top category stands for hundreds of ids to look up.
    chosen_categories, excluded = set(filters.category_ids), set(filters.excluded_category_ids)
    for gender, colour, category, n in groups:
        if colour in filters.excluded_colours or category in excluded:
            continue
        has_gender = not filters.genders or gender in filters.genders
        has_colour = not filters.colours or colour in filters.colours
        has_category = not chosen_categories or category in chosen_categories
        if has_colour and has_category:
            genders[gender] += n
        if has_gender and has_category:
            colours[colour] += n
        if has_gender and has_colour:
            categories[category] += n
            total += n if has_category else 0
    return Counts(total, genders, colours, categories)


def facets(counts: Counts, chosen: dict[str, list[str]]) -> list[Facet]:
    """Return the facets gender, colour and article type, with the most frequent options first.

    Chosen options are included even if no product matches them, so that shoppers can remove them.
    One query loads the names of the article types.
    """
    known = [gender for gender in chosen["gender"] if gender in Product.Gender.values]
    genders = dict.fromkeys(known, 0) | counts.genders
    colours = dict.fromkeys(chosen["colour"], 0) | counts.colours
    counted = {
        "gender": ((v, _gender(v), n) for v, n in genders.items() if v),
        "colour": ((v, attribute_name(v), n) for v, n in colours.items() if v),
        "type": _types(counts.categories, chosen["type"]),
    }
    labels = {"gender": _("Gender"), "colour": _("Colour"), "type": _("Category")}
    return [Facet(name, labels[name], _options(name, counted[name], chosen)) for name in FACETS]


def _types(counted: dict[int, int], chosen: list[str]) -> Iterator[tuple[str, str, int]]:
    """Yield path, name and number of products of each category.

    The number of a chosen category includes the products of its descendants.
    """
    either = Q(pk__in=counted) | Q(path__in=chosen)
    rows = list(Category.objects.filter(either).values_list("pk", "path", "name"))
    for pk, path, name in rows:
        count = counted.get(pk, 0)
        if path in chosen:
            below = (other for other, its_path, _name in rows if its_path.startswith(f"{path}/"))
            count += sum(counted.get(other, 0) for other in below)
        yield path, display_name(name), count


def facets_in_stock(query: QueryDict, filters: Filters) -> list[Facet]:
    """Return the facets of all products in stock; the query string has the chosen options."""
    counts = count(Product.objects.listed().in_stock(), filters)
    return facets(counts, {name: query.getlist(name) for name in FACETS})


def _options(
    name: str, counted: Iterable[tuple[str, str, int]], chosen: dict[str, list[str]]
) -> list[Option]:
    """Return the options from (value, label, number) rows, most frequent first."""
    ordered = sorted(counted, key=lambda one: (-one[2], one[0]))
    return [
        Option(value, label, n, value in chosen[name], hex_of(value) if name == "colour" else "")
        for value, label, n in ordered
    ]


def _gender(value: str) -> str:
    return str(Product.Gender(value).label) if value in Product.Gender.values else value
