"""Return what product pages and photo search show.

Only this module of the evaluation calls the code of the pages. When the search changes, the other
modules need not change, and figures remain comparable.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from recommender.evaluation.datasets import Dataset
from recommender.models import EmbeddingModel
from recommender.photo_search.answers import answer_photo
from recommender.photo_search.photos import embed_photo, store_photo
from recommender.recommendations.rows import product_rows
from shop.catalogue.browsing.filters import Filters
from shop.catalogue.models import Product


@dataclass(frozen=True)
class ShopProducts:
    """Maps the rows of a dataset to the primary keys of the shop's listed products and back."""

    pk_of: dict[int, int]
    row_of: dict[int, int]
    in_stock: NDArray[np.bool_]

    def rows(self, product_ids: Iterable[int]) -> list[int]:
        """Return the rows of products, leaving out products added after the dataset was read."""
        return [self.row_of[pk] for pk in product_ids if pk in self.row_of]


def match_products(dataset: Dataset) -> ShopProducts:
    """Find the dataset's products in the shop by external id, or by slug if they have none."""
    row_of_id = {picture.id: row for row, picture in enumerate(dataset.pictures)}
    in_stock = np.zeros(len(row_of_id), bool)
    pk_of = {}
    for pk, external_id, slug, stock in Product.objects.listed().values_list(
        "pk", "external_id", "slug", "stock"
    ):
        row = row_of_id.get(external_id or slug)
        if row is not None:
            pk_of[row], in_stock[row] = pk, stock > 0
    return ShopProducts(pk_of, {pk: row for row, pk in pk_of.items()}, in_stock)


def active_network() -> str:
    """Return the name of the network whose embeddings the pages search."""
    return EmbeddingModel.objects.active().name


def similar_strip(product_id: int) -> list[int]:
    """Return the ids of the similar items on a product's page, in order.

    Runs in a transaction, in which the page's code uses neither its cache nor a replica.
    """
    with transaction.atomic():
        product = Product.objects.select_related("category").get(pk=product_id)
        similar, *_other_rows = product_rows(product)
    return [each.pk for each in similar.products]


def photo_results(content: bytes) -> list[int]:
    """Return the ids of the products on the results page of a photo, which may be none.

    Rolls back all changes to the database. Raises ``PictureError``.
    """
    with transaction.atomic():
        photo = store_photo(content)
        embed_photo(photo.pk)
        photo.refresh_from_db()
        products = answer_photo(photo, Filters()).products
        transaction.set_rollback(True)
    return [product.pk for product in products]
