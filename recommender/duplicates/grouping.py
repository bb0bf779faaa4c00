"""Group images that are copies of each other, and products whose images are.

A copy has nearly the same perceptual hash and the same colour. Each group has a first image, of
which every other is a copy, so that no chain of small differences joins what differs.
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

# Bits of 64 in which the hashes of copies differ, and the difference of their colours (ΔE):
# ``docs/quality/duplicates.md`` has the figures.
MAX_HASH_DISTANCE = 8
MAX_COLOUR_DISTANCE = 3.0
# The index finds what looks alike; hashes decide which of it is a copy.
COPIES = """
SELECT new.image_id, new.product_id, near.image_id, near.product_id
FROM {table} AS new CROSS JOIN LATERAL (
    SELECT image_id, product_id, picture_hash, colour, duplicate_group FROM {table}
    WHERE embedding IS NOT NULL ORDER BY embedding <-> new.embedding LIMIT 20) AS near
WHERE new.image_id = ANY(%(ids)s) AND new.embedding IS NOT NULL
    AND near.image_id <> new.image_id AND near.duplicate_group = near.image_id
    AND bit_count((near.picture_hash # new.picture_hash)::bit(64)) <= %(hash)s
    AND near.colour <-> new.colour <= %(colour)s
ORDER BY new.image_id, near.image_id
"""


def group_copies(model: EmbeddingModel, image_ids: Collection[int]) -> int:
    """Put images that were just embedded into the groups that they belong to.

    Returns how many of them are copies. Products that staff say are two are not grouped.
    """
    if not image_ids:
        return 0
    ids = list(image_ids)
    values: dict[str, Any] = {"ids": ids, "hash": MAX_HASH_DISTANCE, "colour": MAX_COLOUR_DISTANCE}
    with connection.cursor() as cursor:
        cursor.execute(COPIES.format(table=model.table), values)
        found = cursor.fetchall()
    dismissed = _dismissed(product for _image, product, *_near in found)
    groups: dict[int, int] = {}
    for image, product, first, first_product in found:
        # Of two images of one batch the older one leads, and what is a copy leads nothing.
        if image in groups or first in groups or (first in ids and first > image):
            continue
        if image in groups.values():
            continue
        products = {first_product, *_products_of_copies(model, first)}
        if not dismissed[product] & products:
            groups[image] = first
            model.embeddings.filter(image=image).update(duplicate_group=first)
    return len(groups)


def _products_of_copies(model: EmbeddingModel, first: int) -> set[int]:
    copies = model.embeddings.filter(duplicate_group=first).exclude(duplicate_group=F("image"))
    return set(copies.values_list("product", flat=True))


def _dismissed(products: Iterable[int]) -> dict[int, set[int]]:
    """Return, by product, the products that it is told apart from."""
    ids, others = set(products), defaultdict[int, set[int]](set)
    rows = DuplicateDismissal.objects.filter(Q(one__in=ids) | Q(other__in=ids))
    for one, other in rows.values_list("one", "other"):
        others[one].add(other)
        others[other].add(one)
    return others


@dataclass(frozen=True)
class Group:
    """Holds the ids of products that share copies of an image, in their order."""

    products: tuple[int, ...]


def duplicate_groups(*, hidden: bool = False) -> list[Group]:
    """Return the groups of products with copies of one image, the newest first.

    Of listed products; or, with ``hidden``, those groups in which something is not listed.
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
    """Note for good that each chosen product is another than each other one of the group."""
    chosen = set(chosen)
    pairs = {_in_order(*pair) for pair in itertools.product(chosen, group) if len({*pair}) == 2}
    rows = [DuplicateDismissal(one_id=one, other_id=other, by=by) for one, other in sorted(pairs)]
    count = len(DuplicateDismissal.objects.bulk_create(rows, ignore_conflicts=True))
    # After the pairs, so that a worker in between does not group them again.
    _ungroup(chosen)
    return count


def _ungroup(products: Collection[int]) -> None:
    """Let the images of the products lead themselves, and their copies by one of their own."""
    images = ProductImage.objects.filter(product__in=products).order_by("pk")
    for model in EmbeddingModel.objects.filling():
        for image in images.values_list("pk", flat=True):
            copies = model.embeddings.filter(duplicate_group=image)
            copies = copies.exclude(duplicate_group=F("image"))  # as the index of copies has them
            copies.update(duplicate_group=copies.order_by("image").values("image")[:1])
        rows = model.embeddings.filter(product__in=products).exclude(duplicate_group=None)
        rows.exclude(duplicate_group=F("image")).update(duplicate_group=F("image"))


def _in_order(one: int, other: int) -> tuple[int, int]:
    return min(one, other), max(one, other)


def on_products_merged(stays: int, others: list[int], **kwargs: Any) -> list[str]:
    """Move dismissals and page views to the product that others were merged into.

    Affinities are counted anew every night.
    """
    Event.objects.filter(product__in=others).update(product=stays)
    told = DuplicateDismissal.objects.filter(Q(one__in=others) | Q(other__in=others))
    rows = []
    for row in told:
        one, other = (stays if pk in others else pk for pk in (row.one_id, row.other_id))
        if one != other:
            low, high = _in_order(one, other)
            rows.append(DuplicateDismissal(one_id=low, other_id=high, by_id=row.by_id))
    told.delete()
    DuplicateDismissal.objects.bulk_create(rows, ignore_conflicts=True)
    return []
