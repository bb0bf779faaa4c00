from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from shop.catalogue.models import Product
from shop.core.rate_limit import allows, too_many_requests
from shop.core.validators import is_id
from shop.wishlist.forms import StockAlertForm
from shop.wishlist.models import StockAlert
from shop.wishlist.recent import recent_products, remember
from shop.wishlist.saved import saved_products, toggle


@require_safe
@never_cache
def saved(request: HttpRequest) -> HttpResponse:
    return render(request, "shop/wishlist/saved.html", {"products": saved_products(request)})


@require_POST
def toggle_saved(request: HttpRequest, pk: int) -> HttpResponse:
    """For htmx the heart alone; without JavaScript back to the page that it was on."""
    product = get_object_or_404(Product.objects.listed().defer("search"), pk=pk)
    is_saved = toggle(request, product)
    if request.htmx:  # type: ignore[attr-defined]
        context = {"product": product, "saved_ids": {pk} if is_saved else set()}
        return render(request, "includes/heart.html", context)
    back = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure())
    return HttpResponseRedirect(back) if safe else redirect("wishlist:saved")


@require_safe
@never_cache
def recent(request: HttpRequest) -> HttpResponse:
    """A fragment: what was looked at before this product, which is remembered from now on."""
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
        messages.success(request, _("“%(name)s” is in stock now.") % {"name": variant})
        return redirect(variant.product)
    StockAlert.objects.get_or_create(
        variant=variant, email=email, defaults={"language": get_language() or "en"}
    )
    text = _("We write to %(email)s once when “%(name)s” is back, then forget the address.")
    messages.success(request, text % {"email": email, "name": variant})
    return redirect(variant.product)
