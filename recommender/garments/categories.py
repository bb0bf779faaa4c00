"""Find out which garments the shop's categories contain."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from PIL import Image

from recommender.garments.classifier import article_types, classify_garments, garments, manifest
from recommender.models import CategoryGarment, DiscreetCategory
from shop.catalogue.images.conversion import upright_rgb
from shop.catalogue.images.pictures import open_stored
from shop.catalogue.models import Category, ProductImage

logger = logging.getLogger(__name__)
# A category holds a garment if at least this share of its images show the garment.
MIN_SHARE = 0.25
SAMPLE = 40
# Smaller shares are not stored, because they are noise of the classifier.
MIN_STORED_SHARE = 0.05
# Products of these garments are only recommended beside products of their own category, unless
# staff decide otherwise.
DISCREET = {"Bras", "Underwear", "Nightwear"}
NOT_DISCREET = ~Exists(DiscreetCategory.objects.filter(category=OuterRef("category")))


def categories_of(names: Iterable[str]) -> tuple[int, ...]:
    """Return the ids of categories that hold one of these garments, or one confused with it.

    Discreet categories are left out: shorts may include boxers. They are returned for garments that
    are discreet themselves, and if no other category holds the garments.
    """
    held = _holding(names)
    return _category_ids(held.filter(NOT_DISCREET | Q(garment__in=DISCREET))) or _category_ids(held)


def categories_like(category: Category) -> tuple[int, ...]:
    """Return the ids of categories that hold a garment of this one, or one confused with it.

    Discreet categories are left out unless this category is discreet itself.
    """
    discreet = Exists(DiscreetCategory.objects.filter(category=category))
    return _category_ids(_holding(garments_of(category)).filter(NOT_DISCREET | discreet))


def _holding(names: Iterable[str]) -> QuerySet[CategoryGarment]:
    searched = {each for name in names for each in (name, *_confused_garments(name))}
    return CategoryGarment.objects.filter(garment__in=searched, share__gte=MIN_SHARE)


def _category_ids(held: QuerySet[CategoryGarment]) -> tuple[int, ...]:
    return tuple(held.order_by("category").values_list("category", flat=True).distinct())


def _confused_garments(garment: str) -> set[str]:
    """Return garments often confused with this one, such as sweaters with tops."""
    known = article_types()
    return {known[name] for name in manifest()["wider"].get(garment, ()) if name in known}


def garments_of(category: Category) -> set[str]:
    """Return the garments that the category holds."""
    held = CategoryGarment.objects.filter(category=category, share__gte=MIN_SHARE)
    return set(held.values_list("garment", flat=True))


def discreet_ids() -> list[int]:
    """Return the ids of categories that are recommended beside their own products only."""
    return list(DiscreetCategory.objects.order_by("category").values_list("category", flat=True))


def fill_garments() -> int:
    """Find the garments of new categories, and of those with more images than were classified.

    No images are classified for a category named like an article type of the training data: it
    holds the garment of that type. Returns the number of categories filled.
    """
    types, filled = {name.casefold(): garment for name, garment in article_types().items()}, 0
    for category, classified in _unfilled():
        if garment := types.get(category.name.casefold()):
            filled += classified is None and _store(category, {garment: 1.0}, 0)
            continue
        images = _sample(category)
        if len(images) > (classified or 0) and (shares := _shares(images)):
            filled += _store(category, shares, len(images))
    return filled


def _unfilled() -> list[tuple[Category, int | None]]:
    """Return the categories to fill, each with the number of images classified so far.

    The number is ``None`` for a new category. Categories that staff corrected or whose full sample
    was classified are left out.
    """
    classified: dict[int, int] = {}
    done = set[int]()
    for row in CategoryGarment.objects.all():
        classified[row.category_id] = max(row.images, classified.get(row.category_id, 0))
        if row.corrected or row.images >= SAMPLE:
            done.add(row.category_id)
    with_products = Category.objects.filter(products__listed=True).exclude(pk__in=done).distinct()
    return [(category, classified.get(category.pk)) for category in with_products]


def _sample(category: Category) -> list[ProductImage]:
    images = ProductImage.objects.filter(product__category=category, product__listed=True)
    return list(images.order_by("file", "pk")[:SAMPLE])


def _shares(images: Sequence[ProductImage]) -> dict[str, float]:
    """Return the mean probability of each garment, or ``{}`` if nothing can be classified."""
    found = classify_garments([picture for image in images if (picture := _read(image))])
    if found is None:
        return {}
    return dict(zip(garments(), found.mean(axis=0).tolist(), strict=True))


def _read(image: ProductImage) -> Image.Image | None:
    try:
        return upright_rgb(open_stored(image.read()))
    except Exception:  # storages and decoders raise any exception
        logger.warning("Picture %s cannot be read", image.pk)
        return None


def lock_category(pk: int) -> bool:
    """Lock the category until commit, so that classifier and staff take turns in changing garments.

    Return ``False`` if the category was deleted.
    """
    return Category.objects.select_for_update().filter(pk=pk).first() is not None


@transaction.atomic
def _store(category: Category, shares: dict[str, float], images: int) -> bool:
    """Store the shares; return ``False`` if the category was corrected or deleted meanwhile."""
    stored = CategoryGarment.objects.filter(category=category)
    if not lock_category(category.pk) or stored.filter(corrected=True).exists():
        return False
    first_time = not stored.exists()
    rows = [
        CategoryGarment(category=category, garment=garment, share=share, images=images)
        for garment, share in shares.items()
        if share >= MIN_STORED_SHARE
    ]
    # Rows are updated instead of replaced, because staff may have one of them in a form.
    stored.exclude(garment__in=[row.garment for row in rows]).delete()
    CategoryGarment.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["category", "garment"],
        update_fields=["share", "images"],
    )
    likeliest = max(shares, key=lambda garment: shares[garment])
    if first_time and (likeliest in DISCREET or category.name == "Boxers"):
        DiscreetCategory.objects.get_or_create(category=category)
    return True
