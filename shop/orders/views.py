from __future__ import annotations

import secrets
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shop.accounts.models import Address
from shop.cart.models import Cart, CartLine, currencies
from shop.cart.session import CartError, add, find_cart, get_or_create_cart
from shop.core.views import on_csrf_failure
from shop.orders.checkout import CheckoutError, place_order, totals
from shop.orders.confirmation import confirm
from shop.orders.forms import CheckoutForm, VoucherForm
from shop.orders.limits import TooManyOrdersError, VoucherError, find_voucher, order_counters
from shop.orders.models import Order, ShippingMethod, Voucher
from shop.orders.payment import METHODS, PaymentError, is_awaiting_payment, method_of
from shop.orders.states import TransitionError, transition

VOUCHER_KEY = "voucher"
CONTACT_KEY = "contact"
ORDER_KEY = "order"
CONTACT = CheckoutForm.Meta.fields


@on_csrf_failure(lambda request: _stale_checkout(request))
@require_http_methods(["GET", "HEAD", "POST"])
def checkout(request: HttpRequest) -> HttpResponse:
    cart = find_cart(request)
    if request.method == "POST" and cart and (placed := _already_placed(request, cart)):
        return redirect(placed)
    lines = cart.lines_for_page() if cart else []
    if cart is None or len(currencies(lines)) != 1:
        return _back_to_cart(request, lines)
    form = CheckoutForm(request.POST or None, initial=_initial(request))
    problem = _apply_code(request) if request.method == "POST" else ""
    page = _page(request, form, lines, problem)
    if request.method == "POST" and form.is_valid() and not page["voucher_problem"]:
        try:
            order = _place(request, cart, form)
        except TooManyOrdersError as error:
            form.add_error(None, str(error))
            response = render(request, "shop/checkout.html", page, status=429)
            response["Retry-After"] = str(error.seconds)
            return response
        except CheckoutError as error:
            lines = cart.lines_for_page()  # which another tab may have ordered meanwhile
            if len(currencies(lines)) != 1:
                return _back_to_cart(request, lines)
            form.add_error(None, str(error))
            page = _page(request, form, lines, "")
        else:
            request.session.pop(VOUCHER_KEY, None)
            request.session.pop(CONTACT_KEY, None)
            request.session[ORDER_KEY] = order.token
            return redirect(_payment_page(request, order) or order)
    return render(request, "shop/checkout.html", page, status=_status(request, page))


@require_http_methods(["GET", "HEAD", "POST"])
def voucher(request: HttpRequest) -> HttpResponse:
    """Apply the submitted code, or remove the voucher if no code was entered.

    The other fields of the checkout are not validated.
    """
    if request.method != "POST":  # a GET request, after a reload or a change of language
        return redirect("orders:checkout")
    lines = cart.lines_for_page() if (cart := find_cart(request)) else []
    problem = _apply_code(request)
    if len(currencies(lines)) != 1:
        return _back_to_cart(request, lines)
    form = CheckoutForm(initial=_initial(request) | request.POST.dict())
    page = _page(request, form, lines, problem)
    return render(request, "shop/checkout.html", page, status=_status(request, page))


def _apply_code(request: HttpRequest) -> str:
    """Store the submitted code in the session; return why it is invalid, or an empty string."""
    form = VoucherForm(request.POST)
    if not form.is_valid():
        return str(form.errors["code"][0])
    code = form.cleaned_data["code"]
    if code and code != request.session.get(VOUCHER_KEY):
        try:
            find_voucher(request, code, request.session.session_key or "")
        except VoucherError as error:
            return str(error)
    request.session[VOUCHER_KEY] = code
    return ""


def _status(request: HttpRequest, page: dict[str, Any]) -> int:
    return 422 if page["form"].errors or (request.POST and page["voucher_problem"]) else 200


def _back_to_cart(request: HttpRequest, lines: list[CartLine]) -> HttpResponse:
    """Redirect from the checkout of a cart that is empty or in several currencies.

    A buyer who comes back from the payment provider's page sees the unpaid order instead.
    """
    _remember_contact(request)
    if not lines:
        placed = Order.objects.filter(token=request.session.get(ORDER_KEY, "")).first()
        if placed and is_awaiting_payment(placed):
            return redirect(placed)
        messages.info(request, _("Your cart is empty."))
    return redirect("cart:cart")  # this page says what to do about several currencies


def _remember_contact(request: HttpRequest) -> None:
    """Store the submitted contact in the session, to fill in the next checkout of this visit."""
    typed = {name: request.POST[name][:254] for name in CONTACT if request.POST.get(name)}
    if typed:
        request.session[CONTACT_KEY] = typed


def _stale_checkout(request: HttpRequest) -> HttpResponse | None:
    """Render the checkout with the submitted values, for a form with an expired CSRF token.

    Nothing is stored, because another site may have sent the form.
    """
    cart = find_cart(request)
    lines = cart.lines_for_page() if cart else []
    if not lines or len(currencies(lines)) > 1:
        return None
    form = CheckoutForm(initial=_initial(request) | _typed(request))
    page = _page(request, form, lines, "") | {"stale": True}
    return render(request, "shop/checkout.html", page, status=403)


def _typed(request: HttpRequest) -> dict[str, str]:
    names = (*CONTACT, "method", "payment")
    return {name: request.POST[name] for name in names if name in request.POST}


def _already_placed(request: HttpRequest, cart: Cart) -> Order | None:
    """Return the order that an earlier submission of the same form has placed, if any."""
    return Order.objects.filter(idempotency_key=_key(cart, request.POST.get("key", ""))).first()


def _payment_page(request: HttpRequest, order: Order) -> str | None:
    """Return the URL where the buyer pays; None, with a message, if the provider fails."""
    try:
        return method_of(order).start(order)
    except PaymentError as error:
        messages.error(request, str(error))
        return None


def _key(cart: Cart, key: str) -> str:
    return f"{cart.pk}-{key}"[:64]


def _place(request: HttpRequest, cart: Cart, form: CheckoutForm) -> Order:
    return place_order(
        cart,
        key=_key(cart, form.cleaned_data["key"]),
        method=form.cleaned_data["method"],
        voucher=_voucher(request),
        payment=form.cleaned_data["payment"],
        user=request.user,
        contact=form.contact(),
        total=form.cleaned_data["total"],
        counters=order_counters(request, form.cleaned_data["email"]),
    )


def _initial(request: HttpRequest) -> dict[str, object]:
    user = request.user
    address = Address.objects.filter(user=user).first() if user.is_authenticated else None
    first = ShippingMethod.objects.filter(active=True).first()
    email = user.email if user.is_authenticated else ""
    return {
        "key": secrets.token_urlsafe(16),
        "email": email,
        **(address.contact() if address else {}),
        **request.session.get(CONTACT_KEY, {}),
        "method": request.GET.get("method") or (first.pk if first else None),
        "payment": next(iter(METHODS)),
    }


def _page(
    request: HttpRequest, form: CheckoutForm, lines: list[CartLine], problem: str
) -> dict[str, Any]:
    currency = lines[0].variant.product.currency
    form.fields["method"].currency = currency  # type: ignore[attr-defined]
    chosen = str(form["method"].value() or "")
    available = ShippingMethod.objects.filter(active=True)
    method = next((method for method in available if str(method.pk) == chosen), None)
    voucher = _voucher(request)
    sums = totals(lines, method, voucher)
    if voucher and (unusable := voucher.problem(sums.goods, currency)):
        problem = problem or unusable
        sums, voucher = totals(lines, method, None), None
    return {
        "form": form,
        "lines": lines,
        "sums": sums,
        "currency": currency,
        "voucher": voucher,
        "code": request.POST.get("code", voucher.code if voucher else ""),
        "voucher_problem": problem,
    }


def _voucher(request: HttpRequest) -> Voucher | None:
    return Voucher.objects.filter(code=request.session.get(VOUCHER_KEY, "")).first()


@require_safe
def order(request: HttpRequest, token: str) -> HttpResponse:
    """Show an order to anybody with its link, which only the buyer's email and browser contain."""
    page = _order_page(token)
    signature = request.GET.get("confirm", "")
    page["confirm"] = signature if page["order"].is_confirmed_by(signature) else ""
    return render(request, "shop/orders/order.html", page)


@require_POST
def confirm_order(request: HttpRequest, token: str) -> HttpResponse:
    """Confirm an order. Accepts only POST, because mail scanners open the link in the email."""
    order = get_object_or_404(Order, token=token)
    if not order.is_confirmed_by(request.POST.get("confirm", "")):
        raise Http404
    if confirm(order):
        messages.success(request, _("Your order is confirmed."))
    return redirect(order)


@require_POST
def cancel_order(request: HttpRequest, token: str) -> HttpResponse:
    """Cancel the prepaid order of anybody who has its link, and put its items back into the cart.

    A paid order is kept, even if only the payment provider knows of the payment yet.
    """
    order = get_object_or_404(Order, token=token)
    if not method_of(order).is_prepaid:
        raise Http404
    by = request.user if request.user.is_authenticated else None
    try:
        transition(order, Order.State.CANCELLED, by)
    except TransitionError:
        order.refresh_from_db()
        if order.state == Order.State.CANCELLED:  # the button was clicked twice
            return redirect("cart:cart")
        text = _("We couldn’t cancel this order. If you haven’t paid it, try again in a minute.")
        messages.error(request, text)
        return redirect(order)
    messages.success(request, _("Your order has been cancelled. You won’t be charged."))
    _return_to_cart(request, order)
    return redirect("cart:cart")


def _return_to_cart(request: HttpRequest, order: Order) -> None:
    """Put the order's items, voucher and contact back into the visitor's cart and checkout."""
    cart = get_or_create_cart(request)
    for line in order.lines.select_related("variant__product"):
        try:
            if line.variant is not None:
                add(cart, line.variant, line.quantity)
        except CartError as error:
            messages.error(request, str(error))
    request.session[VOUCHER_KEY] = order.voucher_code
    request.session[CONTACT_KEY] = {name: getattr(order, name) for name in CONTACT}


@require_safe
def invoice(request: HttpRequest, token: str) -> HttpResponse:
    return render(request, "shop/orders/invoice.html", _order_page(token))


def _order_page(token: str) -> dict[str, Any]:
    orders = Order.objects.prefetch_related("lines__variant__product", "events")
    found = get_object_or_404(orders, token=token)
    return {
        "order": found,
        "payment": method_of(found).label,
        "to_be_paid": is_awaiting_payment(found),
    }
