"""Build the facets brand and size, which may have too many options to show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from django.db.models import Count
from django.http import QueryDict
from django.utils.translation import gettext as _

from shop.catalogue.browsing.caching import cached_rows
from shop.catalogue.browsing.facets import Facet, Option
from shop.catalogue.browsing.filters import Filters
from shop.catalogue.models import Variant
from shop.catalogue.querysets import ProductQuerySet

MAX_OPTIONS = 20
# If a list has more products, its sizes are not counted, because reading all variants for each page
# would take too long.
MAX_SIZED_PRODUCTS = 100_000
# Letter sizes from small to large. They are shown before numbers and other sizes.
LETTER_SIZES = ("XXS", "XS", "S", "M", "L", "XL", "XXL", "3XL", "4XL", "5XL")


def brand_facet(products: ProductQuerySet, filters: Filters, query: QueryDict) -> Facet:
    """Return the facet of brands that contain the searched text, most frequent first."""
    narrowed = products.filter(replace(filters, brands=()).q()).exclude(brand="").order_by()
    rows = cached_rows(narrowed.values_list("brand").annotate(n=Count("*")))
    find = query.get("brand_find", "").strip()[:50]
    ordered = sorted(rows, key=lambda row: (-row[1], row[0]))
    return _facet("brand", _("Brand"), ordered, filters.brands, find)


def size_facet(products: ProductQuerySet, filters: Filters, query: QueryDict, total: int) -> Facet:
    """Return the facet of sizes in stock, from small to large."""
    rows: Iterable[tuple[str, int]] = []
    if total <= MAX_SIZED_PRODUCTS:
        narrowed = products.filter(replace(filters, sizes=()).q()).order_by()
        variants = Variant.objects.filter(product__in=narrowed.values("pk"), stock__gt=0)
        variants = variants.exclude(size="").order_by()
        counted = variants.values_list("size").annotate(n=Count("product", distinct=True))
        rows = cached_rows(counted)
    find = query.get("size_find", "").strip()[:50]
    return _facet("size", _("Size"), sorted(rows, key=_size_order), filters.sizes, find)


def _size_order(row: tuple[str, int]) -> tuple[int, float, str]:
    """Return a sort key: letter sizes, then numbers, then others."""
    size = row[0]
    if size.upper() in LETTER_SIZES:
        return 0, LETTER_SIZES.index(size.upper()), size
    try:
        return 1, float(size.replace(",", ".")), size
    except ValueError:
        return 2, 0, size


def _facet(
    name: str, label: str, rows: list[tuple[str, int]], chosen: tuple[str, ...], find: str
) -> Facet:
    """Return a facet that includes chosen options even if no product matches them."""
    counted = dict.fromkeys(chosen, 0) | dict(rows)
    values = [v for v in counted if v in chosen or find.casefold() in v.casefold()]
    values.sort(key=lambda value: value not in chosen)
    options = [Option(v, v, counted[v], v in chosen) for v in values[:MAX_OPTIONS]]
    searched = find if find or len(counted) > MAX_OPTIONS else None
    return Facet(name, label, options, searched, max(len(values) - MAX_OPTIONS, 0))
