"""Ask buyers for reviews by e-mail, some days after delivery."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from shop.catalogue.models import Product
from shop.mail.templated import absolute_url, send_templated
from shop.orders.models import Order, OrderEvent
from shop.reviews.links import review_path
from shop.reviews.models import ReviewRequest
from shop.reviews.writing import reviewed_by_buyer

FOLDER = "shop/reviews/mail"
# Buyers are not asked if the email would be later than this, for example because the worker was
# down for weeks.
TOO_LATE = timedelta(days=30)


def ask_for_reviews() -> int:
    """Send an email for each delivered order that is due; return the number of emails sent."""
    sent = 0
    while settings.REVIEW_AFTER_DAYS and (asked := _ask_next()) is not None:
        sent += asked
    return sent


@transaction.atomic
def _ask_next() -> bool | None:
    """Handle the next order; return whether an email was sent, or None if no order is due."""
    order = _due().select_for_update(of=("self",), skip_locked=True).order_by("pk").first()
    if order is None:
        return None
    ReviewRequest.objects.create(order=order)
    products = _products(order)
    if not products:
        return False
    links = [(product.name, absolute_url(review_path(order, product))) for product in products]
    send_templated(FOLDER, order.email, order.language, "/", order=order, links=links)
    return True


def _due() -> QuerySet[Order]:
    last = timezone.now() - timedelta(days=settings.REVIEW_AFTER_DAYS)
    delivered = OrderEvent.objects.filter(order=OuterRef("pk"), state=Order.State.DELIVERED)
    recent = delivered.filter(at__lte=last, at__gt=last - TOO_LATE)
    asked = ReviewRequest.objects.filter(order=OuterRef("pk"))
    return Order.objects.filter(Exists(recent), ~Exists(asked), state=Order.State.DELIVERED)


def _products(order: Order) -> list[Product]:
    """Return the order's products that are still listed and not yet reviewed by its buyer."""
    bought = order.lines.filter(variant__product__listed=True).values("variant__product")
    reviewed = reviewed_by_buyer(order).values("product")
    products = Product.objects.filter(pk__in=bought).exclude(pk__in=reviewed)
    return list(products.only("name").order_by("pk"))
