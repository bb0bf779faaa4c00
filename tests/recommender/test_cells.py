from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.http import QueryDict
from django.utils import timezone
from recommender.nearest import cells

from recommender.models import Cell, EmbeddingModel, Placement
from recommender.search import candidates
from recommender.search import similar as five
from recommender.search.candidates import Way
from recommender.search.similar import similar_to_product
from shop.catalogue.browsing.filters import Filters
from shop.catalogue.models import Product, ProductImage, Variant
from tests.factories import make_category, make_image, make_lookalike, make_product, point

pytestmark = pytest.mark.django_db
DESCRIBED = "available", "gender", "base_colour", "category_id", "price"
OTHER = {"gender": "Men", "base_colour": "Blue", "price": Decimal("30.00")}


@pytest.fixture
def model() -> EmbeddingModel:
    return EmbeddingModel.objects.active()


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> list[Product]:
    """Sixty products, of each kind some; few enough pictures are many."""
    monkeypatch.setattr(cells, "SMALL", 10)
    dice = random.Random(5)
    shoes = make_category("Footwear", "Shoes", "Heels")
    made = []
    for number in range(60):
        kind: dict[str, Any] = OTHER if number % 2 else {"gender": "Women", "base_colour": "Red"}
        if number % 5 == 0:
            kind = {**kind, "category": shoes}
        at = [dice.uniform(-1, 1) for _value in range(3)]
        made.append(make_lookalike(*at, name=f"Number {number % 3}", **kind))
    return made


def placement(image: ProductImage) -> tuple[Any, ...]:
    return Placement.objects.values_list(*DESCRIBED).get(image=image, slot="blue")


def centres(model: EmbeddingModel) -> dict[int, list[float]]:
    kept = model.cells.filter(retired=None)
    return {cell.pk: list(cell.centre) for cell in kept}


def misplaced(model: EmbeddingModel) -> list[int]:
    """The pictures whose cell is not the one of the nearest centre."""
    known, wrong = centres(model), []
    images = {image.pk: image for image in ProductImage.objects.defer(None)}
    for placed in Placement.objects.filter(slot=model.slot):
        values = images[placed.image_id].embedding_blue[:256]

        def away(pk: int, values: list[float] = values) -> float:
            return sum((a - b) ** 2 for a, b in zip(known[pk], values, strict=True))

        nearest = min(map(away, known))
        if placed.cell_id not in known or away(placed.cell_id) > nearest + 1e-6:
            wrong.append(placed.image_id)
    return wrong


def test_a_vector_is_placed_with_what_filters_ask_of_its_product() -> None:
    product = make_product(**OTHER)
    image = make_image(product)
    assert not Placement.objects.exists()
    ProductImage.objects.filter(pk=image.pk).update(embedding_blue=point(1))
    assert placement(image) == (True, "Men", "Blue", product.category_id, Decimal("30.00"))
    ProductImage.objects.filter(pk=image.pk).update(embedding_green=point(1))
    assert set(Placement.objects.values_list("slot", flat=True)) == {"blue", "green"}
    ProductImage.objects.filter(pk=image.pk).update(embedding_blue=None)
    assert list(Placement.objects.values_list("slot", flat=True)) == ["green"]
    image.delete()
    assert not Placement.objects.exists()


def test_a_placement_follows_its_product() -> None:
    product = make_lookalike(1, **OTHER)
    image = product.images.get()
    shoes = make_category("Footwear", "Shoes", "Heels")
    Product.objects.filter(pk=product.pk).update(
        gender="Women", base_colour="Red", category=shoes, price=9
    )
    told = ("Women", "Red", shoes.pk, Decimal("9.00"))
    assert placement(image) == (True, *told)
    Variant.objects.filter(product=product).update(stock=0)
    assert placement(image) == (False, *told)
    Variant.objects.filter(product=product).update(stock=1)
    assert placement(image) == (True, *told)
    Product.objects.filter(pk=product.pk).update(listed=False)
    assert placement(image) == (False, *told)
    other = make_product(**OTHER)
    ProductImage.objects.filter(pk=image.pk).update(product=other)
    assert placement(image) == (True, "Men", "Blue", other.category_id, Decimal("30.00"))


def test_what_a_race_left_wrong_is_mended() -> None:
    right, wrong = make_lookalike(1), make_lookalike(0, 1)
    Placement.objects.filter(product=wrong).update(price=1, available=False)
    assert cells.mend() == 1
    for product in (right, wrong):
        told = (True, "", "", product.category_id, Decimal("20.00"))
        assert placement(product.images.get()) == told
    assert cells.mend() == 0


def test_few_pictures_are_not_divided(model: EmbeddingModel) -> None:
    make_lookalike(1)
    assert cells.divide(model) is False
    assert not Cell.objects.exists()


def test_every_vector_belongs_to_the_nearest_centre(
    many: list[Product], model: EmbeddingModel
) -> None:
    assert cells.divide(model) is False
    assert len(centres(model)) == 8  # about the square root of 60
    assert misplaced(model) == []
    new = make_lookalike(0.9, 0.1)
    assert Placement.objects.get(product=new).cell_id in centres(model)
    assert misplaced(model) == []


def test_k_means_finds_what_lies_together() -> None:
    points = np.array([[0, 0], [0, 1], [9, 9], [9, 8], [1, 0], [8, 9]], np.float32)
    found = cells.k_means(points, 2)
    assert found.tolist() == [[pytest.approx(1 / 3)] * 2, [pytest.approx(26 / 3)] * 2]
    assert cells.k_means(points, 9).tolist() == points.tolist()


def test_dividing_goes_on_where_it_stopped(
    many: list[Product], model: EmbeddingModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells, "BATCH", 25)
    assert cells.divide(model, seconds=0) is True
    assert Placement.objects.filter(cell=None).count() == 35
    first = set(centres(model))
    assert cells.divide(model) is False
    assert set(centres(model)) == first
    assert misplaced(model) == []


def test_a_catalogue_that_has_grown_is_divided_anew_and_found_meanwhile(
    many: list[Product], model: EmbeddingModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells.divide(model)
    old = set(centres(model))
    for number in range(80):
        make_lookalike(number / 50, 0.5, gender="Women")
    monkeypatch.setattr(cells, "BATCH", 25)
    women = Filters.from_query(QueryDict("gender=Women"))
    exactly = similar_to_product(many[0], women)
    monkeypatch.setattr(five, "decide", lambda *_any: Way.CELLS)
    assert cells.divide(model, seconds=0) is True
    assert similar_to_product(many[0], women) == exactly
    assert cells.divide(model) is False
    assert len(centres(model)) == 12
    assert misplaced(model) == []
    assert similar_to_product(many[0], women) == exactly
    # The old ones stay until nobody can be writing into them any more.
    retired = Cell.objects.exclude(retired=None)
    assert set(retired.values_list("pk", flat=True)) == old
    retired.update(retired=timezone.now() - timedelta(hours=2))
    cells.divide(model)
    assert not retired.exists()


@pytest.mark.parametrize(
    "query",
    [
        "gender=Women",
        "gender=Men&gender=Women",
        "colour=Blue",
        "type=footwear",
        "price_to=25",
        "price_from=25&price_to=35",
        "not_colour=Red",
        "not_type=footwear",
        "gender=Women&type=footwear&price_to=25",
        "colour=Olive",
    ],
)
@pytest.mark.parametrize("words", ["", "number"])
def test_the_cells_bring_what_comparing_all_brings(
    many: list[Product],
    model: EmbeddingModel,
    monkeypatch: pytest.MonkeyPatch,
    query: str,
    words: str,
) -> None:
    Variant.objects.filter(product__in=many[::7]).update(stock=0)
    cells.divide(model)
    filters = Filters.from_query(QueryDict(query))
    if words:
        filters = filters.with_words(words)
    exactly = [similar_to_product(product, filters) for product in many[:10]]
    assert any(exactly) == (query != "colour=Olive")
    monkeypatch.setattr(five, "decide", lambda *_any: Way.CELLS)
    assert [similar_to_product(product, filters) for product in many[:10]] == exactly


def test_a_model_that_takes_the_column_later_has_cells_of_its_own(
    many: list[Product], model: EmbeddingModel
) -> None:
    cells.divide(model)
    old = set(centres(model))
    ProductImage.objects.update(embedding_blue=None)
    model.state = EmbeddingModel.State.RETIRED
    model.save()
    new = EmbeddingModel.objects.create(name="new", slot="blue", state=EmbeddingModel.State.ACTIVE)
    for product in many:
        product.images.update(embedding_blue=point(1, product.pk % 17))
    assert Placement.objects.filter(cell=None).count() == 60
    with connection.cursor() as cursor:
        way = candidates.decide(cursor, new, {"excluded": 0}, Filters(colours=("Blue",)))
    assert way is Way.ONE_BY_ONE
    cells.divide(new)
    assert set(centres(new)).isdisjoint(old)
    assert misplaced(new) == []
