"""Refine the similar items of a product by filters, which are part of the same SQL."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from recommender.search.candidates import parse_filters
from recommender.search.similar import similar_to_product
from shop.catalogue.browsing.facets import facets_in_stock
from shop.catalogue.models import Product
from shop.core.htmx import is_htmx_fragment

PRODUCTS_SHOWN = 20
CENT = Decimal("0.01")
# Filters that the filter form must pass on unchanged, because it has no fields for them.
EXCLUSIONS = ("not_colour", "not_type")
OTHER_GENDER = {"Women": "Men", "Men": "Women", "Girls": "Boys", "Boys": "Girls"}


@dataclass(frozen=True)
class Refinement:
    """Represents a link that applies a filter, or removes the filter if it is ``active``.

    ``colour`` is the hex code of the link's swatch, if it has one.
    """

    label: str | Promise
    address: str
    active: bool
    colour: str = ""


def refinements(product: Product, query: QueryDict) -> list[Refinement]:
    """Return links to cheaper products and to other colours, genders and categories.

    Links that do not apply to the product are left out. ``query`` holds the active filters.
    """
    choices: list[tuple[str, str, str]] = []
    if product.price and product.price > CENT:
        choices.append((_("Cheaper"), "price_to", str(product.price - CENT)))
    if product.base_colour:
        choices.append((_("In another colour"), "not_colour", product.base_colour))
        choices.append((_("In the same colour"), "colour", product.base_colour))
    other = OTHER_GENDER.get(product.gender)
    if other:
        label = _("For %(gender)s") % {"gender": Product.Gender(other).label}
        choices.append((label, "gender", other))
    choices.append((_("Other category"), "not_type", product.category.path))
    choices.append((_("Same category"), "type", product.category.path))
    return [_filter_link(product, query, *choice) for choice in choices]


def _filter_link(
    product: Product, query: QueryDict, label: str, name: str, value: str
) -> Refinement:
    """Return the link that adds or removes a filter; adding it drops the opposite filter."""
    changed = query.copy()
    values = changed.getlist(name)
    active = value in values
    changed.setlist(name, [other for other in values if other != value])
    if not active:
        changed.pop(f"not_{name}", None)
        changed.pop(name.removeprefix("not_"), None)
        changed.setlist(name, [value])
    address = reverse("more-like", args=[product.slug])
    return Refinement(label, f"{address}?{changed.urlencode()}" if changed else address, active)


@require_safe
def more_like(request: HttpRequest, slug: str) -> HttpResponse:
    """Show twenty similar products that pass the filters, nearest first."""
    products = Product.objects.listed().with_card_data().select_related("category")
    product = get_object_or_404(products, slug=slug)
    filters = parse_filters(request.GET)
    context = {
        "product": product,
        "products": similar_to_product(product, filters, count=PRODUCTS_SHOWN),
        "refinements": refinements(product, request.GET),
        "filters": filters,
        "query": request.GET,
        "exclusions": [(name, v) for name in EXCLUSIONS for v in request.GET.getlist(name)],
        "facets": facets_in_stock(request.GET, filters),
    }
    name = "includes/more_like" if is_htmx_fragment(request) else "more_like"
    response = render(request, f"recommender/{name}.html", context)
    response["X-Robots-Tag"] = "noindex"
    response["Vary"] = "HX-Request"
    return response
