"""Query and summarise the published reviews of a product."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, QuerySet

from shop.catalogue.models import Product
from shop.reviews.models import MAX_STARS, Review


@dataclass(frozen=True)
class ReviewSummary:
    """Holds the number of reviews by stars, best first, and by answer about the product's fit."""

    stars: list[tuple[int, int]]
    fits: dict[str, int]

    @property
    def fit_count(self) -> int:
        """Return the number of reviews with an answer about the fit."""
        return sum(self.fits.values())

    @property
    def true_to_size(self) -> int:
        return self.fits.get(Review.Fit.TRUE, 0)

    @property
    def advice(self) -> str:
        """Return the most frequent answer about the fit, unless it is "true to size"."""
        fit = max(self.fits, key=lambda each: self.fits[each], default="")
        is_other = self.fits.get(fit, 0) > self.true_to_size
        return str(Review.Fit(fit).label) if is_other else ""


def published(product: Product) -> QuerySet[Review]:
    """Return the product's published reviews, newest first."""
    return product.reviews.filter(state=Review.State.PUBLISHED).order_by("-pk")


def summary(product: Product) -> ReviewSummary:
    """Count the product's published reviews by stars and fit, in one query."""
    rows = published(product).order_by().values_list("stars", "fit").annotate(n=Count("pk"))
    stars = dict.fromkeys(range(MAX_STARS, 0, -1), 0)
    fits: dict[str, int] = {}
    for number, fit, count in rows:
        stars[number] += count
        if fit:
            fits[fit] = fits.get(fit, 0) + count
    return ReviewSummary(list(stars.items()), fits)
