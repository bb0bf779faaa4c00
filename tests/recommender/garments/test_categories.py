from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction
from django.test import Client

from recommender.garments import categories
from recommender.garments.categories import categories_of, discreet_ids, fill_garments, garments_of
from recommender.garments.classifier import article_types, garments
from recommender.garments.names import NAMES
from recommender.models import CategoryGarment
from tests.factories import make_category, make_product, make_stored_image
from tests.locks import wait_until_a_lock_blocks

pytestmark = pytest.mark.django_db


def _classifier(**probabilities: float) -> Any:
    """Return a classifier with the same result for every image."""
    row = np.array([probabilities.get(name, 0.0) for name in garments()], np.float32)
    return lambda images: np.tile(row, (len(images), 1))


def _fill_by(monkeypatch: pytest.MonkeyPatch, **probabilities: float) -> int:
    monkeypatch.setattr(categories, "classify_garments", _classifier(**probabilities))
    return fill_garments()


def test_every_garment_has_a_translatable_name() -> None:
    assert set(NAMES) == set(garments())


def test_a_category_named_like_an_article_type_is_not_classified(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    product = make_product(category=make_category("Apparel", "Dress", "Dresses"))
    assert _fill_by(monkeypatch, Shoes=1.0) == 1
    assert garments_of(product.category) == {"Dresses"}
    assert fill_garments() == 0


def test_a_category_in_any_language_is_classified_by_its_images(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    product = make_product(category=make_category("Mode", "Kleider"))
    make_stored_image(product)
    assert _fill_by(monkeypatch, Dresses=0.7, Skirts=0.26, Tops=0.04) == 1
    assert garments_of(product.category) == {"Dresses", "Skirts"}
    assert categories_of(["Skirts"]) == (product.category_id,)
    assert categories_of(["Tops"]) == ()


def test_a_category_is_classified_again_when_it_has_more_images(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    product = make_product(category=make_category("Mode", "Kleider"))
    make_stored_image(product)
    _fill_by(monkeypatch, Dresses=1.0)
    assert _fill_by(monkeypatch, Skirts=1.0) == 0
    make_stored_image(product, colour="red")
    assert _fill_by(monkeypatch, Skirts=1.0) == 1
    assert garments_of(product.category) == {"Skirts"}


def test_corrections_of_staff_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    product = make_product(category=make_category("Mode", "Kleider"))
    make_stored_image(product)
    CategoryGarment.objects.create(
        category=product.category, garment="Tops", share=1, corrected=True
    )
    assert _fill_by(monkeypatch, Dresses=1.0) == 0
    assert garments_of(product.category) == {"Tops"}


@pytest.mark.parametrize("added", [True, False])
def test_a_correction_made_during_the_classification_is_kept(
    added: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    category = make_category("Mode", "Kleider")
    make_stored_image(make_product(category=category))
    if not added:
        CategoryGarment.objects.create(category=category, garment="Tops", share=0.1)

    def classify(images: Any) -> Any:
        CategoryGarment.objects.update_or_create(
            category=category, garment="Tops", defaults={"share": 1, "corrected": True}
        )
        return _classifier(Dresses=1.0)(images)

    monkeypatch.setattr(categories, "classify_garments", classify)
    assert fill_garments() == 0
    assert garments_of(category) == {"Tops"}


@pytest.mark.django_db(transaction=True)
def test_a_correction_that_is_being_saved_is_kept(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    category = make_category("Mode", "Kleider")
    make_stored_image(make_product(category=category))
    monkeypatch.setattr(categories, "classify_garments", _classifier(Dresses=1.0))

    def fill() -> int:
        try:
            return fill_garments()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        with transaction.atomic():
            form = {"category": category.pk, "garment": "Tops", "share": "1"}
            admin_client.post("/admin/recommender/categorygarment/add/", form)
            filled = thread.submit(fill)
            wait_until_a_lock_blocks()
        assert filled.result() == 0
    assert garments_of(category) == {"Tops"}


def test_without_a_classifier_nothing_is_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    make_stored_image(make_product(category=make_category("Mode", "Kleider")))
    monkeypatch.setattr(categories, "classify_garments", lambda images: None)
    assert fill_garments() == 0
    assert not CategoryGarment.objects.exists()


def test_an_unreadable_image_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    product = make_product(category=make_category("Mode", "Kleider"))
    product.images.create(file="missing.jpg", width=1, height=1)
    make_stored_image(product)
    assert _fill_by(monkeypatch, Dresses=1.0) == 1


def test_underwear_is_discreet_until_staff_decide_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bras = make_product(category=make_category("Innerwear", "Bra"))
    make_product(category=make_category("Apparel", "Shirts"))
    _fill_by(monkeypatch)
    assert discreet_ids() == [bras.category_id]
    categories.DiscreetCategory.objects.all().delete()
    _fill_by(monkeypatch)
    assert discreet_ids() == []


def test_a_search_for_long_sleeved_tops_includes_sweaters() -> None:
    sweaters = make_category("Apparel", "Topwear", "Sweaters")
    CategoryGarment.objects.create(category=sweaters, garment="Sweaters", share=1)
    assert article_types()["Sweaters"] == "Sweaters"
    assert categories_of(["Long-sleeved tops"]) == (sweaters.pk,)
