from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import reswap, retarget

from shop.cart.forms import AddForm, QuantityForm
from shop.cart.models import Cart, CartLine, currencies
from shop.cart.session import CartError, add, find_cart, get_or_create_cart
from shop.catalogue.models import Variant
from shop.core.htmx import is_htmx_fragment

HOME = "/"


@require_safe
def cart(request: HttpRequest) -> HttpResponse:
    found = find_cart(request)
    return render(request, "shop/cart.html", _contents(found.lines_for_page() if found else []))


def _contents(lines: list[CartLine]) -> dict[str, Any]:
    total = sum((line.total for line in lines), Decimal(0))
    return {"lines": lines, "total": total, "mixed": len(currencies(lines)) > 1}


@require_POST
def add_to_cart(request: HttpRequest) -> HttpResponse:
    """Add a variant. Return a panel if htmx asks for it, or else redirect to the cart."""
    form = AddForm(request.POST)
    if not form.is_valid():
        return _refuse(request, str(next(iter(form.errors.values()))[0]), _product_page(request))
    variant = form.cleaned_data["variant"]
    cart = get_or_create_cart(request)
    try:
        add(cart, variant, form.cleaned_data["quantity"])
    except CartError as error:
        return _refuse(request, str(error), variant.product.get_absolute_url())
    if is_htmx_fragment(request):
        return _panel(request, cart, variant)
    messages.success(request, _("“%(name)s” was added to your cart.") % {"name": variant})
    return redirect("cart:cart")


def _panel(request: HttpRequest, cart: Cart, variant: Variant) -> HttpResponse:
    # The added line is sorted last, because recommendations are based on the last lines.
    lines = sorted(cart.lines_for_page(), key=lambda line: line.variant_id == variant.pk)
    context = {**_contents(lines), "added": lines[-1]}
    return render(request, "shop/includes/cart_panel.html", context)


def _refuse(request: HttpRequest, problem: str, page: str) -> HttpResponse:
    """Show, beside the sizes, a message that says why nothing was added to the cart."""
    if is_htmx_fragment(request):
        response = HttpResponse(escape(problem), status=422)
        return reswap(retarget(response, "#buy-error"), "innerHTML")
    if page == HOME:
        messages.error(request, problem)
        return redirect(page)
    messages.error(request, problem, extra_tags="buy")
    return redirect(f"{page}#buy")


def _product_page(request: HttpRequest) -> str:
    """Return the URL of the product page that sent the form, or else of the home page.

    Only the slug comes from the form, so the URL never leads to another site.
    """
    slug = request.POST.get("product", "")
    is_slug = slug.replace("-", "").replace("_", "").isalnum()
    return f"/products/{slug}/" if is_slug else HOME


@require_POST
def change_line(request: HttpRequest, pk: int) -> HttpResponse:
    line = get_object_or_404(CartLine.objects.select_related("variant__product"), pk=pk)
    if line.cart != find_cart(request):
        return render(request, "404.html", status=404)
    form = QuantityForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("The quantity must be a whole number from 0 to 99."))
    elif (quantity := form.cleaned_data["quantity"]) == 0:
        line.delete()
        context = {"variant": line.variant, "quantity": line.quantity}
        undo = render_to_string("shop/includes/undo.html", context, request)
        messages.info(request, mark_safe(undo))  # noqa: S308 - our own template, escaped
    elif quantity > line.available:
        text = _("Only %(stock)s left of “%(name)s”.")
        messages.error(request, text % {"stock": line.available, "name": line.variant})
    elif not CartLine.objects.filter(pk=pk).update(quantity=quantity):
        return render(request, "404.html", status=404)  # the line was just ordered or removed
    return redirect("cart:cart")
