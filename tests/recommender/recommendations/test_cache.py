"""Test the cache of related products, outside of transactions, which disable it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext

from recommender import tasks
from recommender.embedding import worker
from recommender.embedding.rollout import repair
from recommender.models import EmbeddingModel
from shop.catalogue.merging import merge
from shop.catalogue.models import Product, ProductImage, Variant
from shop.imports.signals import catalogue_imported
from tests.factories import embed, make_image, make_lookalike, make_product, point

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def products() -> list[Product]:
    """Make a product and twelve others at increasing distances from it."""
    return [make_lookalike(1, step / 10) for step in range(13)]


def _page(product: Product) -> tuple[list[int], bool]:
    """Return the ids of the similar items on the page, and whether they were searched for."""
    with CaptureQueriesContext(connection) as queries:
        content = Client().get(product.get_absolute_url()).content.decode()
    shown = [int(pk) for pk in re.findall(r'data-product-id="(\d+)"', content)]
    return shown, any("<->" in query["sql"] for query in queries)


def _pks(products: list[Product]) -> list[int]:
    return [product.pk for product in products]


def test_the_second_request_is_served_from_the_cache(products: list[Product]) -> None:
    first, searched = _page(products[0])
    assert (first, searched) == (_pks(products[1:6]), True)
    assert _page(products[0]) == (first, False)
    assert _page(products[1])[1]
    with CaptureQueriesContext(connection) as queries:
        Client().get(products[0].get_absolute_url())
    assert len(queries) == 7


@pytest.mark.parametrize(
    "change",
    [
        lambda product: Product.objects.filter(pk=product.pk).update(listed=False),
        lambda product: Variant.objects.filter(product=product).update(stock=0),
    ],
    ids=["not listed", "sold out"],
)
@pytest.mark.parametrize("place", [1, 5])
def test_a_cached_product_that_cannot_be_bought_is_left_out(
    products: list[Product],
    change: Any,
    place: int,
) -> None:
    _page(products[0])
    change(products[place])
    left = _pks(products[1:place] + products[place + 1 : 6])
    assert _page(products[0]) == (left, False)


def test_deleting_a_product_invalidates_the_cache(products: list[Product]) -> None:
    _page(products[0])
    products[1].delete()
    assert _page(products[0]) == (_pks(products[2:7]), True)


def test_prices_and_names_are_not_cached(products: list[Product]) -> None:
    _page(products[0])
    Product.objects.filter(pk=products[1].pk).update(name="Renamed", price=99)
    content = Client().get(products[0].get_absolute_url()).content.decode()
    assert "Renamed" in content
    assert "€99.00" in content


def test_replacing_or_deleting_an_image_invalidates_the_cache(products: list[Product]) -> None:
    _page(products[0])
    image = ProductImage.objects.get(product=products[2])
    image.file = "new.jpg"
    image.save()
    assert _page(products[0])[0] == _pks([products[1], *products[3:7]])
    ProductImage.objects.get(product=products[1]).delete()
    assert _page(products[0])[0] == _pks(products[3:8])


def test_an_import_a_merge_and_saving_a_product_invalidate_the_cache(
    products: list[Product],
) -> None:
    first, second = products[1], products[2]

    def merge_two() -> None:
        merge(first.pk, [make_product(currency=first.currency).pk])

    for change in (lambda: catalogue_imported.send(sender=None), merge_two):
        _page(products[0])
        assert not _page(products[0])[1]
        change()
        assert _page(products[0])[1]
    second.gender = "Boys"
    second.save()
    assert _page(products[0])[1]


def test_a_new_embedding_invalidates_the_cache(
    products: list[Product], monkeypatch: pytest.MonkeyPatch
) -> None:
    new = make_product()
    image = make_image(new)
    _page(products[0])

    def work(model: EmbeddingModel, **_options: object) -> worker.Outcome:
        embed(image, 1, 0.1, 0.1)
        return worker.Outcome(embedded=1)

    monkeypatch.setattr(worker, "embed_pending", work)
    tasks.embed_pending_images()
    assert _page(products[0])[0] == _pks([products[1], new, *products[2:5]])


def test_activating_another_model_invalidates_the_cache(products: list[Product]) -> None:
    _page(products[0])
    other = EmbeddingModel.objects.create(name="other", slot="green", state="filling")
    repair()
    for place, product in enumerate(products):
        rows = other.embeddings.filter(product=product)
        at = point(1, -place % 13)
        rows.update(embedding=at, duplicate_group=F("image"), status="embedded")
    with transaction.atomic():
        EmbeddingModel.objects.filter(state="active").update(state="previous")
        other.state = EmbeddingModel.State.ACTIVE
        other.save(update_fields=["state"])
    assert _page(products[0])[0] == _pks(products[:7:-1])


def test_fewer_than_five_products_are_not_cached(products: list[Product]) -> None:
    for product in products[1:10]:
        product.delete()
    assert _page(products[0]) == (_pks(products[10:]), True)
    new = make_lookalike(1, 0.1)
    assert _page(products[0]) == (_pks([new, *products[10:]]), True)


def test_within_a_transaction_nothing_is_cached(products: list[Product]) -> None:
    with transaction.atomic():
        assert _page(products[0])[1]
        assert _page(products[0])[1]
    assert _page(products[0])[1]


def test_with_a_replica_nothing_is_cached(
    products: list[Product], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.recommendations.cache.configured", lambda: True)
    assert _page(products[0])[1]
    assert _page(products[0])[1]


def test_without_redis_the_page_is_the_same(redis_away: None, products: list[Product]) -> None:
    assert _page(products[0]) == (_pks(products[1:6]), True)
    assert _page(products[0]) == (_pks(products[1:6]), True)
    ProductImage.objects.get(product=products[1]).save()
    assert _page(products[0]) == (_pks(products[1:6]), True)
