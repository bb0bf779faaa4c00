"""Read and sum up the published reviews of a product."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, QuerySet

from shop.catalogue.models import Product
from shop.reviews.models import MOST_STARS, Review


@dataclass(frozen=True)
class ReviewSummary:
    """Holds how many gave each number of stars, best first, and what they say about the fit."""

    stars: list[tuple[int, int]]
    fits: dict[str, int]

    @property
    def fit_count(self) -> int:
        """Return how many of the reviews say anything about the fit."""
        return sum(self.fits.values())

    @property
    def true_to_size(self) -> int:
        return self.fits.get(Review.Fit.TRUE, 0)

    @property
    def advice(self) -> str:
        """Return the other answer about the fit if more gave it than "true to size"."""
        fit = max(self.fits, key=lambda each: self.fits[each], default="")
        is_other = self.fits.get(fit, 0) > self.true_to_size
        return str(Review.Fit(fit).label) if is_other else ""


def published(product: Product) -> QuerySet[Review]:
    """Return the product's reviews that staff have published, the newest first."""
    return product.reviews.filter(state=Review.State.PUBLISHED).order_by("-pk")


def summary(product: Product) -> ReviewSummary:
    """Count the product's published reviews by stars and fit, in one query."""
    rows = published(product).order_by().values_list("stars", "fit").annotate(n=Count("pk"))
    stars = dict.fromkeys(range(MOST_STARS, 0, -1), 0)
    fits: dict[str, int] = {}
    for number, fit, count in rows:
        stars[number] += count
        if fit:
            fits[fit] = fits.get(fit, 0) + count
    return ReviewSummary(list(stars.items()), fits)
