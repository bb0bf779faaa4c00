"""Upgrade a shop of version 0.1, whose images have vectors of 2,048 values."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command

from recommender.embedding.worker import Outcome, embed_pending
from recommender.models import (
    BlueEmbedding,
    DuplicateDismissal,
    EmbeddingModel,
    Event,
    GreenEmbedding,
    QueryPhoto,
)
from recommender.photo_search.photos import embed_photo, store_photo
from recommender.search.similar import similar_to_photo, similar_to_product
from shop.catalogue.images.pictures import read_picture
from shop.catalogue.models import Product, ProductImage
from shop.orders.models import Order
from tests.factories import picture_bytes
from tests.upgrades import database_at, leaf_migrations

pytestmark = pytest.mark.slow

VERSION_0_1 = {
    "accounts": "0001_initial",
    "catalogue": "0015_pgtrigger",
    "imports": "0004_dropped_images",
    "orders": "0005_guests_by_address",
    "recommender": "0009_undivided",
    "wishlist": "0001_initial",
}
NEW_APPS = ("pages", "reviews")


@pytest.fixture
def old_apps(django_db_setup: None, django_db_blocker: Any) -> Iterator[Any]:
    """Return the app registry of version 0.1, on a database of that version."""
    with django_db_blocker.unblock():
        migrations = leaf_migrations() | VERSION_0_1
        for app in NEW_APPS:
            del migrations[app]
    with database_at(django_db_blocker, migrations) as apps:
        yield apps


def _vector(*values: float) -> list[float]:
    return [*values, *[0.0] * (2048 - len(values))]


def _make_order(get: Any, product: int) -> None:
    values = {"idempotency_key": "k", "email": "guest@example.com", "name": "Guest"}
    values |= {"street": "1 High Street", "postcode": "12345", "city": "Springfield"}
    values |= {"country": "Utopia", "currency": "EUR", "payment": "invoice"}
    values |= {"shipping_name": "Standard", "tax_rate": 20, "tax": 3, "shipping": 0}
    order = get("orders", "Order").objects.create(**values, goods=40, total=40)
    variant = get("catalogue", "Variant").objects.get(product=product)
    get("orders", "OrderLine").objects.create(
        order=order, variant=variant, sku=variant.sku, name="Shirt", unit_price=20, quantity=2
    )


@pytest.fixture
def old_shop(old_apps: Any) -> dict[str, Any]:
    """Make three shirts, two of which were dismissed as duplicates, an order, photos and models."""
    get = old_apps.get_model
    model = get("recommender", "EmbeddingModel").objects.create(
        name="fashion", slot="blue", state="active"
    )
    get("recommender", "EmbeddingModel").objects.create(
        name="imagenet", slot="green", state="previous"
    )
    shirts = get("catalogue", "Category").objects.create(
        name="Shirts", slug="shirts", path="shirts"
    )
    products = []
    for number, colour in enumerate(("red", "crimson", "navy")):
        values = {"name": f"Shirt {number}", "slug": f"shirt-{number}", "category": shirts}
        values |= {"price": Decimal(20), "gender": "Women", "base_colour": "Red"}
        product = get("catalogue", "Product").objects.create(**values)
        get("catalogue", "Variant").objects.create(product=product, sku=f"S{number}", stock=5)
        get("catalogue", "ProductImage").objects.create(
            product=product, file=read_picture(picture_bytes(colour)).save(), width=60, height=80,
            embedding_blue=_vector(1, number / 10), embedding_green=_vector(1), attempts=number,
        )  # fmt: skip
        products.append(product.pk)
    _make_order(get, products[0])
    pair = {"one_id": products[0], "other_id": products[2]}
    get("recommender", "NotTheSame").objects.create(**pair)
    photo = get("recommender", "QueryPhoto").objects.create(
        content=b"", width=1, height=1, embedding=_vector(1), embedding_model=model
    )
    get("recommender", "QueryPhoto").objects.create(
        content=b"", width=1, height=1, whole=photo, region="0,0,1,1"
    )
    get("recommender", "Event").objects.create(block="steered", kind="seen")
    return {"products": products, "dismissed": (products[0], products[2])}


def test_after_the_upgrade_every_image_is_pending_for_the_default_model(
    old_shop: dict[str, Any],
) -> None:
    call_command("migrate", verbosity=0)
    assert list(Product.objects.order_by("pk").values_list("pk", "stock")) == [
        (pk, 5) for pk in old_shop["products"]
    ]
    dismissed = DuplicateDismissal.objects.values_list("one", "other")
    assert list(dismissed) == [old_shop["dismissed"]]
    assert not QueryPhoto.objects.exists()
    assert Event.objects.get().block == "more-like"
    states = EmbeddingModel.objects.order_by("pk").values_list("name", "slot", "state")
    assert list(states) == [
        ("fashion", "blue", "retired"),
        ("imagenet", "green", "retired"),
        ("fashion-3", "blue", "active"),
    ]
    rows = BlueEmbedding.objects.order_by("image").values_list(
        "product", "status", "attempts", "gender", "base_colour", "available", "embedding"
    )
    assert list(rows) == [
        (pk, "pending", 0, "Women", "Red", True, None) for pk in old_shop["products"]
    ]
    assert not GreenEmbedding.objects.exists()


def test_after_the_upgrade_images_are_embedded_and_photos_find_them(
    old_shop: dict[str, Any],
) -> None:
    call_command("migrate", verbosity=0)
    first, second, third = Product.objects.order_by("pk")
    assert similar_to_product(first) == []
    assert embed_pending(EmbeddingModel.objects.active()) == Outcome(embedded=3, failed=0)
    assert {product.pk for product in similar_to_product(third)} <= {first.pk, second.pk}
    photo = store_photo(picture_bytes("navy"))
    embed_photo(photo.pk)
    photo.refresh_from_db()
    assert (photo.failure, similar_to_photo(photo)[0]) == ("", third)


def test_orders_are_kept_and_images_are_added_after_the_upgrade(old_shop: dict[str, Any]) -> None:
    call_command("migrate", verbosity=0)
    line = Order.objects.get().lines.get()
    assert (line.sku, line.quantity, line.variant.product_id) == ("S0", 2, old_shop["products"][0])
    new = ProductImage.objects.create(
        product_id=old_shop["products"][0], file="new.jpg", width=1, height=1
    )
    assert BlueEmbedding.objects.get(image=new).status == "pending"
