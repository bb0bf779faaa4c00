"""Export and delete a customer's reviews."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from shop.orders.models import Order
from shop.reviews.models import Review, ReviewRequest


def export(user: User, **kwargs: Any) -> dict[str, Any]:
    """Return what the customer wrote, whether it is published or not."""
    reviews = Review.objects.filter(order__user=user).select_related("product").order_by("pk")
    return {
        "reviews": [
            {"product": review.product.name, "name": review.name, "stars": review.stars}
            | {"fit": review.fit, "text": review.text, "state": review.state}
            | {"written": review.created.isoformat()}
            for review in reviews.defer("product__search")
        ]
    }


def forget(instance: User, **kwargs: Any) -> None:
    """Delete the customer's reviews, and never ask for reviews of the orders that are kept."""
    Review.objects.filter(order__user=instance).delete()
    orders = Order.objects.filter(user=instance)
    requests = [ReviewRequest(order=order) for order in orders]
    ReviewRequest.objects.bulk_create(requests, ignore_conflicts=True)
