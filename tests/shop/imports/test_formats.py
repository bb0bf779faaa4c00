"""Exports of other shops, written by hand from their documented columns."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from shop.catalogue.models import Product, Variant
from shop.imports.jobs.run import Result, import_catalogue
from shop.imports.parsing.table import ReadOptions
from tests.factories import make_category
from tests.shop.imports.conftest import (
    MakeFolder,
    Send,
    ServePictures,
    act,
    picture,
    result_counts,
    zipped,
)

pytestmark = pytest.mark.django_db
Row = dict[str, Any]
Take = Callable[..., Result]


def table(columns: str, *rows: Row, delimiter: str = ",") -> str:
    """Write the rows below a header of columns that a bar separates."""
    text = StringIO()
    writer = csv.DictWriter(text, columns.split("|"), restval="", delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@pytest.fixture
def folder_of(make_folder: MakeFolder) -> Callable[..., Path]:
    """Write a table beside pictures of these names, each of its own content."""

    def make(text: str, *names: str) -> Path:
        sizes = {name: picture(size=(60, 80 + number)) for number, name in enumerate(names)}
        folder = make_folder(pictures=sizes)
        (folder / "styles.csv").write_text(text, encoding="utf-8")
        return folder

    return make


@pytest.fixture
def take(folder_of: Callable[..., Path]) -> Take:
    def take(text: str, *names: str, **read_options: str) -> Result:
        result = import_catalogue(folder_of(text, *names), read_options=ReadOptions(**read_options))  # type: ignore[arg-type]
        assert result.read == result.done
        return result

    return take


def variants(external_id: str) -> list[tuple[str, str, str, int, str]]:
    found = Variant.objects.filter(product__external_id=external_id).order_by("position")
    return [(v.sku, v.size, v.colour, v.stock, str(v.unit_price)) for v in found]


def reasons(result: Result) -> list[tuple[int, str]]:
    return [(message.line, message.reason) for message in result.rejections]


# Shopify

SHOPIFY = (
    "Handle|Title|Body (HTML)|Vendor|Product Category|Type|Tags|Published|Option1 Name|"
    "Option1 Value|Option2 Name|Option2 Value|Option3 Name|Option3 Value|Variant SKU|"
    "Variant Grams|Variant Inventory Tracker|Variant Inventory Qty|Variant Inventory Policy|"
    "Variant Fulfillment Service|Variant Price|Variant Compare At Price|"
    "Variant Requires Shipping|Variant Taxable|Variant Barcode|Image Src|Image Position|"
    "Image Alt Text|Gift Card|SEO Title|SEO Description|Google Shopping / Gender|"
    "Variant Image|Variant Weight Unit|Cost per item|Status"
)
CDN = "https://cdn.example.com/s/files/1/0001/products/"
TEE: Row = {
    "Handle": "linen-tee",
    "Title": "Linen Tee",
    "Body (HTML)": "<p>Soft &amp; light.</p>\n<ul><li>100% linen</li><li>Made in Porto</li></ul>",
    "Vendor": "Northwind",
    "Product Category": "Apparel > Topwear > Tshirts",
    "Type": "Tees",
    "Published": "true",
    "Option1 Name": "Size",
    "Option1 Value": "S",
    "Option2 Name": "Color",
    "Option2 Value": "White",
    "Variant SKU": "LT-S-W",
    "Variant Inventory Qty": "4",
    "Variant Price": "29.90",
    "Variant Compare At Price": "39.90",
    "Image Src": f"{CDN}tee-front.jpg?v=1700000000",
    "Google Shopping / Gender": "female",
    "Status": "active",
}


def tee(size: str, colour: str, sku: str, **more: Any) -> Row:
    """A further variant, as Shopify writes it below its product."""
    return {
        "Handle": "linen-tee",
        "Option1 Value": size,
        "Option2 Value": colour,
        "Variant SKU": sku,
        "Variant Inventory Qty": "2",
        "Variant Price": "29.90",
    } | more


CAP: Row = {
    "Handle": "cord-cap",
    "Title": "Cord Cap",
    "Vendor": "Northwind",
    "Type": "Caps",
    "Published": "true",
    "Option1 Name": "Title",
    "Option1 Value": "Default Title",
    "Variant Inventory Qty": "7",
    "Variant Price": "19.00",
    "Image Src": f"{CDN}cap.jpg",
    "Status": "draft",
}
SHOP = table(
    SHOPIFY,
    TEE,
    tee("M", "White", "LT-M-W", **{"Image Src": f"{CDN}tee-back.jpg"}),
    tee("M", "Blue", "LT-M-B", **{"Variant Price": "31.90"}),
    {"Handle": "linen-tee", "Image Src": f"{CDN}tee%20detail.jpg", "Image Position": "3"},
    CAP,
)
PICTURES = ("tee-front.jpg", "tee-back.jpg", "tee detail.jpg", "cap.jpg")


def test_a_shopify_export_is_imported_without_options(take: Take) -> None:
    result = take(SHOP, *PICTURES)
    assert (reasons(result), result_counts(result)) == ([], (4, 0, 0, 0))
    assert result.dialect == "Shopify, UTF-8, comma, 1,234.56"
    shirt = Product.objects.get(external_id="linen-tee")
    assert (shirt.name, shirt.brand, shirt.gender) == ("Linen Tee", "Northwind", "Women")
    assert shirt.description == "Soft & light.\n\n• 100% linen\n• Made in Porto"
    assert (shirt.category.path, shirt.price) == ("apparel/topwear/tshirts", Decimal("29.90"))
    assert (shirt.listed, shirt.images.count()) == (True, 3)
    assert variants("linen-tee") == [
        ("LT-S-W", "S", "White", 4, "29.90"),
        ("LT-M-W", "M", "White", 2, "29.90"),
        ("LT-M-B", "M", "Blue", 2, "31.90"),
    ]
    cap = Product.objects.get(external_id="cord-cap")
    assert (cap.category.path, cap.listed, cap.gender) == ("caps", False, "")
    assert variants("cord-cap") == [("cord-cap", "", "", 7, "19.00")]
    assert result.row_warnings == []
    assert {"Tags", "Variant Compare At Price", "Cost per item"} <= set(result.ignored_columns)
    assert not {"Type", "Status", "Option1 Name"} & set(result.ignored_columns)
    assert result_counts(take(SHOP, *PICTURES)) == (0, 0, 4, 0)


def test_missing_pictures_of_a_shopify_export_are_reported(take: Take) -> None:
    result = take(SHOP, "linen-tee.jpg", "linen-tee_2.jpg", "cap.jpg")
    assert result_counts(result) == (4, 0, 0, 0)
    text = "Images on the web are not downloaded: "
    (warning,) = result.row_warnings
    advests = [f"{CDN}tee-front.jpg?v=1700000000", f"{CDN}tee-back.jpg"]
    advests.append(f"{CDN}tee%20detail.jpg")
    assert (warning.line, warning.reason) == (2, text + ", ".join(advests))
    assert Product.objects.get(external_id="linen-tee").images.count() == 2


def test_other_options_of_shopify_are_reported_and_variants_need_a_sku(take: Take) -> None:
    first = TEE | {"Option2 Name": "Fit", "Option2 Value": "Slim"}
    result = take(table(SHOPIFY, first, tee("M", "Wide", "")), "tee-front.jpg")
    assert reasons(result) == [(4, "The sku is empty.")]
    assert [(w.line, w.reason) for w in result.row_warnings] == [(2, "The option Fit is ignored.")]
    assert variants("linen-tee") == [("LT-S-W", "S", "", 4, "29.90")]


def test_oversold_variants_of_shopify_are_sold_out(take: Take) -> None:
    result = take(table(SHOPIFY, CAP | {"Variant Inventory Qty": "-3"}), "cap.jpg")
    assert result_counts(result) == (1, 0, 0, 0)
    assert [w.reason for w in result.row_warnings] == ["The stock is -3; it is imported as 0."]
    assert variants("cord-cap") == [("cord-cap", "", "", 0, "19.00")]


def test_a_shopify_export_without_categories_needs_one(folder_of: Callable[..., Path]) -> None:
    columns = SHOPIFY.replace("Product Category|", "").replace("|Type", "")
    rows = {name: value for name, value in TEE.items() if name in columns.split("|")}
    folder = str(folder_of(table(columns, rows), "tee-front.jpg"))
    with pytest.raises(CommandError, match="Choose the category of new products"):
        call_command("import_catalogue", folder)
    with pytest.raises(CommandError, match="There is no category no/such"):
        call_command("import_catalogue", folder, category="no/such")
    assert not Product.objects.exists()
    tops = make_category("Tops")
    call_command("import_catalogue", folder, category=tops.path, gender="Men")
    product = Product.objects.get()
    assert (product.category, product.gender) == (tops, "Women")


def test_a_chosen_category_and_gender_apply_to_new_products_only(take: Take) -> None:
    row = CAP | {"Type": ""}
    text = table(SHOPIFY, row)
    assert reasons(take(text, "cap.jpg")) == [
        (2, "The row has no category, and none was chosen for such rows.")
    ]
    caps, hats = make_category("Caps"), make_category("Hats")
    assert result_counts(take(text, "cap.jpg", category=caps.path, gender="Men")) == (1, 0, 0, 0)
    product = Product.objects.get()
    assert (product.category, product.gender) == (caps, "Men")
    assert result_counts(take(text, "cap.jpg", category=hats.path)) == (0, 0, 1, 0)
    product.refresh_from_db()
    assert (product.category, product.gender) == (caps, "Men")


def test_the_upload_page_shows_and_changes_how_shopify_is_read(
    client: Client, send: Send, folder_of: Callable[..., Path], tmp_path: Path
) -> None:
    caps = make_category("Caps")
    folder = folder_of(table(SHOPIFY, TEE, CAP | {"Type": ""}), *PICTURES)
    upload = send(zipped(folder, tmp_path / "c.zip").read_bytes(), name="c.zip")
    assert upload.dialect == "Shopify, UTF-8, comma"
    page = client.get(upload.get_absolute_url()).content.decode()
    assert "– as in Shopify –" in page
    assert '<option value="productDisplayName" selected>' in page
    upload = act(client, upload, "check")
    assert (upload.imported, upload.rejected) == (1, 1)
    tags = str(upload.header.index("Option1 Value"))
    chosen = {"category": caps.path, "gender": "Unisex", f"column{tags}": "variantColour"}
    upload = act(client, upload, "check", **chosen)
    assert (upload.state, upload.imported, upload.rejected) == ("checked", 2, 0)
    act(client, upload, "start")
    assert variants("linen-tee") == [("LT-S-W", "S", "S", 4, "29.90")]
    cap = Product.objects.get(external_id="cord-cap")
    assert (cap.category, cap.gender) == (caps, "Unisex")


# WooCommerce

WOO = (
    "ID|Type|SKU|Name|Published|Is featured?|Visibility in catalog|Short description|Description|"
    "Date sale price starts|Date sale price ends|Tax status|Tax class|In stock?|Stock|"
    "Low stock amount|Backorders allowed?|Sold individually?|Weight (kg)|Sale price|"
    "Regular price|Categories|Tags|Shipping class|Images|Parent|Position|"
    "Attribute 1 name|Attribute 1 value(s)|Attribute 1 visible|Attribute 1 global|"
    "Attribute 2 name|Attribute 2 value(s)|Attribute 2 visible|Attribute 2 global"
)
SITE = "https://shop.example.com/wp-content/uploads/2024/05/"
HOODIE: Row = {
    "ID": "44",
    "Type": "variable",
    "SKU": "HOOD",
    "Name": "Zip Hoodie",
    "Published": "1",
    "Description": r"Warm.\n\nWith <strong>two</strong> pockets.",
    "In stock?": "1",
    "Categories": r"Clothing, Clothing > Hoodies\, Sweaters, Sale",
    "Images": f"{SITE}hoodie.jpg, {SITE}hoodie-back.jpg",
    "Attribute 1 name": "Size",
    "Attribute 1 value(s)": "S, M",
    "Attribute 2 name": "Colour",
    "Attribute 2 value(s)": "Grey",
}


def variation(number: int, size: str, **more: Any) -> Row:
    return {
        "ID": str(number),
        "Type": "variation",
        "SKU": f"HOOD-{size}",
        "Name": f"Zip Hoodie - {size}",
        "Published": "1",
        "Stock": "3",
        "Sale price": "39.00",
        "Regular price": "49.00",
        "Parent": "HOOD",
        "Attribute 1 name": "Size",
        "Attribute 1 value(s)": size,
    } | more


SOCKS: Row = {
    "ID": "51",
    "Type": "simple",
    "Name": "Wool Socks",
    "Published": "-1",
    "Short description": "Warm feet.",
    "Stock": "12",
    "Regular price": "9.50",
    "Categories": "Uncategorized",
    "Images": f"{SITE}socks.jpg",
    "Attribute 1 name": "Material",
    "Attribute 1 value(s)": "Wool",
}
WOO_PICTURES = ("hoodie.jpg", "hoodie-back.jpg", "hoodie-m.jpg", "socks.jpg")


def test_a_woocommerce_export_is_imported_without_options(take: Take) -> None:
    socks = make_category("Socks")
    m = variation(46, "M", Parent="id:44", Images=f"{SITE}hoodie-m.jpg", Published="0")
    text = table(WOO, HOODIE, SOCKS, variation(45, "S"), m)
    result = take(text, *WOO_PICTURES, category=socks.path)
    assert (reasons(result), result_counts(result)) == ([], (3, 0, 0, 0))
    assert result.dialect == "WooCommerce, UTF-8, comma, 1,234.56"
    hoodie = Product.objects.get(external_id="HOOD")
    assert (hoodie.name, hoodie.category.path) == ("Zip Hoodie", "clothing/hoodies-sweaters")
    assert hoodie.description == "Warm.\n\nWith two pockets."
    assert (hoodie.listed, hoodie.images.count(), hoodie.price) == (True, 3, Decimal("49.00"))
    assert variants("HOOD") == [
        ("HOOD-S", "S", "Grey", 3, "49.00"),
        ("HOOD-M", "M", "Grey", 0, "49.00"),
    ]
    pair = Product.objects.get(external_id="51")
    assert (pair.name, pair.category, pair.listed) == ("Wool Socks", socks, False)
    assert pair.description == "Warm feet."
    assert variants("51") == [("51", "", "", 12, "9.50")]
    assert [(w.line, w.reason) for w in result.row_warnings] == [
        (3, "The option Material is ignored."),
        (4, "Further categories are ignored: Sale"),
        (5, "The variation is not published: it is imported as sold out."),
    ]
    assert {"Sale price", "Tags", "In stock?"} <= set(result.ignored_columns)
    assert not {"Type", "Parent", "Attribute 1 name"} & set(result.ignored_columns)
    assert result_counts(take(text, *WOO_PICTURES, category=socks.path)) == (0, 0, 3, 0)


def test_unsupported_products_of_woocommerce_are_reported(take: Take) -> None:
    rows = (
        variation(45, "S"),
        HOODIE,
        {"ID": "60", "Type": "grouped", "SKU": "SET", "Name": "Set", "Categories": "Sets"},
    )
    result = take(table(WOO, *rows))
    assert reasons(result) == [
        (2, "The product HOOD must be above its variations."),
        (3, "The product has no variations."),
        (4, "Products of the type grouped are not imported."),
    ]
    assert not Product.objects.exists()


def test_a_woocommerce_export_is_imported_on_the_upload_page(
    client: Client, send: Send, folder_of: Callable[..., Path], tmp_path: Path
) -> None:
    folder = folder_of(table(WOO, HOODIE, variation(45, "S"), variation(46, "M")), *WOO_PICTURES)
    pictures = zipped(folder / "images", tmp_path / "p.zip")
    upload = send((folder / "styles.csv").read_bytes(), pictures, name="wc-export.csv")
    assert upload.dialect == "WooCommerce, UTF-8, comma"
    upload = act(client, act(client, upload, "check"), "start")
    assert (upload.state, upload.imported, upload.rejected) == ("done", 2, 0)
    assert [sku for sku, *_rest in variants("HOOD")] == ["HOOD-S", "HOOD-M"]


# Google's product feed

GOOGLE = (
    "id|title|description|link|image_link|additional_image_link|availability|price|sale_price|"
    "brand|gender|age_group|color|size|material|item_group_id|product_type|"
    "google_product_category|condition"
)
DRESS: Row = {
    "id": "DR-36",
    "title": "Wrap Dress",
    "description": "Knee length.",
    "link": "https://shop.example.com/dress",
    "image_link": f"{SITE}dress.jpg",
    "additional_image_link": f"{SITE}dress-2.jpg,{SITE}dress-3.jpg",
    "availability": "in_stock",
    "price": "79.90 EUR",
    "sale_price": "59.90 EUR",
    "brand": "Aster",
    "gender": "female",
    "age_group": "adult",
    "color": "Green",
    "size": "36",
    "material": "Viscose",
    "item_group_id": "DR",
    "product_type": "Apparel > Dress",
}
VEST: Row = DRESS | {
    "id": "VEST",
    "title": "Rib Vest",
    "image_link": f"{SITE}vest.jpg",
    "additional_image_link": "",
    "price": "9.00 USD",
    "age_group": "kids",
    "gender": "male",
    "item_group_id": "",
    "product_type": "Apparel > Vests",
}
FEED_PICTURES = ("dress.jpg", "dress-2.jpg", "dress-3.jpg", "vest.jpg")


@pytest.mark.parametrize("delimiter", ["\t", ","])
def test_a_google_feed_is_imported_without_options(take: Take, delimiter: str) -> None:
    larger = DRESS | {"id": "DR-38", "size": "38", "price": "84.90 EUR", "title": "Wrap Dress 38"}
    text = table(GOOGLE, DRESS, larger, VEST, delimiter=delimiter)
    result = take(text, *FEED_PICTURES)
    assert (reasons(result), result_counts(result)) == ([], (3, 0, 0, 0))
    assert result.dialect.startswith("Google, UTF-8, ")
    dress, vest = Product.objects.order_by("external_id")
    assert (dress.external_id, dress.name, dress.brand) == ("DR", "Wrap Dress", "Aster")
    assert (dress.category.path, dress.gender, dress.images.count()) == (
        *("apparel/dress", "Women"),
        3,
    )
    assert variants("DR") == [
        ("DR-36", "36", "Green", 0, "79.90"),
        ("DR-38", "38", "Green", 0, "84.90"),
    ]
    assert (vest.external_id, vest.gender, vest.currency) == ("VEST", "Boys", "USD")
    assert [(w.line, w.reason) for w in result.row_warnings] == [
        (3, "productDisplayName differs from line 2. The value of line 2 is used.")
    ]
    assert result.warnings[0].startswith("The file gives no stock for 2 new products")
    ignored = {"sale_price", "material", "availability", "link", "google_product_category"}
    assert ignored <= set(result.ignored_columns)
    assert result_counts(take(text, *FEED_PICTURES)) == (0, 0, 3, 0)


def test_a_google_feed_without_categories_needs_one(
    client: Client, send: Send, folder_of: Callable[..., Path], tmp_path: Path
) -> None:
    left_out = ("item_group_id", "product_type", "gender")
    columns = "|".join(c for c in GOOGLE.split("|") if c not in left_out).replace("_", " ")
    row = {name.replace("_", " "): text for name, text in VEST.items() if name not in left_out}
    folder = folder_of(table(columns, row, delimiter="\t"), *FEED_PICTURES)
    vests = make_category("Vests")
    pictures = zipped(folder / "images", tmp_path / "p.zip")
    upload = send((folder / "styles.csv").read_bytes(), pictures, name="feed.tsv")
    upload = act(client, upload, "check")
    assert upload.state == "refused"
    assert "Choose the category of new products" in upload.message
    upload = act(client, upload, "check", category=vests.path, gender="Girls")
    assert (upload.state, upload.imported) == ("checked", 1)
    act(client, upload, "start")
    product = Product.objects.get()
    assert (product.external_id, product.category, product.gender) == ("VEST", vests, "Girls")


# Pictures on the web


def test_the_command_fetches_pictures_from_named_hosts(
    folder_of: Callable[..., Path], serve_pictures: ServePictures, capsys: Any
) -> None:
    files = {
        f"{CDN}tee-front.jpg?v=1700000000": picture("blue"),
        f"{CDN}tee-back.jpg": picture("green"),
    }
    asked = serve_pictures(files)
    elsewhere = {"Image Src": "https://other.example.com/tee.jpg, https://[broken"}
    back = tee("M", "White", "LT-M-W", **{"Image Src": f"{CDN}tee-back.jpg"})
    rows = (TEE, back, {"Handle": "linen-tee"} | elsewhere, CAP)
    table_file = folder_of(table(SHOPIFY, *rows)) / "styles.csv"
    call_command("import_catalogue", str(table_file), fetch_images=["CDN.example.com"])
    assert sorted(asked) == sorted([*files, f"{CDN}cap.jpg"])
    assert Product.objects.get().images.count() == 2
    output = capsys.readouterr().out
    assert "the server answers 404" in output
    assert "Images on the web are not downloaded: https://other.example.com/tee.jpg" in output
    call_command("import_catalogue", str(table_file), fetch_images=["cdn.example.com"])
    assert re.search(r"unchanged +2\n", capsys.readouterr().out)
