"""Group images whose files are equal, and products that share such images.

Rules by perceptual hash and colour were measured as well: a third of the pairs that they joined
were of different article types or colours (``docs/quality/duplicates.md``).
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import F, Q

from recommender.models import DuplicateDismissal, EmbeddingModel, Event
from shop.catalogue.models import ProductImage

# The id of an image's group is that of the first image with the same file. Images of products that
# staff declared not to be duplicates of this image's product are not considered.
GROUP = """
UPDATE {table} AS embedded SET duplicate_group = first.id
FROM catalogue_productimage AS image CROSS JOIN LATERAL (
    SELECT min(same.id) AS id FROM catalogue_productimage AS same
    WHERE same.file = image.file AND NOT EXISTS (
        SELECT FROM recommender_notthesame AS pair
        WHERE pair.one_id = least(same.product_id, image.product_id)
            AND pair.other_id = greatest(same.product_id, image.product_id))) AS first
WHERE image.file IN (SELECT file FROM catalogue_productimage WHERE id = ANY(%s))
    AND embedded.image_id = image.id
    AND embedded.embedding IS NOT NULL AND embedded.duplicate_group <> first.id
"""


def group_copies(model: EmbeddingModel, image_ids: Collection[int]) -> int:
    """Group the images with other embedded images of the same file; return how many rows changed.

    Products that staff declared not to be duplicates of each other are not grouped.
    """
    with connection.cursor() as cursor:
        cursor.execute(GROUP.format(table=model.table), [list(image_ids)])
        return int(cursor.rowcount)


@dataclass(frozen=True)
class Group:
    """Holds the ids of products that share copies of an image, in ascending order."""

    products: tuple[int, ...]


def duplicate_groups(*, hidden: bool = False) -> list[Group]:
    """Return the groups of products with copies of one image, the newest first.

    By default, unlisted products are left out. With ``hidden``, only groups that have an unlisted
    product are returned, with all their products.
    """
    embeddings = EmbeddingModel.objects.active().embeddings
    copies = embeddings.exclude(duplicate_group=F("image")).exclude(duplicate_group=None)
    firsts = copies.values_list("duplicate_group", flat=True)
    rows = embeddings.filter(duplicate_group__in=set(firsts), product__merged_into=None)
    found: dict[Any, dict[int, bool]] = defaultdict(dict)
    for group, product, listed in rows.values_list("duplicate_group", "product", "product__listed"):
        found[group][product] = listed
    groups = {
        tuple(sorted(pk for pk, listed in products.items() if hidden or listed))
        for products in found.values()
        if not hidden or not all(products.values())
    }
    return [Group(products) for products in sorted(groups, reverse=True) if len(products) > 1]


def dismiss(chosen: Iterable[int], group: Iterable[int], by: Any) -> int:
    """Record that no chosen product is a duplicate of another product of the group."""
    chosen = set(chosen)
    pairs = {_in_order(*pair) for pair in itertools.product(chosen, group) if len({*pair}) == 2}
    rows = [DuplicateDismissal(one_id=one, other_id=other, by=by) for one, other in sorted(pairs)]
    count = len(DuplicateDismissal.objects.bulk_create(rows, ignore_conflicts=True))
    images = ProductImage.objects.filter(product__in=chosen).values_list("pk", flat=True)
    for model in EmbeddingModel.objects.in_use():
        group_copies(model, list(images))
    return count


def _in_order(one: int, other: int) -> tuple[int, int]:
    return min(one, other), max(one, other)


def on_products_merged(survivor: int, others: list[int], **kwargs: Any) -> list[str]:
    """Move dismissals and page views to the product that others were merged into.

    Affinities are not moved, because they are recomputed every night.
    """
    Event.objects.filter(product__in=others).update(product=survivor)
    moved = DuplicateDismissal.objects.filter(Q(one__in=others) | Q(other__in=others))
    rows = []
    for row in moved:
        one, other = (survivor if pk in others else pk for pk in (row.one_id, row.other_id))
        if one != other:
            low, high = _in_order(one, other)
            rows.append(DuplicateDismissal(one_id=low, other_id=high, by_id=row.by_id))
    moved.delete()
    DuplicateDismissal.objects.bulk_create(rows, ignore_conflicts=True)
    return []
