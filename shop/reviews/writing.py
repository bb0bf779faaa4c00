"""Decide who may review which product."""

from __future__ import annotations

from enum import Enum

from django.db.models import Q, QuerySet

from shop.catalogue.models import Product
from shop.core.emails import email_among
from shop.orders.models import Order
from shop.reviews.models import Review


class Obstacle(Enum):
    """Lists the reasons why a buyer cannot review a product."""

    NOT_BOUGHT = "not bought"
    NOT_DELIVERED = "not delivered"
    REVIEWED = "reviewed"


def obstacle(order: Order, product: Product) -> Obstacle | None:
    """Return why the buyer cannot review the product, or None."""
    if not order.lines.filter(variant__product=product).exists():
        return Obstacle.NOT_BOUGHT
    if order.state != Order.State.DELIVERED:
        return Obstacle.NOT_DELIVERED
    if reviewed_by_buyer(order).filter(product=product).exists():
        return Obstacle.REVIEWED
    return None


def reviewed_by_buyer(order: Order) -> QuerySet[Review]:
    """Return all reviews by the order's buyer, including those about the buyer's other orders."""
    same_buyer = Q(user=order.user_id)
    if order.user_id is None:
        same_buyer &= Q(email_among([order.email]))
    return Review.objects.filter(order__in=Order.objects.filter(same_buyer))


def display_name(name: str) -> str:
    """Return the first name and the last initial: ``Alice D.``"""
    words = name.split()
    first = words[0][:60] if words else ""
    return f"{first} {words[-1][0]}." if len(words) > 1 else first
