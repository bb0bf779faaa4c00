"""Simulate shoppers on a small catalogue, as bench/personalised.py does on a large one."""

from __future__ import annotations

import numpy as np
import pytest
from django.db import connection

from recommender.evaluation import simulation
from recommender.evaluation.simulation import (
    Catalogue,
    by_popularity,
    measure,
    near_mean,
    near_mean_popular,
    populate,
    record_visits,
)
from recommender.models import EmbeddingModel, Event, Popularity
from recommender.recommendations.personalised import personalised
from shop.catalogue.models import Product, ProductImage
from tests.factories import embed, make_category

pytestmark = pytest.mark.slow

CLUSTERS, EACH, VALUES = 60, 25, 8


@pytest.fixture
def catalogue(db: None, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    """Make 1,500 products whose embeddings are around 60 points on a sphere of 8 dimensions."""
    monkeypatch.setattr(simulation, "NEIGHBOURS", EACH)
    rng = np.random.default_rng(1)
    centres = np.repeat(rng.normal(size=(CLUSTERS, VALUES)), EACH, axis=0)
    vectors = centres + 0.35 * rng.normal(size=centres.shape)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    category = make_category()
    products = Product.objects.bulk_create(
        Product(name=f"P{n}", slug=f"p-{n}", category=category, price=1, stock=1)
        for n in range(len(vectors))
    )
    images = ProductImage.objects.bulk_create(
        ProductImage(product=product, file=f"{n}.jpg", width=1, height=1)
        for n, product in enumerate(products)
    )
    for image, vector in zip(images, vectors.tolist(), strict=True):
        embed(image, *vector)
    EmbeddingModel.objects.update(spread=0.025)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return Catalogue(
        np.array([product.pk for product in products]),
        vectors.astype(np.float32),
        np.array([f"Men {n // EACH % 8}" for n in range(len(vectors))]),
        np.array(["Red" if n % 3 else "Blue" for n in range(len(vectors))]),
    )


def test_several_vectors_beat_popularity_and_the_mean_vector(catalogue: Catalogue) -> None:
    people = populate(catalogue, "looks", seed=5, shoppers=600)
    record_visits(catalogue, people.shoppers[:200])
    tested = people.shoppers[200:]
    popular = measure(catalogue, tested, by_popularity(catalogue, people.popularity, 10))
    mean = measure(catalogue, tested, lambda history: near_mean(history, 10))
    shop = measure(
        catalogue, tested, lambda history: [one.product_id for one in personalised(viewed=history)]
    )
    assert shop["hit_rate"] >= 2 * popular["hit_rate"] > 0
    assert shop["hit_rate"] >= 1.2 * mean["hit_rate"] > 0
    weighed = measure(catalogue, tested, lambda history: near_mean_popular(history, 10))
    assert shop["hit_rate"] > weighed["hit_rate"] > mean["hit_rate"]
    assert shop["diversity"] >= mean["diversity"]


@pytest.mark.parametrize("scenario", list(simulation.SCENARIOS))
def test_a_seed_makes_the_same_shoppers_again_and_another_makes_others(
    catalogue: Catalogue, scenario: str
) -> None:
    one, again, other = (populate(catalogue, scenario, seed=s, shoppers=20) for s in (1, 1, 2))
    assert one.shoppers == again.shoppers
    assert one.shoppers != other.shoppers
    for shopper in one.shoppers:
        assert len(shopper.history) == len(set(shopper.history)) == 12
        assert shopper.held_out not in shopper.history


def test_popularity_is_skewed_and_sums_to_one(catalogue: Catalogue) -> None:
    weights = np.sort(populate(catalogue, "looks", seed=1, shoppers=1).popularity)[::-1]
    assert weights.sum() == pytest.approx(1)
    assert weights[0] / weights[99] == pytest.approx(100**0.8)


def test_hit_rate_and_diversity_of_a_known_list(catalogue: Catalogue) -> None:
    shoppers = populate(catalogue, "looks", seed=1, shoppers=4).shoppers
    right = {
        tuple(int(catalogue.ids[i]) for i in s.history): int(catalogue.ids[s.held_out])
        for s in shoppers
    }
    found = measure(catalogue, shoppers, lambda history: [right[tuple(history)]])
    assert found == {"hit_rate": 1.0, "diversity": 0.0}
    two = [int(pk) for pk in catalogue.ids[:2]]
    expected = float(np.linalg.norm(catalogue.vectors[0] - catalogue.vectors[1]))
    wrong = measure(catalogue, shoppers[:1], lambda history: two)
    assert wrong["diversity"] == pytest.approx(expected, abs=1e-4)


def test_visits_are_recorded_as_the_pages_record_them(catalogue: Catalogue) -> None:
    shoppers = populate(catalogue, "labels", seed=1, shoppers=3).shoppers
    record_visits(catalogue, shoppers)
    assert Event.objects.filter(kind="viewed", block="product").count() == 36
    assert sum(Popularity.objects.values_list("baskets", flat=True)) == 36
