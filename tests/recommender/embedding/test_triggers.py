"""Triggers maintain the tables of embeddings, whatever code writes products and images."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models import F

from recommender.models import BlueEmbedding, EmbeddingModel, GreenEmbedding
from shop.catalogue.models import Product, ProductImage, Variant
from tests.factories import (
    embed,
    embedding_of,
    fail_embedding,
    make_category,
    make_image,
    make_product,
    point,
)

pytestmark = pytest.mark.django_db


def rows(model: Any = BlueEmbedding) -> list[int]:
    return list(model.objects.order_by("image").values_list("image", flat=True))


def version(image: ProductImage) -> str:
    """Return the version of the image's row, which changes by each UPDATE."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ctid::text FROM recommender_embedding_blue WHERE image_id = %s", [image.pk]
        )
        return str(cursor.fetchone()[0])


def test_an_image_gets_a_pending_row_with_the_columns_of_its_product() -> None:
    shirt = make_product(gender="Women", base_colour="Red")
    row = embedding_of(make_image(shirt))
    assert (row.product_id, row.category_id, row.gender, row.base_colour, row.available) == (
        shirt.pk, shirt.category_id, "Women", "Red", True
    )  # fmt: skip
    assert (row.status, row.attempts, row.claimed_until, row.failure) == ("pending", 0, None, "")
    assert (row.embedding, row.colour, row.duplicate_group) == (None,) * 3


@pytest.mark.parametrize("values", [{"stock": 0}, {"listed": False}])
def test_an_image_of_a_product_that_cannot_be_bought_is_not_available(
    values: dict[str, Any],
) -> None:
    assert embedding_of(make_image(make_product(**values))).available is False


@pytest.mark.parametrize(
    ("state", "has_rows"),
    [("filling", True), ("previous", True), ("freeing", False), ("retired", False)],
)
def test_there_is_a_row_for_each_slot_in_use(state: str, has_rows: bool) -> None:
    EmbeddingModel.objects.create(name="other", slot="green", state=state)
    image = make_image(make_product())
    assert rows() == [image.pk]
    assert rows(GreenEmbedding) == ([image.pk] if has_rows else [])


def test_images_added_in_bulk_and_by_plain_sql_get_rows() -> None:
    shirt = make_product()
    values = {"product": shirt, "width": 1, "height": 1}
    images = ProductImage.objects.bulk_create(
        ProductImage(file=f"{number}.jpg", **values) for number in range(3)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO catalogue_productimage (product_id, file, width, height, alt, position)
            SELECT %s, n || '.png', 1, 1, '', 0 FROM generate_series(1, 2) AS n RETURNING id""",
            [shirt.pk],
        )
        added = [pk for (pk,) in cursor.fetchall()]
    assert rows() == [*(image.pk for image in images), *added]
    assert set(BlueEmbedding.objects.values_list("product", "status")) == {(shirt.pk, "pending")}


def test_an_image_whose_file_changes_is_pending_again() -> None:
    image = make_image(make_product())
    embed(image, 1)
    ProductImage.objects.filter(pk=image.pk).update(file="another.jpg")
    row = embedding_of(image)
    assert (row.status, row.embedding, row.colour, row.duplicate_group) == (
        "pending", None, None, None
    )  # fmt: skip


def test_a_failed_image_is_pending_again_with_its_new_file() -> None:
    image = make_image(make_product())
    fail_embedding(image, "OSError: torn")
    ProductImage.objects.filter(pk=image.pk).update(file="another.jpg")
    row = embedding_of(image)
    assert (row.status, row.attempts, row.failure) == ("pending", 0, "")


def test_other_changes_of_an_image_keep_its_embedding() -> None:
    image = make_image(make_product())
    embed(image, 1)
    before = version(image)
    image.alt, image.position = "A red shirt", 3
    image.save()
    ProductImage.objects.filter(pk=image.pk).update(file=F("file"))
    assert (version(image), embedding_of(image).embedding) == (before, point(1))


@pytest.mark.parametrize(
    ("change", "column", "value"),
    [
        ({"gender": "Men"}, "gender", "Men"),
        ({"base_colour": "Blue"}, "base_colour", "Blue"),
        ({"listed": False}, "available", False),
        ({"stock": 0}, "available", False),
    ],
)
def test_the_columns_follow_the_product(change: dict[str, Any], column: str, value: Any) -> None:
    EmbeddingModel.objects.create(name="other", slot="green", state="filling")
    shirt, other = make_product(), make_product()
    images = [make_image(shirt), make_image(shirt), make_image(other)]
    embed(images[0], 1)
    Product.objects.filter(pk=shirt.pk).update(**change)
    for table in (BlueEmbedding, GreenEmbedding):
        found = table.objects.order_by("image").values_list(column, flat=True)
        assert list(found)[:2] == [value, value]
        assert list(found)[2] != value
    assert embedding_of(images[0]).embedding == point(1)


def test_the_category_follows_the_product() -> None:
    shirt = make_product()
    image = make_image(shirt)
    shirt.category = make_category("Footwear", "Heels")
    shirt.save()
    assert embedding_of(image).category_id == shirt.category_id


def test_the_last_piece_sold_and_returned_flips_the_availability() -> None:
    shirt = make_product(stock=1)
    image = make_image(shirt)
    Variant.objects.filter(product=shirt).update(stock=0)
    assert embedding_of(image).available is False
    Variant.objects.filter(product=shirt).update(stock=1)
    assert embedding_of(image).available is True


@pytest.mark.parametrize(
    "change",
    [{"price": Decimal("5.00")}, {"name": "New", "description": "Long", "brand": "Best"},
     {"stock": F("stock") - 1}],
)  # fmt: skip
def test_a_new_price_a_new_text_and_a_sale_do_not_update_the_row(change: dict[str, Any]) -> None:
    """An updated row would insert its vector into the index again."""
    shirt = make_product(stock=10)
    image = make_image(shirt)
    embed(image, 1)
    before = version(image)
    Product.objects.filter(pk=shirt.pk).update(**change)
    assert version(image) == before


def test_deleting_an_image_deletes_its_rows() -> None:
    EmbeddingModel.objects.create(name="other", slot="green", state="filling")
    shirt, other = make_product(), make_product()
    kept, gone = make_image(shirt), make_image(shirt)
    make_image(other)
    gone.delete()
    other.delete()
    assert (rows(), rows(GreenEmbedding)) == ([kept.pk], [kept.pk])


def test_an_image_that_moves_to_another_product_keeps_its_embedding() -> None:
    shirt, dress = make_product(gender="Men"), make_product(gender="Women", stock=0)
    image = make_image(shirt)
    embed(image, 1)
    ProductImage.objects.filter(pk=image.pk).update(product=dress)
    row = embedding_of(image)
    assert (row.product_id, row.gender, row.available) == (dress.pk, "Women", False)
    assert row.embedding == point(1)


def test_copies_of_a_replaced_image_form_a_group_of_the_first_of_them() -> None:
    product = make_product()
    first, second, third = (make_image(product) for _number in range(3))
    for image in (first, second, third):
        embed(image, 1, duplicate_group=first.pk)
    ProductImage.objects.filter(pk=first.pk).update(file="another.jpg")
    groups = [embedding_of(image).duplicate_group for image in (first, second, third)]
    assert groups == [None, second.pk, second.pk]
