"""Collect the models of the recommender."""

from __future__ import annotations

from recommender.models.behaviour import Affinity, EmptySearch, Event, Popularity
from recommender.models.category_garment import CategoryGarment, DiscreetCategory
from recommender.models.duplicate_dismissal import DuplicateDismissal
from recommender.models.embedding import (
    DIMENSIONS,
    BlueEmbedding,
    EmbeddedImage,
    EmbeddedProduct,
    GreenEmbedding,
    ImageEmbedding,
)
from recommender.models.embedding_model import EmbeddingModel

# Migrations import the two functions from this module.
from recommender.models.query_photo import QueryPhoto, _expiry, _random_id

__all__ = [
    "DIMENSIONS",
    "Affinity",
    "BlueEmbedding",
    "CategoryGarment",
    "DiscreetCategory",
    "DuplicateDismissal",
    "EmbeddedImage",
    "EmbeddedProduct",
    "EmbeddingModel",
    "EmptySearch",
    "Event",
    "GreenEmbedding",
    "ImageEmbedding",
    "Popularity",
    "QueryPhoto",
    "_expiry",
    "_random_id",
]
