"""Check the access of each role to every route of the site. A route without a row fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from recommender.models import CategoryGarment, DiscreetCategory, EmbeddingModel
from shop.accounts.models import Address, ApiToken
from shop.cart.models import Cart
from shop.catalogue.models import SearchSynonym, StockAdjustment
from shop.imports.models import GenderWord, Upload
from shop.mail.models import QueuedEmail
from shop.orders.models import ShippingMethod, Voucher
from shop.pages.models import Page
from shop.payments.models import Payment
from shop.reviews.links import review_path
from shop.reviews.models import Review
from shop.wishlist.models import SharedWishlist, StockAlert
from tests.access_table import ADMIN, LED_ON, PUBLIC, ROWS
from tests.factories import (
    embed,
    make_customer,
    make_order,
    make_photo,
    make_product,
    make_stored_image,
    picture_bytes,
)

pytestmark = pytest.mark.slow

GROUPS = ("Catalogue", "Orders", "Read-only")
ROLES = ("anonymous", "owner", "other", *GROUPS)
CONTACT = {"name": "A", "street": "B", "postcode": "1", "city": "C", "country": "DE"}


def routes(patterns: list[Any], before: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route


def _known() -> set[str]:
    models = {f"admin/{model.replace('.', '/')}/{rest}" for model in ADMIN for rest in PARTS}
    return models | {route for _method, route, _url, _statuses in ROWS}


PARTS = {
    "": "view",
    "add/": "add",
    "<path:object_id>/history/": "view",
    "<path:object_id>/delete/": "delete",
    "<path:object_id>/change/": "view",
    "<path:object_id>/": "",
}


def _plain(route: str) -> str:
    """Return the route, without the list of apps, which changes with every app."""
    return "admin/^apps/$" if route.startswith("admin/^(?P<app_label>") else route


def test_every_route_has_a_row() -> None:
    there = {_plain(route) for route in routes(get_resolver().url_patterns)}
    assert there - _known() == set()
    assert _known() - there == set()


@pytest.fixture
def things(db: Any) -> dict[str, Any]:
    """Create one of each kind; those with an owner belong to ``owner``."""
    owner = make_customer("owner@example.com", "correct-horse-7")
    make_customer("other@example.com", "correct-horse-7")
    for name in GROUPS:
        staff = User.objects.create_user(name, password="correct-horse-7", is_staff=True)
        staff.groups.add(Group.objects.get(name=name))
    product = make_product(pk=10_001, name="Shirt")
    variant = product.variants.get()
    image = make_stored_image(product)
    embed(image, 1)
    cart = Cart.objects.create(user=owner)
    line = cart.lines.create(variant=variant, quantity=1)
    model = EmbeddingModel.objects.active()
    token, _secret = ApiToken.issue(owner)
    photo = make_photo(1, content=picture_bytes())
    authenticator = Authenticator.objects.create(
        user=User.objects.create_user("erin", is_staff=True), type="totp", data={"secret": ""}
    )
    method, _new = ShippingMethod.objects.update_or_create(name="Standard", defaults={"price": 5})
    order = make_order(user=owner)
    upload = Upload(by=None, created=timezone.now(), table_name="a.csv", state="checked")
    upload.header = ["sku", "stock"]
    upload.table.save("table.csv", ContentFile(f"sku,stock\n{variant.sku},3\n".encode()))
    return {
        "product": product, "variant": variant, "image": image, "line": line, "photo": photo,
        "order": order, "upload": upload, "method": method, "category": product.category,
        "address": Address.objects.create(user=owner, **CONTACT), "owner": owner,
        "apitoken": token, "authenticator": authenticator,
        "emailaddress": EmailAddress.objects.get(user=owner), "group": Group.objects.all()[0],
        "searchsynonym": SearchSynonym.objects.create(english="anorak"),
        "stockadjustment": StockAdjustment.objects.create(
            variant=variant, change=1, reason="count"
        ),
        "voucher": Voucher.objects.create(code="V", kind="amount", value=1),
        "stockalert": StockAlert.objects.create(
            variant=variant, email="a@b.example", language="en"
        ),
        "queuedemail": QueuedEmail.objects.create(to="a@b.example", subject="S", message=b""),
        "payment": Payment.objects.create(order=order, amount=1, currency="EUR"), "model": model,
        "categorygarment": CategoryGarment.objects.create(
            category=product.category, garment="Shirts", share=1
        ),
        "genderword": GenderWord.objects.create(word="kids", gender="Unisex"),
        "review": Review.objects.create(
            product=make_product(), order=order, name="A", stars=5
        ),
        "shared": SharedWishlist.objects.create(user=owner),
        "delivered": make_order(state="delivered"),
        "discreetcategory": DiscreetCategory.objects.create(category=product.category),
        "page": Page.objects.create(
            slug=product.slug, language="en", title="P", text="x", published=True
        ),
    }  # fmt: skip


def _sign_in(role: str) -> Client:
    client = Client()
    if role != "anonymous":
        name = {"owner": "owner", "other": "other"}.get(role, role)
        client.force_login(
            User.objects.get(username=name), "django.contrib.auth.backends.ModelBackend"
        )
    return client


def _url(route: str, url: str, things: dict[str, Any]) -> str:
    if url.startswith("="):
        return f"/{url[1:]}"
    if route.startswith("wishlists/"):
        return str(things["shared"].get_absolute_url())
    if route.startswith("reviews/"):
        delivered = things["delivered"]
        return review_path(delivered, delivered.lines.get().variant.product)
    product, order = things["product"], things["order"]
    kind = ContentType.objects.get_for_model(product)
    numbers = {
        "account/addresses/": things["address"].pk, "account/tokens/": things["apitoken"].pk,
        "admin/imports/": things["upload"].pk,
        "api/v1/cart/": things["line"].pk, "api/v1/orders/": order.pk,
        "api/v1/staff/images/": things["image"].pk, "cart/lines/": things["line"].pk,
    }  # fmt: skip
    number = next((pk for start, pk in numbers.items() if route.startswith(start)), product.pk)
    values = {
        "<int:pk>": number, "<str:photo_id>": things["photo"].pk, "<str:token>": order.token,
        "<slug:slug>": product.slug, "<path:path>": product.category.path,
        "<id>": things["owner"].pk,
        "<path:sku>": things["variant"].sku, "<section>": "products",
        "<str:name>": things["image"].file.replace(".jpg", "-60.webp"),
        "<path:content_type_id>": kind.pk, "<path:object_id>": product.pk,
    }  # fmt: skip
    for name, value in values.items():
        route = route.replace(name, str(value))
    return f"/{route}{url}"


def _data(route: str, things: dict[str, Any]) -> dict[str, Any]:
    """Return data with which the request succeeds, if its caller is permitted."""
    variant = things["variant"]
    order = CONTACT | {"email": "a@b.example", "payment": "invoice"}
    return {
        "account/addresses/<int:pk>/": CONTACT,
        "api/v1/cart/lines/": {"variant": variant.pk, "quantity": 1},
        "api/v1/cart/lines/<int:pk>/": {"quantity": 2},
        "api/v1/orders/": order | {"shipping_method": things["method"].pk},
        "api/v1/staff/products/": {
            "name": "New", "category": variant.product.category.path, "price": "1.00", "sku": "N",
        },
        "api/v1/staff/products/<int:pk>/": {"price": "2.00"},
        "api/v1/staff/variants/<path:sku>/stock/": {"stock": 3},
        "cart/add/": {"variant": variant.pk},
        "cart/lines/<int:pk>/": {"quantity": 2},
        "checkout/": order | {"method": things["method"].pk, "key": "k"},
        "i18n/setlang/": {"language": "de"},
        "reviews/<str:token>/": {"stars": 5},
        "stock-alerts/": {"variant": variant.pk, "email": "a@b.example"},
    }.get(route, {})  # fmt: skip


def _answer(caller: Client, method: str, url: str, data: dict[str, Any]) -> Any:
    """Send the request as ``caller``, whose session it leaves as it is, and roll back its changes.

    All requests thereby find the same data.
    """
    client = Client(**caller.defaults)
    client.cookies.update(caller.cookies)
    options: dict[str, Any] = {}
    if url.startswith("/api/"):
        options["content_type"] = "application/json"
        data = json.dumps(data) if method != "GET" else {}  # type: ignore[assignment]
    with transaction.atomic():
        answer = getattr(client, method.lower())(url, data, **options)
        transaction.set_rollback(True)
    return answer


def test_every_route_is_tried_with_get_and_post() -> None:
    tried = {(method, route) for method, route, _url, _statuses in ROWS}
    routes_of_rows = {route for _method, route in tried}
    assert {(method, route) for route in routes_of_rows for method in ("GET", "POST")} <= tried


@pytest.mark.parametrize("role", ROLES)
def test_each_role_gets_the_expected_status(things: dict[str, Any], role: str) -> None:
    wrong = {}
    caller = _sign_in(role)
    for method, route, url, statuses in ROWS:
        path, data = _url(route, url, things), _data(route, things)
        found = str(_answer(caller, method, path, data).status_code)
        if found != (expected := statuses.split()[ROLES.index(role)]):
            wrong[f"{method} {route}"] = f"{found}, not {expected}"
    assert wrong == {}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_each_role_reaches_its_part_of_the_admin(
    things: dict[str, Any], method: str, role: str
) -> None:
    """``ADMIN`` says what each group may: v(iew), a(dd), c(hange), d(elete)."""
    wrong = {}
    caller = _sign_in(role)
    for model, rights in ADMIN.items():
        for part, right_to_read in PARTS.items():
            path = f"/admin/{model.replace('.', '/')}/{part}"
            path = path.replace("<path:object_id>", str(_thing(model, things).pk))
            changes = method == "POST" and part.endswith("change/")
            needed = "change" if changes and model not in LED_ON else right_to_read
            permitted = {
                group: needed[:1] in mine for group, mine in zip(GROUPS, rights, strict=True)
            }
            found = _answer(caller, method, path, {}).status_code
            # Staff who are permitted may also be redirected; others are asked to sign in.
            expected = ((200, 302) if permitted[role] else (403,)) if role in GROUPS else (302,)
            if needed and found not in expected:
                wrong[path] = f"{found}, not {expected}"
    assert wrong == {}


@pytest.mark.parametrize(("role", "status"), [("Orders", 302), ("Catalogue", 403)])
def test_view_on_site_needs_the_permission_to_view(
    things: dict[str, Any], role: str, status: int
) -> None:
    """An order's page is open to everybody who knows its secret link."""
    kind = ContentType.objects.get_for_model(things["order"])
    url = f"/admin/r/{kind.pk}/{things['order'].pk}/"
    assert _answer(_sign_in(role), "GET", url, {}).status_code == status


@pytest.mark.parametrize("model", ["wishlist.sharedwishlist", "none"])
def test_view_on_site_knows_only_what_the_admin_shows(things: dict[str, Any], model: str) -> None:
    shared = things["shared"]
    kind = ContentType.objects.get_for_model(shared).pk if "." in model else "none"
    url = f"/admin/r/{kind}/{shared.pk}/"
    assert _answer(_sign_in("Catalogue"), "GET", url, {}).status_code == 404


def test_personal_responses_are_not_cached(things: dict[str, Any]) -> None:
    """Whether signed in by session or token, and whatever the status."""
    owner = _sign_in("owner")
    program = Client(headers={"Authorization": f"Token {ApiToken.issue(things['owner'])[1]}"})
    wrong = []
    for method, route, url, _statuses in ROWS:
        path, data = _url(route, url, things), _data(route, things)
        clients = [owner, program] if route.startswith("api/") else [owner]
        for client in clients:
            answer = _answer(client, method, path, data)
            kept = answer.get("Cache-Control", "")
            public = not route or route.startswith(PUBLIC)
            if not public and kept != "private, no-store":
                wrong.append(f"{method} {route}: {kept}")
            assert "camera=()" in answer["Permissions-Policy"]
    assert wrong == []


def _thing(model: str, things: dict[str, Any]) -> Any:
    named = {
        "catalogue.productimage": "image",
        "orders.shippingmethod": "method",
        "recommender.embeddingmodel": "model",
        "auth.user": "owner",
    }
    return things[named.get(model, model.split(".")[1])]
