from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from backoffice.groups import ensure_groups
from recommender.models import EmptySearch, Event
from recommender.tracking.events import BLOCKS
from shop.catalogue.models import StockAdjustment, Variant
from shop.orders.models import Order, OrderLine
from tests.factories import fail_embedding, make_image, make_order, make_product, make_variant

pytestmark = pytest.mark.django_db


def _member(client: Client, group: str) -> User:
    user = User.objects.create_user(group, is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client.force_login(user)
    return user


@pytest.fixture
def admin(admin_client: Client) -> Client:
    return admin_client


def test_the_dashboard_counts_what_staff_have_to_do_today(admin: Client) -> None:
    make_order(total=Decimal("12.50"))
    make_order(total=Decimal("7.50"))
    make_order(total=Decimal("99.00"), state="cancelled")
    make_product(stock=2)
    make_product(stock=0)
    make_image(make_product())
    fail_embedding(make_image(make_product()))
    Event.objects.create(block="similar", kind="seen")
    Event.objects.create(block="similar", kind="seen")
    Event.objects.create(block="similar", kind="followed")
    Event.objects.create(block="photo", kind="searched")
    context = admin.get("/admin/").context
    tiles = {tile["label"]: tile["value"] for tile in context["tiles"]}
    assert tiles == {
        "Orders today": 3,
        "Revenue today": "€20.00",
        "To fulfil": 2,
        "Low stock": 1,
        "Sold out": 1,
        "Reviews to moderate": 0,
        "Images in the queue": 1,
        "Failed images": 1,
    }
    assert [(chart["title"], chart["total"]) for chart in context["charts"]] == [
        ("Orders", "2"),
        ("Revenue in EUR", "20"),
        ("Photo searches", "1"),
    ]
    tables = {table["title"]: table["rows"] for table in context["tables"]}
    assert list(tables) == ["Best sellers", "Recommendation performance"]
    assert ("Similar items", 2, 1, "50.0\xa0%", "–", 0, "0.0\xa0%") in tables[
        "Recommendation performance"
    ]
    assert [row[1:] for row in tables["Best sellers"]] == [(1, 0), (1, 0)]


def test_the_dashboard_names_every_row_of_recommendations_in_words(admin: Client) -> None:
    Event.objects.bulk_create(Event(block=block, kind="seen") for block in BLOCKS)
    tables = {table["title"]: table["rows"] for table in admin.get("/admin/").context["tables"]}
    titles = [row[0] for row in tables["Recommendation performance"]]
    assert len(titles) == len(BLOCKS)
    assert not {*titles} & {*BLOCKS}


def test_the_dashboard_counts_the_garments_that_shoppers_corrected(admin: Client) -> None:
    Event.objects.bulk_create(Event(block="photo", kind="corrected") for _number in range(3))
    Event.objects.update(at=timezone.now() - timedelta(days=40))
    Event.objects.bulk_create(Event(block="photo", kind="corrected") for _number in range(2))
    page = admin.get("/admin/").content.decode()
    assert "Garment corrected by shoppers: 2 (3 in the period before)" in page


def test_the_dashboard_compares_with_the_previous_period(admin: Client) -> None:
    now = make_order(total=Decimal(10))
    earlier = [make_order(total=Decimal(20)) for _ in range(2)]
    Order.objects.exclude(pk=now.pk).update(placed=timezone.now() - timedelta(days=40))
    OrderLine.objects.filter(order__in=earlier).update(variant=now.lines.get().variant)
    EmptySearch.objects.create(text="veil", searches=3, day=timezone.localdate())
    context = admin.get("/admin/").context
    totals = {chart["title"]: (chart["total"], chart["before"]) for chart in context["charts"]}
    bars = json.loads(context["charts"][0]["data"])["datasets"][0]["data"]
    assert (len(bars), bars[-1], sum(bars)) == (30, 1.0, 1.0)
    assert (totals["Orders"], totals["Revenue in EUR"]) == (("1", "2"), ("10", "40"))
    tables = {table["title"]: table["rows"] for table in context["tables"]}
    name = now.lines.get().variant.product.name
    assert tables["Best sellers"] == [(name, 1, 2)]
    assert tables["Searches with no results"] == [("veil", 3, 0)]


@pytest.mark.parametrize(
    ("totals", "language", "text"),
    [
        (("1000.10", "234.40"), "en", "1,234.50"),
        (("1000.10", "234.40"), "de", "1.234,50"),
        (("1000.00", "234.00"), "de", "1.234"),
        (("0.10", "0.19"), "de", "0,29"),
    ],
)
def test_the_sums_are_formatted_for_the_locale(
    admin: Client, totals: tuple[str, str], language: str, text: str
) -> None:
    for total in totals:
        make_order(total=Decimal(total))
    charts = admin.get("/admin/", headers={"Accept-Language": language}).context["charts"]
    assert charts[1]["total"] == text


def test_the_tiles_link_to_the_rows_they_count(admin: Client) -> None:
    make_order()
    make_product(stock=2)
    fail_embedding(make_image(make_product(stock=0)))
    for tile in admin.get("/admin/").context["tiles"]:
        page = admin.get(tile["url"])
        assert page.status_code == 200, tile
        if isinstance(tile["value"], int):
            assert page.context["cl"].result_count == tile["value"], tile


def test_the_stock_tiles_count_variants_and_link_to_them(admin: Client) -> None:
    shirt = make_product(stock=20)
    gone, low = make_variant(shirt, size="M", stock=0), make_variant(shirt, size="L", stock=1)
    for stock in (0, 1):
        make_product(stock=stock, listed=False)
    tiles = {tile["label"]: tile for tile in admin.get("/admin/").context["tiles"]}
    for label, variant in (("Sold out", gone), ("Low stock", low)):
        rows = admin.get(tiles[label]["url"]).context["cl"].result_list
        assert (tiles[label]["value"], list(rows)) == (1, [variant])


def test_an_empty_shop_has_a_dashboard(admin: Client) -> None:
    page = admin.get("/admin/")
    assert page.status_code == 200
    assert {tile["value"] for tile in page.context["tiles"]} == {0, "–"}


@pytest.mark.parametrize(
    ("group", "labels"),
    [
        ("Orders", {"Orders today", "Revenue today", "To fulfil", "Low stock", "Sold out"}),
        (
            "Catalogue",
            *(
                {
                    "Low stock",
                    "Sold out",
                    "Reviews to moderate",
                    "Images in the queue",
                    "Failed images",
                },
            ),
        ),
    ],
)
def test_each_group_sees_its_own_tiles(client: Client, group: str, labels: set[str]) -> None:
    _member(client, group)
    assert {tile["label"] for tile in client.get("/admin/").context["tiles"]} == labels


def test_changed_permissions_of_a_group_are_kept() -> None:
    Group.objects.get(name="Orders").permissions.clear()
    ensure_groups()
    assert not Group.objects.get(name="Orders").permissions.exists()


def _adjust(client: Client, variant: Variant, change: object, **more: str):  # type: ignore[no-untyped-def]
    values = {"variant": variant.pk, "change": change, "reason": "damage"} | more
    return client.post("/admin/catalogue/stockadjustment/add/", values)


def test_stock_is_adjusted_with_a_reason(client: Client) -> None:
    user = _member(client, "Catalogue")
    variant = make_product(stock=5).variants.get()
    assert _adjust(client, variant, -2, note="torn").status_code == 302
    variant.refresh_from_db()
    assert variant.stock == 3
    variant.product.refresh_from_db()
    assert variant.product.stock == 3
    row = StockAdjustment.objects.get()
    assert (row.change, row.reason, row.note, row.by) == (-2, "damage", "torn", user)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (-6, "Only 5 in stock"),
        (0, "other than 0"),
        (2_000_000, "at most a million"),
        ("x", "Enter a whole number"),
    ],
)
def test_an_invalid_adjustment_is_explained(client: Client, change: object, message: str) -> None:
    _member(client, "Catalogue")
    variant = make_product(stock=5).variants.get()
    assert message in _adjust(client, variant, change).content.decode()
    variant.refresh_from_db()
    assert (variant.stock, StockAdjustment.objects.count()) == (5, 0)


def test_an_adjustment_cannot_exceed_a_stock_of_a_billion(client: Client) -> None:
    _member(client, "Catalogue")
    product = make_product(stock=5)
    make_variant(product, size="M", stock=1_000_000_000 - 10)
    variant = product.variants.get(size="")
    assert "must not exceed 1,000,000,000." in _adjust(client, variant, 6).content.decode()
    variant.refresh_from_db()
    assert (variant.stock, StockAdjustment.objects.count()) == (5, 0)
    assert _adjust(client, variant, 5).status_code == 302


@pytest.mark.parametrize(("stock", "status"), [(1_000_000_000, 200), (999_999_999, 302)])
def test_the_stock_of_a_product_cannot_exceed_a_billion(
    admin: Client, stock: int, status: int
) -> None:
    product = make_product(stock=1)
    variant = product.variants.get()
    values = {
        "name": "Shirt", "category": product.category_id, "price": "20.00", "currency": "EUR",
        "listed": "on", "slug": product.slug,
        "variants-TOTAL_FORMS": 2, "variants-INITIAL_FORMS": 1, "variants-0-id": variant.pk,
        "variants-0-product": product.pk, "variants-0-sku": variant.sku, "variants-0-position": 0,
        "variants-1-product": product.pk, "variants-1-sku": "many", "variants-1-size": "M",
        "variants-1-stock": stock, "variants-1-position": 0,
        "images-TOTAL_FORMS": 0, "images-INITIAL_FORMS": 0,
    }  # fmt: skip
    response = admin.post(f"/admin/catalogue/product/{product.pk}/change/", values)
    assert response.status_code == status
    text = "The total stock of all variants must not exceed 1,000,000,000."
    assert (text in response.content.decode()) == (status == 200)
    product.refresh_from_db()
    assert product.stock == (1 if status == 200 else 1_000_000_000)


def test_the_orders_group_cannot_adjust_stock(client: Client) -> None:
    _member(client, "Orders")
    variant = make_product(stock=5).variants.get()
    assert _adjust(client, variant, 1).status_code == 403
    variant.refresh_from_db()
    assert variant.stock == 5


def test_saving_a_product_does_not_restore_sold_stock(admin: Client) -> None:
    product = make_product(stock=5)
    variant = product.variants.get()
    page = admin.get(f"/admin/catalogue/product/{product.pk}/change/")
    assert page.status_code == 200
    Variant.objects.update(stock=2)
    values = {
        "name": "New name", "category": product.category_id, "price": "20.00", "currency": "EUR",
        "listed": "on", "slug": product.slug,
        "variants-TOTAL_FORMS": 1, "variants-INITIAL_FORMS": 1, "variants-0-id": variant.pk,
        "variants-0-product": product.pk, "variants-0-sku": variant.sku, "variants-0-stock": 5,
        "variants-0-position": 0, "images-TOTAL_FORMS": 0, "images-INITIAL_FORMS": 0,
    }  # fmt: skip
    response = admin.post(f"/admin/catalogue/product/{product.pk}/change/", values)
    assert response.status_code == 302, response.context["errors"]
    product.refresh_from_db()
    variant.refresh_from_db()
    assert (product.name, variant.stock, product.stock) == ("New name", 2, 2)


@pytest.mark.parametrize(
    ("group", "seen", "hidden"),
    [
        ("Orders", "/admin/orders/voucher/", "/admin/imports/upload/new/"),
        ("Catalogue", "/admin/imports/upload/new/", "/admin/orders/voucher/"),
        ("Read-only", "/admin/orders/voucher/", "/admin/imports/upload/new/"),
    ],
)
def test_the_menu_shows_what_the_group_may_view(
    client: Client, group: str, seen: str, hidden: str
) -> None:
    _member(client, group)
    page = client.get("/admin/").content.decode()
    assert f'href="{seen}"' in page
    assert f'href="{hidden}"' not in page
    assert "/admin/auth/user/" not in page


@pytest.mark.parametrize(
    ("address", "label"),
    [
        ("/admin/", "Dashboard"),
        ("/admin/catalogue/product/", "Products"),
        ("/admin/catalogue/product/add/", "Products"),
        ("/admin/catalogue/product/copies/", "Near-duplicates"),
        ("/admin/imports/upload/new/", "Import a catalogue"),
        ("/admin/password_change/", None),
    ],
)
def test_the_menu_highlights_one_item(admin: Client, address: str, label: str | None) -> None:
    groups = admin.get(address).context["sidebar_navigation"]
    marked = [str(item["title"]) for group in groups for item in group["items"] if item["active"]]
    assert marked == ([label] if label else [])
