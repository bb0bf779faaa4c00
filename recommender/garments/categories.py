"""Tie the shop's categories to the garments that pictures show."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from django.db import transaction
from PIL import Image

from recommender.garments.classifier import article_types, garments, guess_garments, manifest
from recommender.models import CategoryGarment, DiscreetCategory
from shop.catalogue.images.conversion import upright_rgb
from shop.catalogue.images.pictures import open_stored
from shop.catalogue.models import Category, ProductImage

logger = logging.getLogger(__name__)
# From this share of its images on, a category holds the garment.
LEAST_SHARE = 0.25
SAMPLE = 40
# Smaller shares are noise of the classifier.
LEAST_KEPT = 0.05
# Shown beside their own kind only, unless staff decide otherwise.
DISCREET = {"Bras", "Underwear", "Nightwear"}


def categories_of(names: Iterable[str]) -> tuple[int, ...]:
    """Return the ids of the categories that hold one of the garments."""
    wanted = {each for name in names for each in (name, *_wider(name))}
    held = CategoryGarment.objects.filter(garment__in=wanted, share__gte=LEAST_SHARE)
    return tuple(held.order_by("category").values_list("category", flat=True).distinct())


def _wider(garment: str) -> set[str]:
    """Return garments to search as well, such as sweaters for a photo of a long-sleeved top."""
    known = article_types()
    return {known[name] for name in manifest()["wider"].get(garment, ()) if name in known}


def garments_of(category: Category) -> set[str]:
    """Return the garments that the category holds."""
    held = CategoryGarment.objects.filter(category=category, share__gte=LEAST_SHARE)
    return set(held.values_list("garment", flat=True))


def discreet_ids() -> list[int]:
    """Return the ids of categories whose products are shown beside their own kind only."""
    return list(DiscreetCategory.objects.order_by("category").values_list("category", flat=True))


def fill_garments() -> int:
    """Find the garments of categories that are new, or have more images than were looked at.

    A category whose name is an article type of the training data needs no look. Returns how many
    categories were filled.
    """
    types, filled = {name.casefold(): garment for name, garment in article_types().items()}, 0
    for category, looked_at in _unfilled():
        if garment := types.get(category.name.casefold()):
            if looked_at is None:
                _store(category, {garment: 1.0}, 0)
                filled += 1
            continue
        images = _sample(category)
        if len(images) > (looked_at or 0) and (shares := _shares(images)):
            _store(category, shares, len(images))
            filled += 1
    return filled


def _unfilled() -> list[tuple[Category, int | None]]:
    """Return the categories whose garments are to be found, with how many images were classified.

    The number is ``None`` for a category without any garment yet. Categories that staff corrected
    or whose full sample was classified are left out.
    """
    looked_at: dict[int, int] = {}
    done = set[int]()
    for row in CategoryGarment.objects.all():
        looked_at[row.category_id] = max(row.images, looked_at.get(row.category_id, 0))
        if row.corrected or row.images >= SAMPLE:
            done.add(row.category_id)
    with_products = Category.objects.filter(products__listed=True).exclude(pk__in=done).distinct()
    return [(category, looked_at.get(category.pk)) for category in with_products]


def _sample(category: Category) -> list[ProductImage]:
    images = ProductImage.objects.filter(product__category=category, product__listed=True)
    return list(images.order_by("file", "pk")[:SAMPLE])


def _shares(images: Sequence[ProductImage]) -> dict[str, float]:
    """Return the mean probability of each garment; empty where nothing can be guessed."""
    found = guess_garments([picture for image in images if (picture := _read(image))])
    if found is None:
        return {}
    return dict(zip(garments(), found.mean(axis=0).tolist(), strict=True))


def _read(image: ProductImage) -> Image.Image | None:
    try:
        return upright_rgb(open_stored(image.read()))
    except Exception:  # storages and decoders raise anything
        logger.warning("Picture %s cannot be read", image.pk)
        return None


@transaction.atomic
def _store(category: Category, shares: dict[str, float], images: int) -> None:
    first_time = not CategoryGarment.objects.filter(category=category).delete()[0]
    rows = [
        CategoryGarment(category=category, garment=garment, share=share, images=images)
        for garment, share in shares.items()
        if share >= LEAST_KEPT
    ]
    CategoryGarment.objects.bulk_create(rows, ignore_conflicts=True)
    likeliest = max(shares, key=lambda garment: shares[garment])
    if first_time and (likeliest in DISCREET or category.name == "Boxers"):
        DiscreetCategory.objects.get_or_create(category=category)
