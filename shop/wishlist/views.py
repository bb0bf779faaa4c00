from __future__ import annotations

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from shop.catalogue.models import Product
from shop.core.rate_limit import allows, too_many_requests
from shop.core.validators import is_id
from shop.wishlist.forms import StockAlertForm
from shop.wishlist.items import items_of, toggle, wishlist_items
from shop.wishlist.models import SharedWishlist, StockAlert
from shop.wishlist.recent import recent_products, remember


@require_safe
def wishlist(request: HttpRequest) -> HttpResponse:
    shared = None
    if request.user.is_authenticated:
        shared = SharedWishlist.objects.filter(user=request.user).first()
    share_link = request.build_absolute_uri(shared.get_absolute_url()) if shared else ""
    context = {"items": wishlist_items(request), "share_link": share_link}
    return render(request, "shop/wishlist/wishlist.html", context)


@require_POST
@login_required
def share(request: HttpRequest) -> HttpResponse:
    """Create or delete the link that shares the wishlist; each new link has a new address."""
    user = cast(User, request.user)
    if request.POST.get("end"):
        SharedWishlist.objects.filter(user=user).delete()
        messages.info(request, _("Your wishlist is private again."))
    else:
        SharedWishlist.objects.get_or_create(user=user)
    return redirect("wishlist:wishlist")


@require_safe
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """Show a shared wishlist, without its owner's name, to anybody who has its link."""
    found = get_object_or_404(SharedWishlist.objects.select_related("user"), token=token)
    products = [item.product for item in items_of(found.user)]
    return render(request, "shop/wishlist/shared.html", {"products": products})


@require_POST
def toggle_saved(request: HttpRequest, pk: int) -> HttpResponse:
    """Add or remove a product. Return the new button and count to htmx, or else redirect back."""
    product = get_object_or_404(Product.objects.listed().defer("search"), pk=pk)
    toggle(request, product)
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "shop/wishlist/toggled.html", {"product": product})
    back = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure())
    return HttpResponseRedirect(back) if safe else redirect("wishlist:wishlist")


@require_safe
def recent(request: HttpRequest) -> HttpResponse:
    """Return an HTML fragment of recently viewed products; add the product viewed now."""
    number = request.GET.get("product", "")
    product_id = int(number) if is_id(number) else 0
    context = {"products": recent_products(request, without=product_id)}
    response = render(request, "shop/wishlist/recent.html", context)
    if product_id and Product.objects.listed().filter(pk=product_id).exists():
        remember(request, response, product_id)
    return response


@require_POST
def stock_alert(request: HttpRequest) -> HttpResponse:
    if not allows(request, "stock-alert", settings.STOCK_ALERTS_PER_HOUR):
        return too_many_requests(request, "stock-alert", settings.STOCK_ALERTS_PER_HOUR)
    form = StockAlertForm(request.POST)
    if not form.is_valid():
        messages.error(request, str(next(iter(form.errors.values()))[0]))
        product = Product.objects.listed().filter(slug=request.POST.get("product", "")).first()
        return redirect(product or "catalogue:home")
    variant, email = form.cleaned_data["variant"], form.cleaned_data["email"]
    if variant.stock:
        messages.success(
            request, _("“%(name)s” is in stock now. Add it to your cart.") % {"name": variant}
        )
        return redirect(variant.product)
    StockAlert.objects.get_or_create(
        variant=variant, email=email, defaults={"language": get_language() or "en"}
    )
    text = _("We’ll email %(email)s once “%(name)s” is back in stock, then delete the address.")
    messages.success(request, text % {"email": email, "name": variant})
    return redirect(variant.product)
