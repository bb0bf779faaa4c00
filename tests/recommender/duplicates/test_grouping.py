from __future__ import annotations

import pytest

from recommender import tasks
from recommender.duplicates.grouping import Group, find_copies, groups, tell_apart
from recommender.duplicates.grouping import grouping as duplicates
from recommender.models import (
    ComparedPicture,
    EmbeddingModel,
    Event,
    NotTheSame,
    PicturePair,
)
from shop.catalogue.merging import merge
from shop.catalogue.models import Product, ProductImage
from tests.factories import make_image, make_lookalike, make_product, point

pytestmark = pytest.mark.django_db


def pairs() -> list[tuple[int, int]]:
    rows = PicturePair.objects.order_by("one", "other")
    return list(rows.values_list("one__product", "other__product"))


def found() -> list[list[int]]:
    return [group.products for group in groups()]


def pks(*products: Product) -> list[int]:
    return [product.pk for product in products]


def test_two_pictures_nearer_than_the_threshold_are_a_group() -> None:
    one, copy = make_lookalike(1, 0), make_lookalike(1, 0.049)
    make_lookalike(1, 0, 0.051)
    assert find_copies() is False
    assert groups() == [Group(pks(one, copy), pytest.approx(0.049, abs=1e-4), is_chain=False)]


def test_a_chain_is_one_group_and_says_so() -> None:
    chain = [make_lookalike(1, 0.04 * step) for step in range(3)]
    find_copies()
    assert [(group.products, group.is_chain) for group in groups()] == [(pks(*chain), True)]


def test_the_nearest_group_comes_first() -> None:
    far = make_lookalike(1, 0), make_lookalike(1, 0.03)
    near = make_lookalike(0, 1), make_lookalike(0.01, 1)
    find_copies()
    assert found() == [pks(*near), pks(*far)]


def test_two_pictures_of_one_product_are_no_group() -> None:
    product = make_lookalike(1, 0)
    make_image(product, embedding_blue=point(1))
    find_copies()
    assert pairs() == []


def test_products_with_several_common_pictures_are_one_pair_at_their_nearest() -> None:
    one, other = make_lookalike(1, 0), make_lookalike(1, 0.04)
    for product in (one, other):
        make_image(product, embedding_blue=point(0, 1))
    find_copies()
    assert groups() == [Group(pks(one, other), 0.0, is_chain=False)]


def test_what_was_compared_is_not_compared_again(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = make_lookalike(1, 0), make_lookalike(0, 1)
    find_copies()
    asked: list[list[int]] = []
    real = duplicates.copies_of
    monkeypatch.setattr(
        duplicates, "copies_of", lambda model, ids: asked.append(sorted(ids)) or real(model, ids)
    )
    find_copies()
    assert asked == []
    copy = make_lookalike(1, 0)
    find_copies()
    assert asked == [pks(copy.images.get())]  # type: ignore[arg-type]
    assert pairs() == [(one.pk, copy.pk)]
    assert other.pk not in found()[0]


def test_many_batches_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "BATCH", 1)
    one, two, three = (make_lookalike(1, 0.01 * step) for step in range(3))
    find_copies()
    assert pairs() == [(one.pk, two.pk), (one.pk, three.pk), (two.pk, three.pk)]
    assert ComparedPicture.objects.count() == 3


def test_a_replaced_picture_loses_its_pairs_at_once_and_finds_new_ones() -> None:
    one, copy, other = make_lookalike(1, 0), make_lookalike(1, 0), make_lookalike(0, 1)
    find_copies()
    image = ProductImage.objects.filter(product=copy)
    image.update(file="new.jpg", embedding_blue=None)
    assert found() == []
    image.update(embedding_blue=point(0, 1))
    find_copies()
    assert found() == [pks(copy, other)]
    assert one.pk not in found()[0]


def test_a_deleted_picture_takes_its_pairs_along() -> None:
    make_lookalike(1, 0)
    make_lookalike(1, 0).images.get().delete()
    find_copies()
    assert pairs() == []


def test_another_model_begins_anew() -> None:
    one, copy, other = (make_lookalike(1, 0), make_lookalike(1, 0), make_lookalike(0, 1))
    find_copies()
    EmbeddingModel.objects.filter(state="active").update(state="previous")
    EmbeddingModel.objects.create(name="imagenet", slot="green", state="active")
    for product, at in ((one, point(1)), (copy, point(0, 1)), (other, point(1))):
        product.images.update(embedding_green=at)
    find_copies()
    assert found() == [pks(one, other)]


def test_what_is_unlisted_or_told_apart_is_not_shown() -> None:
    one, two, three = (make_lookalike(1, 0) for _n in range(3))
    find_copies()
    Product.objects.filter(pk=three.pk).update(listed=False)
    assert found() == [pks(one, two)]
    assert [group.products for group in groups(hidden=True)] == [pks(one, two, three)]
    tell_apart([two.pk], pks(one, two, three), None)
    assert found() == []
    PicturePair.objects.all().delete()
    ComparedPicture.objects.all().delete()
    find_copies()
    assert found() == []
    assert [group.products for group in groups(hidden=True)] == [pks(one, three)]


def test_a_new_copy_of_what_was_told_apart_is_shown() -> None:
    one, two = make_lookalike(1, 0), make_lookalike(1, 0)
    find_copies()
    tell_apart(pks(one, two), pks(one, two), None)
    three = make_lookalike(1, 0.04)
    product = make_lookalike(1, -0.04)
    find_copies()
    assert found() == [pks(one, two, three, product)]


def test_a_merge_ends_the_group_and_keeps_what_was_told_apart() -> None:
    one, two, three = (make_lookalike(1, 0) for _n in range(3))
    find_copies()
    tell_apart([three.pk], pks(one, two, three), None)
    Event.objects.create(block="product", kind="viewed", product=two)
    merge(one.pk, [two.pk])
    assert found() == []
    told = NotTheSame.objects.values_list("one", "other")
    assert list(told) == [(one.pk, three.pk)]
    assert Event.objects.get().product == one
    find_copies()
    assert found() == []


def test_the_task_goes_on_until_all_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    make_lookalike(1, 0)
    make_lookalike(1, 0)
    monkeypatch.setattr(tasks, "TURN_SECONDS", 0)
    rung: list[str] = []
    monkeypatch.setattr(tasks, "send", lambda _name, begun: rung.append(begun))
    tasks.find_copies()
    assert (len(rung), pairs()) == (1, [])
    monkeypatch.setattr(tasks, "TURN_SECONDS", 60)
    tasks.find_copies(rung[0])
    assert (len(rung), len(pairs())) == (1, 1)


def test_a_product_without_a_picture_is_in_no_group() -> None:
    make_product()
    find_copies()
    assert groups() == []
    assert groups(hidden=True) == []
