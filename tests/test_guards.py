"""Guards of the site that nothing else would miss."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import Group, Permission, User
from django.core.cache import cache
from django.test import Client, RequestFactory
from rest_framework.throttling import ScopedRateThrottle

from shop.cart.models import Cart, CartLine
from shop.catalogue.models import Variant
from shop.core.rate_limit import client_address
from shop.orders.models import Order, OrderEvent
from tests.factories import make_customer, make_order, make_product
from tests.shop.orders.test_checkout import CHECKOUT, form, method

pytestmark = pytest.mark.django_db
PASSWORD = "correct-horse-7"
ACTIONS = ["make_paid", "make_packed", "make_cancelled", "make_refunded", "note_payment"]
__all__ = ["method"]


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("state", ["placed", "packed"])
def test_who_may_only_view_orders_moves_none(action: str, state: str) -> None:
    staff = User.objects.create_user("dave", is_staff=True)
    staff.groups.add(Group.objects.get(name="Read-only"))
    staff.user_permissions.add(Permission.objects.get(codename="add_order"))
    client = Client()
    client.force_login(staff, "django.contrib.auth.backends.ModelBackend")
    order = make_order(state=state)
    stock = Variant.objects.get().stock
    client.post("/admin/orders/order/", {"action": action, "_selected_action": order.pk})
    order.refresh_from_db()
    assert (order.state, order.paid_at, Variant.objects.get().stock) == (state, None, stock)
    assert OrderEvent.objects.count() == 1


def test_nothing_is_ordered_without_a_csrf_token(method: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_customer("alice@example.com"))
    variant = make_product(stock=5).variants.get()
    cart = Cart.objects.create(user=User.objects.get())
    line = cart.lines.create(variant=variant, quantity=1)
    client.cookies["csrftoken"] = "x" * 32
    for token in ({}, {"csrfmiddlewaretoken": "y" * 32}):
        assert client.post(CHECKOUT, form(method) | token).status_code == 403
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
def test_an_address_is_believed_from_as_many_proxies_as_there_are(
    settings: Any, proxies: int, forwarded: str, address: str
) -> None:
    settings.PROXIES = proxies
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == address


def test_tokens_are_guessed_so_often_an_hour(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_pages_run_no_script_but_their_own(client: Client) -> None:
    page = client.get("/")
    policy = dict(part.strip().split(" ", 1) for part in page["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["object-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == policy["form-action"] == "'self'"
    sources = policy["script-src"].split()
    assert sources[0] == "'self'"
    assert all(source.startswith("'nonce-") for source in sources[1:])


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


def test_the_settings_make_every_cookie_secure_under_https() -> None:
    text = (django_settings.BASE_DIR / "config" / "settings.py").read_text()
    for name in ("SESSION", "CSRF", "LANGUAGE"):
        assert f"\n{name}_COOKIE_SECURE = HTTPS\n" in text
