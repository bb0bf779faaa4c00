"""Thirty products of Shopify and of WooCommerce come in whole, with nothing mapped by hand."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shop.catalogue.models import Product, ProductImage, Variant
from shop.catalogue.slugs import category_slug
from tests.shop.imports.conftest import ServePictures, picture
from tests.shop.imports.doors import CommandDoor, Door
from tests.shop.imports.other_shops import (
    CDN,
    ITEMS,
    UPLOADS,
    Item,
    pictures,
    shopify_export,
    woocommerce_export,
)

pytestmark = pytest.mark.django_db
VARIANTS = sum(len(item.variants) for item in ITEMS)
PICTURES = sum(item.pictures for item in ITEMS)
# Of a picture made for a test, its height tells which file it is.
HEIGHTS = {file: 80 + number for number, file in enumerate(pictures())}


def products() -> dict[str | None, dict[str, Any]]:
    names = ("name", "brand", "gender", "category__path", "price", "listed", "description", "stock")
    return {
        values.pop("external_id"): values
        for values in Product.objects.values("external_id", *names)
    }


def variants(external_id: str) -> list[tuple[str, str, str, Decimal | None, int]]:
    found = Variant.objects.filter(product__external_id=external_id).order_by("position")
    return [(v.sku, v.size, v.colour, v.unit_price, v.stock) for v in found]


def heights(external_id: str) -> list[int]:
    found = ProductImage.objects.filter(product__external_id=external_id).order_by("position")
    return [image.height for image in found]


def path(item: Item) -> str:
    return "/".join(category_slug(name) for name in item.category.split(" > "))


def assert_shopify_is_here() -> None:
    """Assert that the shop holds exactly the thirty products."""
    assert products() == {
        item.handle: {
            "name": item.title,
            "brand": item.brand,
            "gender": item.gender,
            "category__path": path(item),
            "price": Decimal(item.price),
            "listed": item.is_listed,
            "description": item.text[1],
            "stock": sum(variant.stock for variant in item.variants),
        }
        for item in ITEMS
    }
    for item in ITEMS:
        has_options = item.sizes or item.colours
        assert variants(item.handle) == [
            (v.sku if has_options else item.handle, v.size, v.colour, Decimal(v.price), v.stock)
            for v in item.variants
        ]
        assert heights(item.handle) == [HEIGHTS[file] for file in item.files]


def assert_woocommerce_is_here() -> None:
    assert products() == {
        item.handle.upper(): {
            "name": item.title,
            "brand": item.brand,
            "gender": "",  # which WooCommerce does not know
            "category__path": path(item),
            "price": Decimal(item.compare_at or item.price),
            "listed": item.is_listed,
            "description": item.text[1],
            "stock": sum(variant.stock for variant in item.variants),
        }
        for item in ITEMS
    }
    for item in ITEMS:
        assert variants(item.handle.upper()) == [
            (v.sku, v.size, v.colour, Decimal(item.compare_at or v.price), v.stock)
            for v in item.variants
        ]
        assert heights(item.handle.upper()) == [HEIGHTS[file] for file in item.files]


def test_the_files_hold_thirty_products_of_many_kinds() -> None:
    assert (len(ITEMS), VARIANTS, PICTURES) == (30, 115, 65)
    assert sum(not item.sizes and not item.colours for item in ITEMS) == 3
    assert sum(item.pictures > len(item.variants) for item in ITEMS) >= 2
    assert len({item.text for item in ITEMS}) == 6


@pytest.mark.parametrize("of_2025", [False, True], ids=["before 2025", "of 2025"])
def test_a_shopify_export_comes_in_whole(door: Door, of_2025: bool) -> None:
    table = shopify_export(of_2025=of_2025)
    outcome = door.bring(table, pictures(), name="products_export_1.csv")
    assert (outcome.counts, outcome.rejected, outcome.warned) == ((VARIANTS, 0, 0, 0), [], [])
    assert outcome.notes[0] == "Shopify, UTF-8, comma, 1,234.56"
    assert_shopify_is_here()
    again = door.bring(table, pictures(), name="products_export_1.csv")
    assert again.counts == (0, 0, VARIANTS, 0)


def test_a_woocommerce_export_comes_in_whole(door: Door) -> None:
    table = woocommerce_export()
    outcome = door.bring(table, pictures(), name="wc-product-export.csv")
    assert (outcome.counts, outcome.rejected, outcome.warned) == ((VARIANTS, 0, 0, 0), [], [])
    assert outcome.notes[0] == "WooCommerce, UTF-8, comma, 1,234.56"
    assert_woocommerce_is_here()
    again = door.bring(table, pictures(), name="wc-product-export.csv")
    assert again.counts == (0, 0, VARIANTS, 0)


@pytest.mark.parametrize("shop", ["shopify", "woocommerce"])
def test_pictures_are_fetched_from_the_other_shops_host(
    shop: str, tmp_path: Path, serve_pictures: ServePictures
) -> None:
    base, ending = (CDN, "?v=1741000000") if shop == "shopify" else (UPLOADS, "")
    there = {f"{base}{file}{ending}": picture(size=(60, h)) for file, h in HEIGHTS.items()}
    asked = serve_pictures(there)
    table = shopify_export() if shop == "shopify" else woocommerce_export()
    outcome = CommandDoor(tmp_path).bring(table, fetch_images=[base.split("/")[2]])
    assert (outcome.counts, outcome.rejected, outcome.warned) == ((VARIANTS, 0, 0, 0), [], [])
    assert set(asked) == set(there)
    assert_shopify_is_here() if shop == "shopify" else assert_woocommerce_is_here()
