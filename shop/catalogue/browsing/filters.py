"""Parse the filters of a product list from a query string and apply them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from django.contrib.postgres.search import SearchQuery
from django.db.models import Q
from django.http import QueryDict

from shop.catalogue.browsing.search import all_words
from shop.catalogue.models import SEARCH_CONFIG, Category, Product, Variant

FACETS = ("gender", "colour", "type")
# Only product lists filter by brand, size and stock; similar items and photo searches do not.
LISTING_FACETS = (*FACETS, "brand", "size")
FINEST = Decimal("0.0001")


@dataclass(frozen=True)
class Filters:
    """Holds the filters of a product list; an empty filter matches every product.

    The price limits are inclusive. ``category_ids`` includes all descendants of the chosen
    categories. ``words`` is a tsquery. Products match ``sizes`` if a variant of one of these sizes
    is in stock.
    """

    genders: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()
    category_ids: tuple[int, ...] = ()
    price_from: Decimal | None = None
    price_to: Decimal | None = None
    excluded_colours: tuple[str, ...] = ()
    excluded_category_ids: tuple[int, ...] = ()
    words: str = ""
    brands: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    in_stock: bool = False

    @classmethod
    def from_query(cls, query: QueryDict) -> Filters:
        """Parse a query string, ignoring invalid values, so that old links still work."""
        return cls(
            genders=tuple(g for g in query.getlist("gender") if g in Product.Gender.values),
            colours=tuple(c for c in query.getlist("colour") if c)[:50],
            category_ids=_leaves(query.getlist("type")),
            price_from=_price(query.get("price_from")),
            price_to=_price(query.get("price_to")),
            excluded_colours=tuple(c for c in query.getlist("not_colour") if c)[:50],
            excluded_category_ids=_leaves(query.getlist("not_type")),
            brands=tuple(brand for brand in query.getlist("brand") if brand)[:50],
            sizes=tuple(size for size in query.getlist("size") if size)[:50],
            in_stock=query.get("in_stock") == "1",
        )

    def with_words(self, text: str) -> Filters:
        """Return a copy that requires all words of the text, with corrected spelling."""
        return replace(self, words=all_words(text))

    def q(self) -> Q:
        """Return all filters as a condition on ``Product``."""
        condition = self.ungrouped_q()
        if self.genders:
            condition &= Q(gender__in=self.genders)
        if self.colours:
            condition &= Q(base_colour__in=self.colours)
        if self.category_ids:
            condition &= Q(category__in=self.category_ids)
        if self.excluded_colours:
            condition &= ~Q(base_colour__in=self.excluded_colours)
        if self.excluded_category_ids:
            condition &= ~Q(category__in=self.excluded_category_ids)
        return condition

    def ungrouped_q(self) -> Q:
        """Return all filters except gender, colour and category as a condition on ``Product``."""
        condition = Q()
        if self.price_from is not None:
            condition &= Q(price__gte=self.price_from)
        if self.price_to is not None:
            condition &= Q(price__lte=self.price_to)
        if self.words:
            query = SearchQuery(self.words, search_type="raw", config=SEARCH_CONFIG)
            condition &= Q(search=query)
        if self.brands:
            condition &= Q(brand__in=self.brands)
        if self.sizes:
            variants = Variant.objects.filter(size__in=self.sizes, stock__gt=0)
            condition &= Q(pk__in=variants.values("product"))
        if self.in_stock:
            condition &= Q(stock__gt=0)
        return condition

    def __bool__(self) -> bool:
        return self != Filters()


def _leaves(paths: list[str]) -> tuple[int, ...]:
    """Return the ids of the categories at and below these paths, ignoring unknown paths."""
    if not paths:
        return ()
    condition = Q(path__in=paths)
    for path in paths[:50]:
        condition |= Q(path__startswith=f"{path}/")
    return tuple(Category.objects.filter(condition).order_by("pk").values_list("pk", flat=True))


def _price(text: str | None) -> Decimal | None:
    try:
        # The price is rounded, because PostgreSQL cannot compare with every finite Decimal, such as
        # 1e-20000.
        price = Decimal(text or "").quantize(FINEST)
    except InvalidOperation:
        return None
    return price if price.is_finite() and 0 <= price < 10**8 else None
