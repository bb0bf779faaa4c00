"""Configure the appearance and the menu of the admin site."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext_lazy as _

# Groups of menu items: a title, then (label, icon, model or URL name) of each item.
MENU: tuple[tuple[Any, tuple[tuple[Any, str, str], ...]], ...] = (
    (
        "",
        (
            (_("Dashboard"), "dashboard", "admin:index"),
            (_("Orders"), "receipt_long", "orders.order"),
            (_("Products"), "checkroom", "catalogue.product"),
            (_("Import a catalogue"), "upload_file", "admin:imports_upload_new"),
        ),
    ),
    (
        _("Catalogue"),
        (
            (_("Categories"), "account_tree", "catalogue.category"),
            (_("Variants"), "straighten", "catalogue.variant"),
            (_("Stock adjustments"), "inventory_2", "catalogue.stockadjustment"),
            (_("Search synonyms"), "manage_search", "catalogue.searchsynonym"),
            (_("Uploads"), "history", "imports.upload"),
            (_("Gender synonyms"), "translate", "imports.genderword"),
            (_("Back-in-stock alerts"), "notifications", "wishlist.stockalert"),
        ),
    ),
    (
        _("Similar items"),
        (
            (_("Images"), "image_search", "catalogue.productimage"),
            (_("Near-duplicates"), "content_copy", "admin:catalogue_product_copies"),
            (_("Embedding models"), "neurology", "recommender.embeddingmodel"),
            (_("Garments by category"), "checkroom", "recommender.categorygarment"),
            (_("Discreet categories"), "visibility_off", "recommender.discreetcategory"),
        ),
    ),
    (
        _("Sales"),
        (
            (_("Card payments"), "credit_card", "payments.payment"),
            (_("Reviews"), "reviews", "reviews.review"),
            (_("Vouchers"), "sell", "orders.voucher"),
            (_("Delivery methods"), "local_shipping", "orders.shippingmethod"),
            (_("Pages"), "article", "pages.page"),
            (_("Outgoing emails"), "outgoing_mail", "mail.queuedemail"),
        ),
    ),
    (
        _("Users and access"),
        (
            (_("Users"), "group", "auth.user"),
            (_("Groups"), "shield_person", "auth.group"),
            (_("API tokens"), "key", "accounts.apitoken"),
            (_("Two-factor authentication"), "phonelink_lock", "mfa.authenticator"),
        ),
    ),
)
# The accent of the shop (``--accent`` in static/css/site.css, light and dark) in eleven shades.
COLOURS = {
    "50": "#fdf5f0", "100": "#fae7db", "200": "#f6ceb7", "300": "#f0a376", "400": "#e8854d",
    "500": "#c85f26", "600": "#9c3f12", "700": "#83340f", "800": "#692a0d", "900": "#51210b",
    "950": "#2c1105",
}  # fmt: skip
PERMISSIONS = {
    "admin:imports_upload_new": "imports.add_upload",
    "admin:catalogue_product_copies": "catalogue.view_productimage",
    "admin:index": "",
}


def unfold_settings(site_name: str) -> dict[str, Any]:
    icon = {
        "rel": "icon",
        "type": "image/svg+xml",
        "href": lambda request: static("favicon.svg"),
    }
    return {
        "SITE_TITLE": site_name,
        "SITE_HEADER": site_name,
        "COLORS": {"primary": COLOURS},
        "SITE_URL": "/",
        "SITE_SYMBOL": "storefront",
        "SITE_FAVICONS": [icon],
        "SHOW_VIEW_ON_SITE": True,
        "DASHBOARD_CALLBACK": "backoffice.dashboard.dashboard",
        "BORDER_RADIUS": "6px",
        "SCRIPTS": [lambda request: static("js/staff.js")],
        "STYLES": [lambda request: static("css/staff.css")],
        "SIDEBAR": {
            "show_search": True,
            "show_all_applications": False,
            "navigation": [_group(title, items) for title, items in MENU],
        },
    }


def _group(title: Any, items: tuple[tuple[Any, str, str], ...]) -> dict[str, Any]:
    return {"title": title, "separator": True, "items": [_item(*item) for item in items]}


def _item(label: Any, icon: str, target: str) -> dict[str, Any]:
    """Return a menu item, which is shown only to users with its permission.

    The item is active on its own page and the pages below it, unless a longer link fits better.
    """
    permission = PERMISSIONS.get(target, ".view_".join(target.split(".")))
    link = reverse_lazy(_address(target))

    def may(request: HttpRequest) -> bool:
        return not permission or request.user.has_perm(permission)

    def active(request: HttpRequest) -> bool:
        here, own = request.path, str(link)
        nearest = max((other for other in _links() if here.startswith(other)), key=len)
        return own == nearest and own in (here, *_links()[1:])

    return {"title": label, "icon": icon, "link": link, "permission": may, "active": active}


@cache
def _links() -> list[str]:
    """Return the links of the menu. The first link, the dashboard, is a prefix of all others."""
    return [reverse(_address(target)) for _title, items in MENU for _label, _icon, target in items]


def _address(target: str) -> str:
    return target if ":" in target else f"admin:{target.replace('.', '_')}_changelist"
