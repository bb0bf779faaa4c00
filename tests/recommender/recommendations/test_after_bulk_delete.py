"""Search a table most of whose rows were deleted, but are still in its index and statistics."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import F

from recommender.models import BlueEmbedding
from recommender.recommendations.personalised import personalised
from recommender.search.similar import similar_to_product
from shop.catalogue.models import Product, ProductImage
from tests.factories import make_category, make_lookalike, point

pytestmark = pytest.mark.django_db


def test_every_neighbour_is_found_after_most_rows_were_deleted() -> None:
    category = make_category()
    gone = Product.objects.bulk_create(
        Product(name=f"P{n}", slug=f"p-{n}", category=category, price=1, stock=1)
        for n in range(1500)
    )
    ProductImage.objects.bulk_create(
        ProductImage(product=product, file=f"{n}.jpg", width=1, height=1)
        for n, product in enumerate(gone)
    )
    values = {"embedding": point(1, 0.1), "duplicate_group": F("image"), "status": "embedded"}
    BlueEmbedding.objects.update(**values)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE catalogue_product, recommender_embedding_blue")
    ProductImage.objects.all().delete()
    Product.objects.all().delete()
    product, *others = (make_lookalike(1, step / 10) for step in range(8))
    found = personalised(viewed=[product.pk])
    assert sorted(one.product_id for one in found) == [other.pk for other in others]
    assert similar_to_product(product) == others[:5]
