"""Page, filter, sort and count the products of a category or search."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from shop.catalogue.browsing.caching import cached_rows
from shop.catalogue.browsing.facets import Counts, Facet, count, facets
from shop.catalogue.browsing.filters import FACETS, LISTING_FACETS, Filters
from shop.catalogue.browsing.long_facets import brand_facet, size_facet
from shop.catalogue.browsing.search import BEST_MATCH
from shop.catalogue.models import Product
from shop.catalogue.querysets import ProductQuerySet

SORTS: dict[str, tuple[str | Promise, tuple[str, ...]]] = {
    "relevance": (_("Best match"), BEST_MATCH),
    "newest": (_("Newest"), ("-created", "-pk")),
    "price": (_("Price: low to high"), ("price", "pk")),
    "-price": (_("Price: high to low"), ("-price", "pk")),
    "name": (_("Name"), ("name", "pk")),
}
# Search results with more products are cached, because ranking takes 1 ms per thousand products.
CACHE_RANKING_FROM = 50_000
# The number of options of each facet that phones show above the products.
QUICK_CHIPS = {"gender": 3, "type": 4, "colour": 4}


@dataclass(frozen=True)
class Chip:
    """Holds the label of a filter and the URL that adds it or, if it is chosen, removes it."""

    label: str
    url: str


class Listing:
    """Filters and sorts ``products`` by a query string, and counts each filter option."""

    def __init__(self, products: ProductQuerySet, query: QueryDict, *, default_sort: str) -> None:
        self._all = products
        self.query = query
        self.filters = Filters.from_query(query)
        self.sorts = {k: v[0] for k, v in SORTS.items() if k != "relevance" or default_sort == k}
        wanted = str(query.get("sort", ""))
        self.sort = wanted if wanted in self.sorts else default_sort

    @cached_property
    def page(self) -> Page[Product]:
        """Return the requested page of products, or the last page if there are fewer.

        Only the total, and the order of large search results, may be ``CACHE_SECONDS`` old.
        """
        products = self._all.filter(self.filters.q()).order_by(*SORTS[self.sort][1])
        total = self._counts.total
        number, ids = self._page_ids(products, total)
        if not ids and number > 1:  # fewer products are left than were counted
            total = products.count()
            number, ids = self._page_ids(products, total)
        total = max(total, (number - 1) * settings.CATALOGUE_PAGE_SIZE + len(ids))
        found = Product.objects.listed().with_card_data().in_bulk(ids)
        return Page([found[pk] for pk in ids if pk in found], number, _paginator(total))

    def _page_ids(self, products: ProductQuerySet, total: int) -> tuple[int, list[int]]:
        """Return the number of the page to show, and the ids of its products.

        This is the requested page, or the last one if there are fewer. Only ids are selected,
        because an index-only scan makes large offsets cheap.
        """
        paginator = _paginator(total)
        number = paginator.get_page(self.query.get("page")).number
        start = (number - 1) * paginator.per_page
        keys = products.values_list("pk")[start : start + paginator.per_page]
        cached = self.sort == "relevance" and total > CACHE_RANKING_FROM
        return number, [pk for (pk,) in (cached_rows(keys) if cached else keys)]

    @cached_property
    def _counts(self) -> Counts:
        return count(self._all, self.filters)

    @cached_property
    def facets(self) -> list[Facet]:
        """Return the facets with the number of products for each option."""
        chosen = {name: self.query.getlist(name) for name in FACETS}
        shown = facets(self._counts, chosen)
        shown.append(brand_facet(self._all, self.filters, self.query))
        shown.append(size_facet(self._all, self.filters, self.query, self._counts.total))
        return shown

    @property
    def page_numbers(self) -> list[int | str]:
        """Return the numbers for the page links, with ellipses."""
        return list(self.page.paginator.get_elided_page_range(self.page.number, on_each_side=1))

    @property
    def chips(self) -> list[Chip]:
        """Return the chosen filters, which shoppers can remove one by one."""
        chips = [
            Chip(option.label, self._address(remove=(facet.name, option.value)))
            for facet in (self.facets if self.filters else ())
            for option in facet.selected
        ]
        for name, label in (("price_from", _("From %s")), ("price_to", _("Up to %s"))):
            if getattr(self.filters, name) is not None:
                chips.append(Chip(str(label) % self.query[name], self._address(drop=name)))
        if self.filters.in_stock:
            chips.append(Chip(str(_("In stock")), self._address(drop="in_stock")))
        return chips

    @property
    def quick_chips(self) -> list[Chip]:
        """Return the most frequent options of the facets in which nothing is chosen."""
        facets = {facet.name: facet for facet in self.facets if not facet.selected}
        return [
            Chip(option.label, self._address(add=(name, option.value)))
            for name, limit in QUICK_CHIPS.items()
            if name in facets and facets[name].is_useful
            for option in facets[name].options[:limit]
        ]

    @property
    def query_without_page(self) -> str:
        """Return the query string to which a link appends ``page=``.

        It has no page number, and is empty or ends in ``&``.
        """
        query = self._copy_without("page")
        return f"{query.urlencode()}&" if query else ""

    @property
    def clear_url(self) -> str:
        """Return the URL of the list without filters."""
        finds = (f"{name}_find" for name in LISTING_FACETS)
        names = ("page", *LISTING_FACETS, *finds, "price_from", "price_to", "in_stock")
        return f"?{self._copy_without(*names).urlencode()}"

    def _address(
        self,
        *,
        add: tuple[str, str] | None = None,
        remove: tuple[str, str] | None = None,
        drop: str = "",
    ) -> str:
        query = self._copy_without("page", drop)
        if add:
            query.appendlist(*add)
        if remove:
            name, value = remove
            query.setlist(name, [v for v in query.getlist(name) if v != value])
        return f"?{query.urlencode()}"

    def _copy_without(self, *names: str) -> QueryDict:
        query = self.query.copy()
        for name in names:
            query.pop(name, None)
        return query


def _paginator(total: int) -> Paginator[Any]:
    return Paginator(range(total), settings.CATALOGUE_PAGE_SIZE)
