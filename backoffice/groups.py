"""Create the staff groups: Catalogue, Orders, Read-only."""

from __future__ import annotations

from collections.abc import Mapping

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission

CATALOGUE_MODELS = {
    "catalogue": (
        *("category", "product", "variant", "productimage", "stockadjustment"),
        "searchsynonym",
    ),
    "imports": None,
    "pages": ("page",),
    "recommender": ("categorygarment", "discreetcategory"),
    "reviews": ("review",),
    "wishlist": ("stockalert",),
}
ORDER_MODELS = {
    "orders": ("order", "orderline", "orderevent", "shippingmethod", "voucher"),
    "payments": ("payment",),
}
# Apps whose rows the group Read-only may view.
READ_ONLY_APPS = (
    *("catalogue", "imports", "orders", "pages", "payments", "recommender", "reviews", "wishlist"),
)
# Permissions that no group gets, because only the shop's code may make these changes.
NEVER_GRANTED = {"delete_order", "add_order", "delete_payment", "add_payment", "change_payment"}


def ensure_groups(using: str = "default") -> None:
    """Create missing groups; a group that exists keeps the permissions that staff gave it."""
    for config in apps.get_app_configs():
        # Permissions of later apps are needed now, but Django creates them only after this runs.
        create_permissions(config, verbosity=0, using=using)
    view = _permissions(using, dict.fromkeys(READ_ONLY_APPS)).filter(codename__startswith="view_")
    catalogue = _permissions(using, CATALOGUE_MODELS)
    orders = _permissions(using, ORDER_MODELS).exclude(codename__in=NEVER_GRANTED)
    products = Permission.objects.using(using).filter(
        content_type__app_label="catalogue", codename__in=("view_product", "view_variant")
    )
    _create_group(using, "Catalogue", list(catalogue))
    _create_group(using, "Orders", [*orders, *products])
    _create_group(using, "Read-only", list(view))


def _permissions(using: str, models: Mapping[str, tuple[str, ...] | None]):  # type: ignore[no-untyped-def]
    permissions = Permission.objects.using(using)
    found = permissions.none()
    for app, names in models.items():
        part = permissions.filter(content_type__app_label=app)
        found |= part if names is None else part.filter(content_type__model__in=names)
    return found


def _create_group(using: str, name: str, permissions: list[Permission]) -> None:
    group, made = Group.objects.using(using).get_or_create(name=name)
    if made:
        group.permissions.set(permissions)
