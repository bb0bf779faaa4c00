from __future__ import annotations

import pytest

from recommender.duplicates.grouping import dismiss, duplicate_groups, group_copies
from recommender.embedding.worker import Outcome, embed_pending
from recommender.models import DuplicateDismissal, EmbeddingModel, Event
from shop.catalogue.merging import merge
from shop.catalogue.models import Product, ProductImage
from tests.factories import (
    embed,
    embedding_of,
    make_image,
    make_product,
    make_stored_image,
)

pytestmark = pytest.mark.django_db


def make_embedded(file: str = "same.jpg") -> Product:
    """Make a product with an image of the file, embedded and grouped as by a worker."""
    product = make_product()
    add_embedded_image(product, file)
    return product


def add_embedded_image(product: Product, file: str = "same.jpg") -> None:
    image = make_image(product, file=file)
    embed(image, 1)
    group_copies(EmbeddingModel.objects.active(), [image.pk])


def found(**options: bool) -> list[tuple[int, ...]]:
    return [group.products for group in duplicate_groups(**options)]


def pks(*products: Product) -> tuple[int, ...]:
    return tuple(product.pk for product in products)


def group_of(product: Product) -> int | None:
    return embedding_of(product.images.get()).duplicate_group


def test_images_of_equal_files_are_grouped_by_the_first() -> None:
    one, copy, other = make_embedded(), make_embedded(), make_embedded("other.jpg")
    first = one.images.get().pk
    assert (group_of(one), group_of(copy)) == (first, first)
    assert group_of(other) == other.images.get().pk
    assert found() == [pks(one, copy)]


def test_the_order_of_embedding_does_not_matter() -> None:
    products = [make_product() for _number in range(3)]
    images = [make_image(product, file="same.jpg") for product in products]
    for image in reversed(images):
        embed(image, 1)
        group_copies(EmbeddingModel.objects.active(), [image.pk])
    assert found() == [pks(*products)]


def test_no_images_change_no_groups() -> None:
    make_embedded()
    assert group_copies(EmbeddingModel.objects.active(), []) == 0


def test_the_newest_group_comes_first() -> None:
    old = make_embedded(), make_embedded()
    new = make_embedded("new.jpg"), make_embedded("new.jpg")
    assert found() == [pks(*new), pks(*old)]


def test_two_images_of_one_product_are_no_group() -> None:
    product = make_embedded()
    add_embedded_image(product)
    assert found() == []


def test_products_with_several_common_images_are_one_group() -> None:
    one, other = make_embedded(), make_embedded()
    for product in (one, other):
        add_embedded_image(product, "new.jpg")
    assert found() == [pks(one, other)]


@pytest.mark.django_db(transaction=True)
def test_equal_files_are_grouped_by_the_worker_that_embeds_them() -> None:
    image = make_stored_image(make_product(), "navy")
    model = EmbeddingModel.objects.active()
    assert embed_pending(model) == Outcome(embedded=1)
    others = [make_image(make_product(), file=image.file) for _number in range(2)]
    make_stored_image(make_product(), "red")
    assert embed_pending(model) == Outcome(embedded=3)
    assert found() == [pks(image.product, *(other.product for other in others))]


def test_an_image_with_a_replaced_file_changes_its_group() -> None:
    one, copy, other = make_embedded(), make_embedded(), make_embedded("new.jpg")
    image = copy.images.get()
    ProductImage.objects.filter(pk=image.pk).update(file="new.jpg")
    assert (found(), group_of(copy)) == ([], None)
    embed(image, 1)
    group_copies(EmbeddingModel.objects.active(), [image.pk])
    assert found() == [pks(copy, other)]
    assert group_of(one) == one.images.get().pk


def test_a_new_copy_joins_the_group_after_its_first_image_is_gone() -> None:
    first, second, third = make_embedded(), make_embedded(), make_embedded()
    ProductImage.objects.filter(product=first).update(file="new.jpg")
    assert found() == [pks(second, third)]
    second.images.get().delete()
    assert found() == []
    fourth = make_embedded()
    assert found() == [pks(third, fourth)]


def test_each_model_has_its_own_groups() -> None:
    one, copy = make_embedded(), make_embedded()
    EmbeddingModel.objects.filter(state="active").update(state="previous")
    EmbeddingModel.objects.create(name="imagenet", slot="green", state="active")
    assert found() == []
    other, other_copy = make_embedded(), make_embedded()
    assert found() == [pks(other, other_copy)]
    EmbeddingModel.objects.filter(slot="green").delete()
    EmbeddingModel.objects.update(state="active")
    assert found() == [pks(one, copy)]


def test_groups_with_unlisted_products_are_returned_as_hidden() -> None:
    one, two, three = make_embedded(), make_embedded(), make_embedded()
    assert found(hidden=True) == []
    Product.objects.filter(pk=three.pk).update(listed=False)
    assert found() == [pks(one, two)]
    assert found(hidden=True) == [pks(one, two, three)]


def test_a_dismissed_product_leaves_its_group_for_good() -> None:
    one, two, three = make_embedded(), make_embedded(), make_embedded()
    assert dismiss([two.pk], pks(one, two, three), None) == 2
    assert found() == [pks(one, three)]
    group_copies(EmbeddingModel.objects.active(), [two.images.get().pk])
    assert found() == [pks(one, three)]
    dismiss([two.pk], pks(one, two, three), None)
    assert DuplicateDismissal.objects.count() == 2


def test_the_others_remain_a_group_when_the_first_is_dismissed() -> None:
    one, two, three = make_embedded(), make_embedded(), make_embedded()
    dismiss([one.pk], pks(one, two, three), None)
    assert found() == [pks(two, three)]
    assert group_of(one) == one.images.get().pk


def test_dismissed_products_are_not_joined_by_a_copy_of_both() -> None:
    one, two = make_embedded(), make_embedded()
    dismiss(pks(one, two), pks(one, two), None)
    assert found() == []
    three = make_embedded()
    assert found() == [pks(one, three)]
    add_embedded_image(two)
    assert found() == [pks(one, three)]


def test_a_merge_ends_the_group_and_keeps_dismissals() -> None:
    one, two, three = make_embedded(), make_embedded(), make_embedded()
    dismiss([three.pk], pks(one, two, three), None)
    Event.objects.create(block="product", kind="viewed", product=two)
    merge(one.pk, [two.pk])
    assert found() == []
    assert list(DuplicateDismissal.objects.values_list("one", "other")) == [(one.pk, three.pk)]
    assert Event.objects.get().product == one
    for image in one.images.all():
        group_copies(EmbeddingModel.objects.active(), [image.pk])
    assert found() == []


def test_a_product_without_an_image_is_in_no_group() -> None:
    make_product()
    make_image(make_product())
    assert found() == []
    assert found(hidden=True) == []
