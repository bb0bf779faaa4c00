"""Security checks that no other test would miss."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import Group, Permission, User
from django.core.cache import cache
from django.test import Client, RequestFactory
from django.utils import timezone
from rest_framework.throttling import ScopedRateThrottle

from shop.cart.models import Cart, CartLine
from shop.catalogue.models import Variant
from shop.core.rate_limit import client_address
from shop.orders.models import Order, OrderEvent
from tests.factories import make_customer, make_order, make_product
from tests.shop.orders.checkouts import CHECKOUT, checkout_data

pytestmark = pytest.mark.django_db
PASSWORD = "correct-horse-7"
BACKEND = "django.contrib.auth.backends.ModelBackend"
# Each action with a state in which it would change the order.
ACTIONS = [
    ("make_paid", "placed"),
    ("make_packed", "placed"),
    ("make_shipped", "packed"),
    ("make_delivered", "shipped"),
    ("make_cancelled", "placed"),
    ("make_refunded", "delivered"),
    ("record_payment", "packed"),
]


@pytest.mark.parametrize(("action", "state"), ACTIONS)
@pytest.mark.parametrize(("group", "events"), [("Read-only", 1), ("Orders", 2)])
def test_staff_with_view_permission_cannot_change_orders(
    action: str, state: str, group: str, events: int
) -> None:
    """The group Orders proves that the action would otherwise change the order."""
    staff = User.objects.create_user("dave", is_staff=True)
    staff.groups.add(Group.objects.get(name=group))
    staff.user_permissions.add(Permission.objects.get(codename="add_order"))
    client = Client()
    client.force_login(staff, BACKEND)
    paid = timezone.now() if action == "make_refunded" else None
    order = make_order(state=state, paid_at=paid)
    stock = Variant.objects.get().stock
    client.post("/admin/orders/order/", {"action": action, "_selected_action": order.pk})
    assert OrderEvent.objects.count() == events
    if group == "Read-only":
        order.refresh_from_db()
        assert (order.state, order.paid_at, Variant.objects.get().stock) == (state, paid, stock)


def test_nothing_is_ordered_without_a_csrf_token(method: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_customer("alice@example.com"))
    variant = make_product(stock=5).variants.get()
    cart = Cart.objects.create(user=User.objects.get())
    line = cart.lines.create(variant=variant, quantity=1)
    client.cookies["csrftoken"] = "x" * 32
    for token in ({}, {"csrfmiddlewaretoken": "y" * 32}):
        assert client.post(CHECKOUT, checkout_data(method) | token).status_code == 403
    assert (Order.objects.count(), CartLine.objects.get()) == (0, line)


def test_no_account_is_deleted_without_a_csrf_token() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_customer("alice@example.com", PASSWORD))
    client.cookies["csrftoken"] = "x" * 32
    for token in ({}, {"csrfmiddlewaretoken": "y" * 32}):
        sent = {"password": PASSWORD, **token}
        assert client.post("/account/delete/", sent).status_code == 403
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "198.51.100.1", "192.0.2.1"),
        (1, "", "192.0.2.1"),
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "203.0.113.9, 198.51.100.1", "198.51.100.1"),
        (2, "203.0.113.9, 198.51.100.1, 10.0.0.1", "198.51.100.1"),
        (2, "203.0.113.9", "192.0.2.1"),
    ],
)
def test_x_forwarded_for_is_trusted_for_the_configured_proxies(
    settings: Any, proxies: int, forwarded: str, address: str
) -> None:
    settings.PROXIES = proxies
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == address


def test_token_requests_are_throttled(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()
    make_customer("alice@example.com", PASSWORD)
    monkeypatch.setitem(ScopedRateThrottle.THROTTLE_RATES, "tokens", "3/hour")
    wrong = {"login": "alice@example.com", "password": "wrong"}
    right = wrong | {"password": PASSWORD}
    sent = [wrong, wrong, wrong, right]
    kind = "application/json"
    answers = [client.post("/api/v1/tokens/", one, content_type=kind) for one in sent]
    assert [answer.status_code for answer in answers] == [403, 403, 403, 429]
    assert int(answers[3]["Retry-After"]) > 0


def test_pages_allow_no_inline_or_foreign_scripts(client: Client) -> None:
    page = client.get("/")
    policy = dict(part.strip().split(" ", 1) for part in page["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["object-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == policy["form-action"] == "'self'"
    sources = policy["script-src"].split()
    assert sources[0] == "'self'"
    assert all(source.startswith("'nonce-") for source in sources[1:])


def test_admin_pages_allow_no_inline_scripts(client: Client) -> None:
    client.force_login(User.objects.create_superuser("root"), BACKEND)
    policies = {
        path: client.get(path)["Content-Security-Policy"]
        for path in ("/admin/", "/admin/catalogue/product/add/", "/api/v1/docs/")
    }
    for path, policy in policies.items():
        parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
        assert "'unsafe-inline'" not in parts["script-src"], path
        assert parts["default-src"] == "'self'"
    assert "'unsafe-eval'" in policies["/admin/"]
    assert "'unsafe-eval'" not in policies["/api/v1/docs/"]
    assert "'unsafe" not in client.get("/account/")["Content-Security-Policy"]


def test_every_cookie_is_secure_under_https(client: Client, settings: Any) -> None:
    for name in ("SESSION", "CSRF", "LANGUAGE"):
        setattr(settings, f"{name}_COOKIE_SECURE", True)
    product = make_product()
    client.get("/account/login/")
    client.post("/cart/add/", {"variant": product.variants.get().pk})
    client.get("/recently-viewed/", {"product": product.pk})
    client.post("/i18n/setlang/", {"language": "de"})
    client.post("/events/", {"event": "page,seen,"})
    client.post("/privacy/counting/")
    kept = {name: bool(cookie["secure"]) for name, cookie in client.cookies.items() if cookie.value}
    assert {"csrftoken", "sessionid", "recent", "django_language"} < set(kept)
    assert [name for name, secure in kept.items() if not secure] == []


def test_the_settings_mark_every_cookie_secure_under_https() -> None:
    text = (django_settings.BASE_DIR / "config" / "settings.py").read_text()
    for name in ("SESSION", "CSRF", "LANGUAGE"):
        assert f"\n{name}_COOKIE_SECURE = HTTPS\n" in text
