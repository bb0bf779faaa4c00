"""Gather the models of the catalogue."""

from __future__ import annotations

from shop.catalogue.models.category import Category
from shop.catalogue.models.image import ProductImage
from shop.catalogue.models.product import LOW_STOCK, SEARCH_CONFIG, Product
from shop.catalogue.models.redirects import CategoryRedirect, ProductRedirect
from shop.catalogue.models.search_word import SearchWord
from shop.catalogue.models.stored_file import StoredFile
from shop.catalogue.models.synonym import SearchSynonym
from shop.catalogue.models.variant import StockAdjustment, Variant

__all__ = [
    "LOW_STOCK",
    "SEARCH_CONFIG",
    "Category",
    "CategoryRedirect",
    "Product",
    "ProductImage",
    "ProductRedirect",
    "SearchSynonym",
    "SearchWord",
    "StockAdjustment",
    "StoredFile",
    "Variant",
]
