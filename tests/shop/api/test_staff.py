from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from shop.catalogue.models import Product, ProductImage, StockAdjustment, Variant
from tests.factories import (
    make_category,
    make_product,
    make_stored_image,
    make_variant,
    picture_bytes,
)
from tests.shop.api.conftest import client_of
from tests.shop.catalogue.images.crafted import scans

pytestmark = pytest.mark.django_db
STAFF = "/api/v1/staff"


@pytest.fixture
def shirt(db: Any) -> dict[str, Any]:
    category = make_category("Apparel", "Topwear", "Shirts").path
    return {"name": "Blue Shirt", "category": category, "price": "19.50", "sku": "S-1"}


def test_changes_by_staff_are_in_the_audit_log(staff: APIClient, shirt: dict[str, Any]) -> None:
    pk = staff.post(f"{STAFF}/products/", shirt, format="json").json()["id"]
    staff.patch(f"{STAFF}/products/{pk}/", {"price": "25.00"}, format="json")
    staff.patch(f"{STAFF}/variants/S-1/stock/", {"stock": 3}, format="json")
    file = SimpleUploadedFile("a.jpg", picture_bytes(), "image/jpeg")
    staff.post(f"{STAFF}/products/{pk}/images/", {"file": file}, format="multipart")
    staff.delete(f"{STAFF}/images/{ProductImage.objects.get().pk}/")
    rows = LogEntry.objects.order_by("pk").values_list(
        "user__username", "content_type__model", "action_flag", "change_message"
    )
    assert list(rows) == [
        ("carol", "product", ADDITION, "API"),
        ("carol", "product", CHANGE, "API: price"),
        ("carol", "variant", CHANGE, "API: stock"),
        ("carol", "productimage", ADDITION, "API"),
        ("carol", "productimage", DELETION, "API"),
    ]


def test_a_refused_change_is_not_in_the_audit_log(staff: APIClient, shirt: dict[str, Any]) -> None:
    staff.post(f"{STAFF}/products/", shirt | {"price": "-1"}, format="json")
    variant = make_product(stock=1).variants.get()
    refused = staff.patch(f"{STAFF}/variants/{variant.sku}/stock/", {"change": -2}, format="json")
    assert (refused.status_code, LogEntry.objects.count()) == (409, 0)


def test_a_product_is_created_and_updated(staff: APIClient, shirt: dict[str, Any]) -> None:
    made = staff.post(f"{STAFF}/products/", shirt | {"initial_stock": 4}, format="json")
    assert made.status_code == 201, made.json()
    data = made.json()
    assert (data["stock"], data["variants"][0]["sku"], data["listed"]) == (4, "S-1", True)
    url = f"{STAFF}/products/{data['id']}/"
    changed = staff.patch(
        url, {"price": "25.00"}, format="json", headers={"If-Match": made["ETag"]}
    )
    assert (changed.status_code, changed.json()["price"]) == (200, "25.00")
    stale = staff.patch(url, {"price": "1.00"}, format="json", headers={"If-Match": made["ETag"]})
    assert stale.status_code == 412
    assert str(Product.objects.get().price) == "25.00"


def test_an_unchanged_staff_product_is_not_sent_again(staff: APIClient) -> None:
    url = f"{STAFF}/products/{make_product().pk}/"
    tag = {"If-None-Match": staff.get(url)["ETag"]}
    assert staff.get(url, headers=tag).status_code == 304
    assert staff.patch(url, {"price": "25.00"}, format="json").status_code == 200
    assert staff.get(url, headers=tag).status_code == 200


def test_the_etag_of_a_compressed_response_matches(staff: APIClient, shirt: dict[str, Any]) -> None:
    made = staff.post(f"{STAFF}/products/", shirt, format="json").json()
    url, gzip = f"{STAFF}/products/{made['id']}/", {"Accept-Encoding": "gzip"}
    tag = staff.get(url, headers=gzip)["ETag"]
    assert tag.startswith('W/"')
    answers = [
        staff.patch(url, {"price": price}, format="json", headers=gzip | {"If-Match": tag})
        for price in ("25.00", "1.00")
    ]
    assert [answer.status_code for answer in answers] == [200, 412]
    assert str(Product.objects.get().price) == "25.00"


def test_similar_external_ids_get_different_urls(staff: APIClient, shirt: dict[str, Any]) -> None:
    for sku, external_id in (("S-1", "A.1"), ("S-2", "A1")):
        values = shirt | {"sku": sku, "external_id": external_id}
        assert staff.post(f"{STAFF}/products/", values, format="json").status_code == 201
    first, second = Product.objects.order_by("pk")
    assert first.slug == "blue-shirt-a1"
    assert re.fullmatch("blue-shirt-a1-[0-9a-f]{8}", second.slug)
    first.slug = ""
    first.save()
    assert first.slug == "blue-shirt-a1"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"price": "0"}, "price"),
        ({"price": "-1"}, "price"),
        ({"price": "x"}, "price"),
        ({"name": ""}, "name"),
        ({"category": "none"}, "category"),
        ({"category": "no\0ne"}, "category"),
        ({"category": ["x"]}, "category"),
        ({"name": "no\0ne"}, "name"),
        ({"sku": "TAKEN"}, "sku"),
        ({"sku": ""}, "sku"),
        ({"currency": "euro"}, "currency"),
        ({"initial_stock": -1}, "initial_stock"),
        ({"gender": "x"}, "gender"),
    ],
)
def test_an_invalid_product_names_the_field(
    staff: APIClient, shirt: dict[str, Any], changes: dict[str, Any], field: str
) -> None:
    make_product().variants.update(sku="TAKEN")
    answer = staff.post(f"{STAFF}/products/", shirt | changes, format="json")
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]
    assert Product.objects.count() == 1


def test_an_image_is_added_and_deleted(staff: APIClient) -> None:
    product = make_product()
    file = SimpleUploadedFile("a.png", picture_bytes("red", kind="PNG"), "image/png")
    url = f"{STAFF}/products/{product.pk}/images/"
    made = staff.post(url, {"file": file, "alt": "front"}, format="multipart")
    assert made.status_code == 201, made.json()
    assert made.json()["alt"] == "front"
    assert staff.delete(f"{STAFF}/images/{made.json()['id']}/").status_code == 204
    assert not ProductImage.objects.exists()


def test_an_image_sent_twice_under_one_key_is_added_once(staff: APIClient) -> None:
    product = make_product()
    for _time in range(2):
        file = SimpleUploadedFile("a.png", picture_bytes("red", kind="PNG"), "image/png")
        answer = staff.post(
            f"{STAFF}/products/{product.pk}/images/",
            {"file": file},
            format="multipart",
            headers={"Idempotency-Key": "k"},
        )
        assert answer.status_code == 201
    assert ProductImage.objects.count() == 1


def test_a_file_that_is_no_image_is_refused(staff: APIClient) -> None:
    product = make_product()
    file = SimpleUploadedFile("a.png", b"no picture", "image/png")
    answer = staff.post(
        f"{STAFF}/products/{product.pk}/images/", {"file": file}, format="multipart"
    )
    assert answer.status_code == 422
    assert "can’t read this file" in answer.json()["detail"]
    assert not ProductImage.objects.exists()


def test_an_image_that_takes_too_long_to_decode_is_refused(staff: APIClient) -> None:
    product = make_product()
    file = SimpleUploadedFile("a.jpg", scans(2000), "image/jpeg")
    url = f"{STAFF}/products/{product.pk}/images/"
    answer = staff.post(url, {"file": file}, format="multipart")
    assert answer.status_code == 422
    assert "takes too long" in answer.json()["detail"]
    assert not ProductImage.objects.exists()


@pytest.mark.parametrize(
    ("values", "status", "stock"),
    [
        ({"stock": 9}, 200, 9),
        ({"stock": 0}, 200, 0),
        ({"change": -2, "note": "torn"}, 200, 3),
        ({"change": 0}, 200, 5),
        ({"change": -6}, 409, 5),
        ({"stock": -1}, 400, 5),
        ({"stock": 1, "change": 1}, 400, 5),
        ({}, 400, 5),
    ],
)
def test_stock_is_set_or_changed(
    staff: APIClient, values: dict[str, Any], status: int, stock: int
) -> None:
    product = make_product(stock=5)
    sku = product.variants.get().sku
    answer = staff.patch(f"{STAFF}/variants/{sku}/stock/", values, format="json")
    assert answer.status_code == status, answer.json()
    product.refresh_from_db()
    assert (product.stock, Variant.objects.get().stock) == (stock, stock)
    noted = [row.change for row in StockAdjustment.objects.all()]
    assert noted == ([stock - 5] if stock != 5 else [])


def test_a_stock_change_sent_twice_under_one_key_is_made_once(staff: APIClient) -> None:
    product = make_product(stock=10)
    url = f"{STAFF}/variants/{product.variants.get().sku}/stock/"
    key = {"Idempotency-Key": "k"}
    answers = [staff.patch(url, {"change": -3}, format="json", headers=key) for _time in range(2)]
    assert [(answer.status_code, answer.json()["stock"]) for answer in answers] == [(200, 7)] * 2
    assert staff.patch(url, {"change": -2}, format="json", headers=key).status_code == 422
    assert (Variant.objects.get().stock, StockAdjustment.objects.get().change) == (7, -3)


@pytest.mark.parametrize(("change", "status"), [(6, 409), (5, 200)])
def test_the_stock_of_a_product_is_at_most_a_billion(
    staff: APIClient, change: int, status: int
) -> None:
    product = make_product(stock=5)
    make_variant(product, sku="many", size="M", stock=1_000_000_000 - 10)
    sku = product.variants.get(size="").sku
    answer = staff.patch(f"{STAFF}/variants/{sku}/stock/", {"change": change}, format="json")
    assert answer.status_code == status
    assert ("must not exceed 1,000,000,000." in answer.content.decode()) == (status == 409)
    assert Variant.objects.get(sku=sku).stock == (10 if status == 200 else 5)


@pytest.mark.parametrize("sku", ["AB/12", "a/stock", "50% wool", "Größe 4"])
def test_the_stock_of_any_sku_can_be_changed(staff: APIClient, sku: str) -> None:
    make_product(stock=5).variants.update(sku=sku)
    address = f"{STAFF}/variants/{quote(sku, safe='')}/stock/"
    assert staff.patch(address, {"stock": 3}, format="json").status_code == 200
    assert Variant.objects.get().stock == 3


def test_the_groups_permissions_apply_to_the_api(
    customer: APIClient, shirt: dict[str, Any]
) -> None:
    clients = {"customer": customer}
    for name in ("Orders", "Read-only"):
        user = User.objects.create_user(name, is_staff=True)
        user.groups.add(Group.objects.get(name=name))
        clients[name] = client_of(user)
    image = make_stored_image(make_product())
    answers = {
        name: (
            client.get(f"{STAFF}/products/").status_code,
            client.post(f"{STAFF}/products/", shirt, format="json").status_code,
            client.delete(f"{STAFF}/images/{image.pk}/").status_code,
        )
        for name, client in clients.items()
    }
    assert answers == {
        "customer": (403, 403, 403),
        "Orders": (200, 403, 403),
        "Read-only": (200, 403, 403),
    }
    assert (Product.objects.count(), ProductImage.objects.count()) == (1, 1)


def test_a_product_without_a_price_cannot_be_listed(
    staff: APIClient, shirt: dict[str, Any]
) -> None:
    del shirt["price"]
    refused = staff.post(f"{STAFF}/products/", shirt, format="json")
    assert (refused.status_code, Product.objects.count()) == (400, 0)
    assert "A listed product needs a price." in refused.content.decode()
    made = staff.post(f"{STAFF}/products/", shirt | {"listed": False}, format="json")
    assert made.status_code == 201, made.json()
    assert (made.json()["price"], made.json()["variants"][0]["price"]) == (None, None)
    url = f"{STAFF}/products/{made.json()['id']}/"
    assert staff.patch(url, {"listed": True}, format="json").status_code == 400
    listed = staff.patch(url, {"listed": True, "price": "5.00"}, format="json")
    assert (listed.status_code, listed.json()["price"]) == (200, "5.00")
    assert staff.patch(url, {"price": None}, format="json").status_code == 400
