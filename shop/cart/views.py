from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from shop.cart.forms import AddForm, QuantityForm
from shop.cart.models import CartLine, currencies
from shop.cart.session import CartError, add, find_cart, find_or_make_cart


@require_safe
@never_cache
def cart(request: HttpRequest) -> HttpResponse:
    found = find_cart(request)
    lines = found.lines_for_page() if found else []
    total = sum(line.total for line in lines)
    context = {"lines": lines, "total": total, "mixed": len(currencies(lines)) > 1}
    return render(request, "shop/cart.html", context)


@require_POST
def add_to_cart(request: HttpRequest) -> HttpResponse:
    form = AddForm(request.POST)
    if not form.is_valid():
        messages.error(request, str(next(iter(form.errors.values()))[0]))
        return redirect(_back(request))
    variant = form.cleaned_data["variant"]
    try:
        add(find_or_make_cart(request), variant, form.cleaned_data["quantity"])
    except CartError as error:
        messages.error(request, str(error))
        return redirect(variant.product)
    messages.success(request, _("“%(name)s” is in your cart.") % {"name": variant})
    return redirect("cart:cart")


def _back(request: HttpRequest) -> str:
    """The product page that the form was on; never another site."""
    slug = request.POST.get("product", "")
    return f"/products/{slug}/" if slug.replace("-", "").replace("_", "").isalnum() else "/"


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
        text = _("Only %(stock)s of “%(name)s” are left.")
        messages.error(request, text % {"stock": line.available, "name": line.variant})
    elif not CartLine.objects.filter(pk=pk).update(quantity=quantity):
        return render(request, "404.html", status=404)  # ordered or taken out meanwhile
    return redirect("cart:cart")
