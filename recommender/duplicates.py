"""Products whose pictures are (almost) the same, for staff to merge, to hide or to tell apart.

Each picture is compared once with all others through the index, and again when its file or the
model is another. What is noted are pairs of pictures; a group is all that hangs together by them.
"""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q

from recommender.models import ComparedPicture, EmbeddingModel, Event, NotTheSame, PicturePair
from recommender.nearest.five import SAME
from recommender.nearest.several import PLAN
from shop.catalogue.models import ProductImage
from shop.core.locks import AdvisoryLock, lock_until_commit

BATCH = 200
Pair = tuple[int, int]
# Each picture's copies through the index, so that a batch costs what its searches do.
COPIES = """
SELECT one.id, near.id, near.distance
FROM catalogue_productimage AS one CROSS JOIN LATERAL (
    SELECT id, product_id, {column} <-> one.{column} AS distance
    FROM catalogue_productimage WHERE {column} IS NOT NULL
    ORDER BY {sketch} <-> one.{sketch} LIMIT 20) AS near
WHERE one.id = ANY(%(ids)s) AND one.{column} IS NOT NULL
    AND near.product_id <> one.product_id AND near.distance < %(same)s
"""


def find_copies(seconds: float | None = None) -> bool:
    """Compare the pictures that were not compared yet, in small transactions.

    Returns whether some are left after so many ``seconds``. Safe to run twice, and at once.
    """
    end = None if seconds is None else time.monotonic() + seconds
    last: int | None = 0
    while last is not None:
        if end is not None and time.monotonic() >= end:
            return True
        last = _compare_batch(last)
    return False


@transaction.atomic
def _compare_batch(after: int) -> int | None:
    """The last picture that was compared, or ``None`` when none is left after that one."""
    lock_until_commit(AdvisoryLock.NEAR_DUPLICATES)
    model = EmbeddingModel.objects.active()
    # Vectors of two models say nothing about each other: another model begins anew.
    if ComparedPicture.objects.exclude(model=model).delete()[0]:
        PicturePair.objects.all().delete()
    done = ComparedPicture.objects.filter(image=OuterRef("pk"), file=OuterRef("file"))
    images = ProductImage.objects.filter(~Exists(done), pk__gt=after)
    images = images.filter(**{f"{model.column}__isnull": False}).order_by("pk")
    files = dict(images.values_list("pk", "file")[:BATCH])
    if not files:
        return None
    _note(model, files, copies_of(model, files))
    return max(files)


def copies_of(model: EmbeddingModel, image_ids: Iterable[int]) -> list[tuple[int, int, float]]:
    """Return (image, a copy of it at another product, distance), up to 19 of each image."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(PLAN)
        sql = COPIES.format(column=model.column, sketch=model.sketch)
        cursor.execute(sql, {"ids": list(image_ids), "same": SAME})
        return list(cursor.fetchall())


def _note(
    model: EmbeddingModel, files: dict[int, str], found: list[tuple[int, int, float]]
) -> None:
    """Not what was deleted meanwhile; a file that was replaced meanwhile is compared again."""
    ids = {*files, *(other for _one, other, _distance in found)}
    rows = ProductImage.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
    there = set(rows.values_list("pk", flat=True))
    seen_before = ComparedPicture.objects.filter(image__in=files).values("image")
    PicturePair.objects.filter(Q(one__in=seen_before) | Q(other__in=seen_before)).delete()
    pairs = {(min(a, b), max(a, b)): d for a, b, d in found if {a, b} <= there}
    PicturePair.objects.bulk_create(
        [PicturePair(one_id=a, other_id=b, distance=d) for (a, b), d in sorted(pairs.items())],
        update_conflicts=True,
        unique_fields=["one", "other"],
        update_fields=["distance"],
    )
    ComparedPicture.objects.bulk_create(
        [
            ComparedPicture(image_id=pk, file=file, model=model)
            for pk, file in files.items()
            if pk in there
        ],
        update_conflicts=True,
        unique_fields=["image"],
        update_fields=["file", "model"],
    )


@dataclass(frozen=True)
class Group:
    """``distance``: of its two nearest. In a chain not each is a copy of each."""

    products: list[int]
    distance: float
    is_chain: bool


def groups(*, hidden: bool = False) -> list[Group]:
    """What hangs together by copies and was not told apart, the nearest first; two queries.

    Of listed products; or, with ``hidden``, those groups in which something is not listed.
    """
    model = EmbeddingModel.objects.active()
    shown = {} if hidden else {"one__product__listed": True, "other__product__listed": True}
    pairs = PicturePair.objects.exclude(one__product=F("other__product")).filter(
        # A picture that waits for its vector was replaced, and its pairs are another file's.
        **{f"{side}__{model.column}__isnull": False for side in ("one", "other")},
        **{f"{side}__product__merged_into": None for side in ("one", "other")},
        **shown,
    )
    told_apart = set(NotTheSame.objects.values_list("one", "other"))
    nearest: dict[Pair, float] = {}
    unlisted: set[int] = set()
    rows = pairs.values_list(
        *("one__product", "other__product", "distance"),
        *("one__product__listed", "other__product__listed"),
    )
    for one, other, distance, one_listed, other_listed in rows:
        key = _in_order(one, other)
        if key not in told_apart:
            nearest[key] = min(distance, nearest.get(key, distance))
            unlisted |= {pk for pk, on in ((one, one_listed), (other, other_listed)) if not on}
    found = connected(nearest)
    return [group for group in found if not hidden or unlisted.intersection(group.products)]


def _in_order(one: int, other: int) -> Pair:
    return min(one, other), max(one, other)


def connected(pairs: dict[Pair, float]) -> list[Group]:
    """The connected components, by union-find."""
    parents: dict[int, int] = {}

    def root(pk: int) -> int:
        while parents.setdefault(pk, pk) != pk:
            parents[pk] = pk = parents[parents[pk]]
        return pk

    for one, other in pairs:
        parents[root(one)] = root(other)
    members, links = defaultdict(list), defaultdict(list)
    for pk in sorted(parents):
        members[root(pk)].append(pk)
    for (one, _other), distance in pairs.items():
        links[root(one)].append(distance)
    found = [
        Group(pks, min(links[top]), len(links[top]) < len(pks) * (len(pks) - 1) // 2)
        for top, pks in members.items()
    ]
    return sorted(found, key=lambda group: (group.distance, group.products))


def tell_apart(chosen: Iterable[int], group: Iterable[int], by: Any) -> int:
    """Each chosen product is another than each other one of the group; for good."""
    pairs = {_in_order(*pair) for pair in itertools.product(chosen, group) if len({*pair}) == 2}
    rows = [NotTheSame(one_id=one, other_id=other, by=by) for one, other in sorted(pairs)]
    return len(NotTheSame.objects.bulk_create(rows, ignore_conflicts=True))


def follow(stays: int, others: list[int], **kwargs: Any) -> list[str]:
    """When products are merged: what they were told apart from, the one that stays is as well.

    Looks at their pages count as looks at its own; affinities are counted anew every night.
    """
    Event.objects.filter(product__in=others).update(product=stays)
    told = NotTheSame.objects.filter(Q(one__in=others) | Q(other__in=others))
    rows = []
    for row in told:
        one, other = (stays if pk in others else pk for pk in (row.one_id, row.other_id))
        if one != other:
            rows.append(
                NotTheSame(one_id=min(one, other), other_id=max(one, other), by_id=row.by_id)
            )
    told.delete()
    NotTheSame.objects.bulk_create(rows, ignore_conflicts=True)
    return []
