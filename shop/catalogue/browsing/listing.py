"""A page of products with its filters, sorting and counts: what category and search share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from shop.catalogue.browsing import slow
from shop.catalogue.browsing.facets import Counts, Facet, count, facets
from shop.catalogue.browsing.filters import FACETS, Filters
from shop.catalogue.models import Product
from shop.catalogue.querysets import ProductQuerySet
from shop.catalogue.tallies import ProductTallyQuerySet

SORTS: dict[str, tuple[str | Promise, tuple[str, ...]]] = {
    "relevance": (_("Best match"), ("-rank", "-pk")),
    "newest": (_("Newest"), ("-created", "-pk")),
    "price": (_("Price: low to high"), ("price", "pk")),
    "-price": (_("Price: high to low"), ("-price", "pk")),
    "name": (_("Name"), ("name", "pk")),
}


@dataclass(frozen=True)
class Chip:
    """A chosen filter and the address without it."""

    label: str
    url: str


class Listing:
    """``products`` before filtering, and the query of the address that narrows and sorts them.

    ``tallies``: of the same products, if there are any.
    """

    def __init__(
        self,
        products: ProductQuerySet,
        query: QueryDict,
        *,
        default_sort: str,
        tallies: ProductTallyQuerySet | None = None,
    ) -> None:
        self._all, self._tallies = products, tallies
        self.query = query
        self.filters = Filters.from_query(query)
        self.sorts = {k: v[0] for k, v in SORTS.items() if k != "relevance" or default_sort == k}
        wanted = str(query.get("sort", ""))
        self.sort = wanted if wanted in self.sorts else default_sort

    @cached_property
    def page(self) -> Page[Product]:
        """The ids first: to skip pages costs the database less with nothing else in the rows.

        They may have been kept, so what is in the shop no more is left out.
        """
        ordered = self._all.filter(self.filters.q()).order_by(*SORTS[self.sort][1])
        paginator = Paginator(ordered, settings.CATALOGUE_PAGE_SIZE)
        paginator.count = self._counts.total
        number = paginator.get_page(self.query.get("page")).number
        first = (number - 1) * paginator.per_page
        keys = ordered.values_list("pk", flat=True)[first : first + paginator.per_page]
        known = slow.rows(*keys.query.sql_with_params()) if paginator.count else []
        ids = [row[0] for row in known]
        found = Product.objects.listed().with_card_data().in_bulk(ids)
        return Page([found[pk] for pk in ids if pk in found], number, paginator)

    @cached_property
    def _counts(self) -> Counts:
        return count(self._all, self.filters, self._tallies)

    @cached_property
    def facets(self) -> list[Facet]:
        return facets(self._counts, {name: self.query.getlist(name) for name in FACETS})

    @property
    def page_numbers(self) -> list[int | str]:
        return list(self.page.paginator.get_elided_page_range(self.page.number, on_each_side=1))

    @property
    def chips(self) -> list[Chip]:
        chips = [
            Chip(option.label, self._address(remove=(facet.name, option.value)))
            for facet in self.facets
            for option in facet.selected
        ]
        for name, label in (("price_from", _("From %s")), ("price_to", _("Up to %s"))):
            if getattr(self.filters, name) is not None:
                chips.append(Chip(str(label) % self.query[name], self._address(drop=name)))
        return chips

    @property
    def query_without_page(self) -> str:
        """The address's query to which a page's number is added; empty or ending in ``&``."""
        query = self._copy_without("page")
        return f"{query.urlencode()}&" if query else ""

    @property
    def clear_url(self) -> str:
        """The same list without any filter."""
        return f"?{self._copy_without('page', *FACETS, 'price_from', 'price_to').urlencode()}"

    def _address(self, *, remove: tuple[str, str] | None = None, drop: str = "") -> str:
        query = self._copy_without("page", drop)
        if remove:
            name, value = remove
            query.setlist(name, [v for v in query.getlist(name) if v != value])
        return f"?{query.urlencode()}"

    def _copy_without(self, *names: str) -> QueryDict:
        query = self.query.copy()
        for name in names:
            query.pop(name, None)
        return query
