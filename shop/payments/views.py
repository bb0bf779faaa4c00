from __future__ import annotations

import json

import stripe
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from shop.orders.models import Order
from shop.orders.payment import PaymentError, method_of
from shop.payments.reconciliation import handle_event

MAX_EVENT_BYTES = 256 * 1024


@require_POST
def pay(request: HttpRequest, token: str) -> HttpResponse:
    """Redirect anybody who has the order's link to the page of the payment provider."""
    order = get_object_or_404(Order, token=token)
    try:
        address = method_of(order).start(order)
    except PaymentError as error:
        messages.error(request, str(error))
        address = None
    return redirect(address or order)


@csrf_exempt  # the signature proves that Stripe sent the request
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """Handle an event that Stripe has signed."""
    if not settings.STRIPE_WEBHOOK_SECRET:
        raise Http404
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > MAX_EVENT_BYTES:
        return HttpResponse("Too large.", status=413)
    signature = request.headers.get("Stripe-Signature", "")
    try:
        stripe.Webhook.construct_event(request.body, signature, settings.STRIPE_WEBHOOK_SECRET)
    except (ValueError, stripe.SignatureVerificationError):
        return HttpResponse("Invalid signature.", status=400)
    handle_event(json.loads(request.body))
    return HttpResponse("OK")
