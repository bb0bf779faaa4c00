"""Define the views of the home, category, search, product and privacy pages."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_cache_control
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from shop.catalogue.browsing.home import CATEGORIES, largest_categories
from shop.catalogue.browsing.listing import Listing
from shop.catalogue.browsing.search import search_products
from shop.catalogue.browsing.suggestions import suggest
from shop.catalogue.models import Category, Product
from shop.catalogue.signals import nothing_found
from shop.core.htmx import is_htmx_fragment


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Render the home page.

    Its template loads each row of products in turn, so that a row can leave out products shown
    above.
    """
    return render(request, "shop/home.html")


@require_safe
def category(request: HttpRequest, path: str) -> HttpResponse:
    category = Category.objects.filter(path=path).first()
    if category is None:
        return _moved(get_object_or_404(Category, redirects__path=path))
    below = Category.objects.descendant_ids(category)
    products = Product.objects.listed().filter(category__in=below)
    listing = Listing(products, request.GET, default_sort="newest")
    context = {"category": category, "title": category.display_name, "listing": listing}
    return _render_listing(request, context)


@require_safe
def products(request: HttpRequest) -> HttpResponse:
    listing = Listing(Product.objects.listed(), request.GET, default_sort="newest")
    return _render_listing(request, {"title": _("All products"), "listing": listing})


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "").strip()[:200]
    result = search_products(Product.objects.listed(), text)
    if text and result.products.query.is_empty():
        nothing_found.send(sender=None, request=request, text=text)
    sort = "relevance" if text else "newest"
    listing = Listing(result.products, request.GET, default_sort=sort)
    title = _("Results for “%(text)s”") % {"text": text} if text else _("Search")
    context = {"title": title, "text": text, "result": result, "listing": listing}
    context["categories"] = SimpleLazyObject(lambda: largest_categories(CATEGORIES))
    return _render_listing(request, context)


@require_safe
def suggestions(request: HttpRequest) -> HttpResponse:
    """Render the suggestions for the search box as a fragment."""
    found = suggest(request.GET.get("q", "")[:200])
    response = render(request, "shop/includes/suggestions.html", {"suggestions": found})
    patch_cache_control(response, private=True, max_age=60)
    return response


def _render_listing(request: HttpRequest, context: dict[str, object]) -> HttpResponse:
    """Render the whole page or, for a request by htmx, only the list and its filters."""
    template = "shop/includes/listing.html" if is_htmx_fragment(request) else "shop/listing.html"
    response = render(request, template, context)
    response["Vary"] = "HX-Request"
    return response


@require_safe
def product(request: HttpRequest, slug: str) -> HttpResponse:
    products = Product.objects.with_card_data().prefetch_related("variants")
    product = products.filter(slug=slug, merged_into=None).first()
    if product is None:
        survivor = Product.objects.listed().filter(merged__slug=slug).first()
        return _moved(survivor or get_object_or_404(Product, redirects__slug=slug))
    context = {"product": product, "return_days": settings.RETURN_DAYS}
    if not product.listed:
        return render(request, "shop/product_gone.html", context, status=410)
    return render(request, "shop/product.html", context)


def _moved(to: Category | Product) -> HttpResponse:
    response = redirect(to, permanent=True)
    # Browsers must not cache the redirect, because they would redirect in a loop after a category
    # or product is renamed and gets its old name back.
    patch_cache_control(response, no_cache=True)
    return response


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    lifetimes = {
        "photo_hours": settings.PHOTO_LIFETIME_HOURS,
        "event_days": settings.EVENT_LIFETIME_DAYS,
    }
    return render(request, "shop/privacy.html", lifetimes)
