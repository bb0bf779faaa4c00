"""Export and delete a customer's wishlist and stock alerts."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet

from shop.accounts.personal_data import verified_emails
from shop.core.emails import email_among
from shop.wishlist.models import SavedProduct, SharedWishlist, StockAlert


def export(user: User, **kwargs: Any) -> dict[str, Any]:
    """Return the user's wishlist, the link that shares it, and the user's stock alerts."""
    saved = SavedProduct.objects.filter(user=user).select_related("product").order_by("pk")
    alerts = _alerts(user).select_related("variant__product").order_by("pk")
    return {
        "saved": [
            {"product": row.product.name, "saved": row.created.isoformat()}
            | {"price": None if row.price is None else f"{row.price} {row.currency}"}
            for row in saved.defer("product__search")
        ],
        "wishlist_links": [
            {"path": link.get_absolute_url(), "created": link.created.isoformat()}
            for link in SharedWishlist.objects.filter(user=user)
        ],
        "stock_alerts": [
            {"sku": alert.variant.sku, "name": str(alert.variant), "email": alert.email}
            | {"language": alert.language, "asked": alert.created.isoformat()}
            for alert in alerts.defer("variant__product__search")
        ],
    }


def forget(instance: User, **kwargs: Any) -> None:
    """Delete a deleted user's stock alerts, which belong to an e-mail address, not the account."""
    _alerts(instance).delete()


def _alerts(user: User) -> QuerySet[StockAlert]:
    return StockAlert.objects.filter(email_among(verified_emails(user)))
