"""Everyday files of shops, each through the staff's page and through the command."""

from __future__ import annotations

import csv
import html
import re
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.test import Client

from demo.catalogue.folder import write_demo_catalogue
from demo.catalogue.products import DemoProduct, demo_products
from shop.catalogue.models import Category, Product, Variant
from shop.imports.export import export_lines
from shop.imports.jobs.run import import_catalogue
from shop.imports.models import GenderWord
from tests.factories import make_category, make_product
from tests.shop.imports.conftest import HEADER, SOLD_HEADER, catalogue_contents
from tests.shop.imports.doors import Door

pytestmark = pytest.mark.django_db
SEMICOLONS = SOLD_HEADER.replace(",", ";")
SHIRT = "Women,Apparel,Topwear,Shirts,Blue,Summer,2024,Casual"
WOMEN = SHIRT.replace(",", ";")
SIZED_HEADER = f"{HEADER},price,sku,size,stock"
NOTHING = "," * 9


def lines(*rows: str, end: str = "\n") -> str:
    return end.join([*rows, ""])


def sold(i: str, name: str = "Shirt", shirt: str = SHIRT) -> str:
    return f"{i},{shirt},{name},19.90,5"


def sized(i: str, price: str, size: str, stock: int = 3, name: str = "Shirt") -> str:
    return f"{i},{SHIRT},{name},{price},{i}-{size},{size},{stock}"


def jpegs(*ids: str) -> list[str]:
    return [f"{i}.jpg" for i in ids]


def prices() -> dict[str | None, str]:
    return {p.external_id: str(p.price) for p in Product.objects.order_by("external_id")}


def variants() -> list[tuple[str, str, str, int]]:
    rows = Variant.objects.order_by("product__external_id", "position").select_related("product")
    return [(v.sku, v.size, str(v.unit_price), v.stock) for v in rows]


def images() -> dict[str | None, int]:
    products = Product.objects.order_by("external_id")
    return {product.external_id: product.images.count() for product in products}


# Amounts


def test_a_decimal_comma_is_read_as_one(door: Door) -> None:
    amounts = {"Z-01": "19,90", "Z-02": "1.249,00", "Z-03": "49"}
    rows = [f"{i};{WOMEN};Shirt;{amount};2" for i, amount in amounts.items()]
    outcome = door.bring(lines(SEMICOLONS, *rows), jpegs(*amounts))
    assert (outcome.counts, outcome.rejected, outcome.warned[1:]) == ((3, 0, 0, 0), [], [])
    assert outcome.notes[0] == "UTF-8, semicolon, 1.234,56"
    assert prices() == {"Z-01": "19.90", "Z-02": "1249.00", "Z-03": "49.00"}


def test_a_german_price_list_is_mapped_and_its_unknown_articles_are_named(door: Door) -> None:
    make_product(external_id="SB-HTML", price=Decimal("20.00"), stock=0)
    Variant.objects.update(sku="SB-HTML")
    table = lines("Artikelnummer;Preis;Bestand", "SB-HTML;24,50;1.000", "SB-LINES;24;12")
    outcome = door.bring(
        table, columns={"Artikelnummer": "sku", "Preis": "price", "Bestand": "stock"}
    )
    reason = "There is no product SB-LINES, and the row does not describe a new one."
    assert (outcome.counts, outcome.rejected) == ((0, 1, 0, 1), [(3, reason)])
    assert variants() == [("SB-HTML", "", "24.50", 1000)]


def test_a_price_list_of_unknown_columns_is_refused_and_its_header_named(door: Door) -> None:
    reason = door.refusal(lines("Artikelnummer;Preis;Bestand", "SB-HTML;24,50;1.000"))
    assert reason == (
        "We could not find your article numbers. Choose “sku” or “id” for the column that holds "
        "them, and “price” and “stock” for theirs. Columns: Artikelnummer, Preis, Bestand"
    )


def test_an_amount_that_could_be_two_is_asked_about_and_taken_as_told(door: Door) -> None:
    make_product(external_id="A", price=Decimal("1200.00")).variants.update(sku="A")
    table = lines("sku;price", "A;1.249")
    assert "Line 2: 1.249 could mean 1.249 or 1249. Choose" in door.refusal(table)
    assert door.bring(table, decimal=",").counts == (0, 1, 0, 0)
    assert prices() == {"A": "1249.00"}


def test_signs_of_currencies_and_zeros_behind_two_decimals_do_no_harm(door: Door) -> None:
    amounts = {"1": "€ 19.9000", "2": "CHF 1'249.50", "3": "5.0", "4": "24.90 EUR"}
    rows = [f"{i};{WOMEN};Shirt;{amount};5.0" for i, amount in amounts.items()]
    assert door.bring(lines(SEMICOLONS, *rows), jpegs(*amounts)).counts == (4, 0, 0, 0)
    assert prices() == {"1": "19.90", "2": "1249.50", "3": "5.00", "4": "24.90"}
    assert set(Variant.objects.values_list("stock", flat=True)) == {5}


# What spreadsheets do


def test_leading_zeros_make_another_product(door: Door) -> None:
    table = lines(SOLD_HEADER, sold("00123", "Blue"), sold("123", "Red"))
    assert door.bring(table, jpegs("00123", "123")).counts == (2, 0, 0, 0)
    names = Product.objects.order_by("external_id").values_list("external_id", "name")
    assert list(names) == [("00123", "Blue"), ("123", "Red")]
    assert len(set(Product.objects.values_list("images__file", flat=True))) == 2


def test_an_id_in_scientific_notation_is_named_as_damaged(door: Door) -> None:
    make_product(external_id="123", price=Decimal("18.00")).variants.update(sku="123")
    outcome = door.bring(lines("id;price;stock", "123;18,50;4", "4,00638E+12;21,00;3"))
    reason = (
        "id is 4,00638E+12: a spreadsheet has shortened a long number. Format the column as text "
        "and save the file again."
    )
    assert (outcome.counts, outcome.rejected) == ((0, 1, 0, 1), [(3, reason)])
    assert variants() == [("123", "", "18.50", 4)]


def test_sizes_that_became_dates_are_named(door: Door) -> None:
    sizes = ("04. Mrz", "3-Apr", "38")
    rows = [sized(str(n), "19.90", size) for n, size in enumerate(sizes)]
    outcome = door.bring(lines(SIZED_HEADER, *rows), jpegs("0", "1", "2"))
    dates = [(line, reason) for line, reason in outcome.warned if "date" in reason]
    assert [(line, reason) for line, reason in dates if reason.startswith("size")] == [
        (2, "size is 04. Mrz: a spreadsheet may have turned it into a date."),
        (3, "size is 3-Apr: a spreadsheet may have turned it into a date."),
    ]


# The shape of the table


def test_empty_columns_behind_the_last_are_left_out(door: Door) -> None:
    table = lines(f"{SEMICOLONS};;", f"Z-31;{WOMEN};Shirt;19.90;5;;")
    assert door.bring(table, jpegs("Z-31")).counts == (1, 0, 0, 0)
    assert variants() == [("Z-31", "", "19.90", 5)]


def test_cells_that_rows_leave_out_at_their_end_are_empty(door: Door) -> None:
    table = lines(
        f"{SEMICOLONS};description",
        f"Z-32;{WOMEN};Blue;19.90;5;Soft",
        f"Z-33;{WOMEN};Red;19.90;5",
        f"Z-34;{WOMEN};Tan",
    )
    outcome = door.bring(table, jpegs("Z-32", "Z-33", "Z-34"))
    assert outcome.counts == (3, 0, 0, 0)
    assert (4, "The price is empty: the product is imported, but not listed.") in outcome.warned
    found = Product.objects.order_by("external_id")
    assert list(found.values_list("price", "stock", "description", "listed")) == [
        (Decimal("19.90"), 5, "Soft", True),
        (Decimal("19.90"), 5, "", True),
        (None, 0, "", False),
    ]


@pytest.mark.parametrize("before", ["sep=;\r\n", "\r\n", "\ufeffsep=;\r\n", ";;;\r\n\r\n"])
def test_the_header_is_found_below_other_lines(door: Door, before: str) -> None:
    table = before + lines(SEMICOLONS, f"Z-41;{WOMEN};Shirt;19.90;5", end="\r\n")
    assert door.bring(table, jpegs("Z-41")).counts == (1, 0, 0, 0)
    assert variants() == [("Z-41", "", "19.90", 5)]


def test_two_columns_for_one_value_are_named_and_cured_by_ignoring_one(door: Door) -> None:
    header = f"{HEADER},price,Price"
    table = lines(header, f"Z-51,{SHIRT},Shirt,19.90,24.90")
    assert door.refusal(table, jpegs("Z-51")) == (
        "Columns K (price) and L (Price) are both mapped to price. Ignore one of them, or rename "
        "it in the file."
    )
    assert not Product.objects.exists()
    assert door.bring(table, jpegs("Z-51"), columns={"price": ""}).counts == (1, 0, 0, 0)
    assert prices() == {"Z-51": "24.90"}


def test_two_columns_of_one_name_that_are_not_read_do_no_harm(door: Door) -> None:
    table = lines(f"{SOLD_HEADER},Note,Note", f"{sold('1')},a,b")
    assert door.bring(table, jpegs("1")).counts == (1, 0, 0, 0)


def test_a_column_is_given_another_meaning_by_its_name(door: Door) -> None:
    table = lines(f"{SOLD_HEADER},Farbe", f"{sold('1')},Rot")
    columns = {"Farbe": "baseColour", "baseColour": ""}
    assert door.bring(table, jpegs("1"), columns=columns).counts == (1, 0, 0, 0)
    assert Product.objects.get().base_colour == "Rot"


# Pictures


def test_pictures_find_their_products_by_usual_names(door: Door) -> None:
    ids = [f"Z-6{n}" for n in range(1, 8)]
    table = lines(SOLD_HEADER, *[sold(i, f"Women Blue Shirt {i}") for i in ids])
    names = (
        *("Z-61_1.jpg", "Z-62-1.jpg", "z-63.jpg", "Z-64.JPG", "Z-65.jpeg", "Z-65_2.jpeg"),
        *("Z-66 (1).jpg", "Z-67_back.jpg", "Z-67_front.jpg"),
    )
    outcome = door.bring(table, names)
    assert (outcome.counts, outcome.rejected) == ((7, 0, 0, 0), [])
    assert images() == dict.fromkeys(ids, 1) | {"Z-65": 2, "Z-67": 2}
    heights = Product.objects.get(external_id="Z-67").images.order_by("position")
    assert list(heights.values_list("height", flat=True)) == [88, 87]  # the front is first


def test_a_number_behind_an_id_does_not_take_another_ids_picture(door: Door) -> None:
    table = lines(SOLD_HEADER, sold("TEE-1", "Blue"), sold("TEE-1-2", "Red"))
    assert door.bring(table, jpegs("TEE-1-2", "TEE-1")).counts == (2, 0, 0, 0)
    assert images() == {"TEE-1": 1, "TEE-1-2": 1}
    files = Product.objects.order_by("external_id").values_list("images__height", flat=True)
    assert list(files) == [81, 80]


def test_pictures_that_no_row_takes_are_listed_with_the_nearest_id(door: Door) -> None:
    names = ("SB-PIX.jpg", "SBPIX.jpg", "SB-PIX-red.jpg", "other.jpg")
    outcome = door.bring(lines(SOLD_HEADER, sold("SB-PIX")), names)
    assert outcome.counts == (1, 0, 0, 0)
    unused = [(line, reason) for line, reason in outcome.warned if isinstance(line, str)]
    assert sorted(unused) == [
        ("SB-PIX-red.jpg", "This image belongs to no row; the most similar ID is SB-PIX."),
        ("SBPIX.jpg", "This image belongs to no row; the most similar ID is SB-PIX."),
        ("other.jpg", "This image belongs to no row."),
    ]
    assert any(note.startswith("3 images belong to no row: ") for note in outcome.notes)


def test_the_pictures_that_a_row_names_come_first(door: Door) -> None:
    table = lines(f"{SOLD_HEADER},images", f"{sold('1')},b.jpg|a.png")
    assert door.bring(table, ("1.jpg", "a.png", "b.jpg")).counts == (1, 0, 0, 0)
    heights = Product.objects.get().images.order_by("position").values_list("height", flat=True)
    assert list(heights) == [82, 81, 80]


# Words


def test_html_in_a_description_becomes_text_with_line_breaks(door: Door, client: Client) -> None:
    markup = (
        "<p>Soft <b>organic</b> cotton.</p><ul><li>Machine wash</li></ul>"
        "&nbsp;Made in Porto &amp; Braga"
    )
    plain = "Soft cotton.\n\nWash at 30°\nDo not bleach"
    table = lines(
        f"{SOLD_HEADER},description", f'{sold("Z-71")},"{markup}"', f'{sold("Z-72")},"{plain}"'
    )
    assert door.bring(table, jpegs("Z-71", "Z-72")).counts == (2, 0, 0, 0)
    one, two = Product.objects.order_by("external_id")
    assert one.description == "Soft organic cotton.\n\n• Machine wash\n\nMade in Porto & Braga"
    assert two.description == plain
    page = client.get(one.get_absolute_url()).content.decode()
    assert "<p>Soft organic cotton.</p>" in page
    assert "<p>Made in Porto &amp; Braga</p>" in page
    meta = re.search(r'<meta\s+name="description"\s+content="([^"]*)"', page)
    assert meta is not None
    assert html.unescape(meta[1]).startswith("Soft organic cotton.")
    assert "<" not in html.unescape(meta[1])
    linked = re.search(r'"description": ?"((?:[^"\\]|\\.)*)"', page)
    assert linked is not None
    assert "Soft organic cotton." in linked[1]
    assert "<b>" not in linked[1]
    assert "u003Cb" not in linked[1]
    page = client.get(two.get_absolute_url()).content.decode()
    assert "Wash at 30°<br>Do not bleach" in page


def test_usual_words_for_genders_are_understood_and_others_asked_about(door: Door) -> None:
    words = ("women", "WOMEN", "Women's", "female", "Damen", "Ladies", "Kids", "Unisex")
    rows = [
        sold(f"Z-8{n}", f"Shirt {n}", SHIRT.replace("Women", word)) for n, word in enumerate(words)
    ]
    table, ids = lines(SOLD_HEADER, *rows), [f"Z-8{n}" for n in range(8)]
    outcome = door.bring(table, jpegs(*ids))
    assert (outcome.counts, outcome.rejected) == (
        (7, 0, 0, 1),
        [
            (
                8,
                "gender is Kids; it must be empty or one of Women, Men, Girls, Boys, Unisex, or a "
                "word that staff add under Gender synonyms.",
            )
        ],
    )
    genders = Product.objects.order_by("external_id").values_list("gender", flat=True)
    assert list(genders) == [*["Women"] * 6, "Unisex"]
    GenderWord.objects.create(word="kids", gender="Girls")
    assert door.bring(table, jpegs(*ids)).counts == (1, 0, 7, 0)
    assert Product.objects.get(external_id="Z-86").gender == "Girls"


def test_names_and_categories_of_any_script_come_in_and_have_addresses(
    door: Door, client: Client
) -> None:
    rows = (
        sold("Z-91", "Женская рубашка синяя"),
        sold("Z-92", "Πουκάμισο μπλε", "Women,Ρούχα,Μπλούζες,Πουκάμισα,Blue,Summer,2024,Casual"),
        sold("Z-93", "青いシャツ"),
        sold("Z-94", "Żółta bluza", SHIRT.replace("Blue", "Żółty")),
    )
    ids = ("Z-91", "Z-92", "Z-93", "Z-94")
    assert door.bring(lines(SOLD_HEADER, *rows), jpegs(*ids)).counts == (4, 0, 0, 0)
    for product in Product.objects.select_related("category"):
        assert product.get_absolute_url().isascii()
        assert client.get(product.get_absolute_url()).status_code == 200
        page = client.get(product.category.get_absolute_url()).content.decode()
        assert product.name in page
    assert Category.objects.filter(path="ρούχα/μπλούζες/πουκάμισα").exists()


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-16", "Żółta bluza"),
        ("cp1250", "Żółta bluza damska z długim rękawem"),
        ("cp1252", "Weiße Hose – 19 €"),
        ("mac_roman", "Crème brûlée garçon, déjà vu"),
    ],
)
def test_the_encoding_of_the_file_is_found(door: Door, encoding: str, name: str) -> None:
    table = lines(SEMICOLONS, f"1;{WOMEN};{name};19.90;5")
    assert door.bring(table.encode(encoding), jpegs("1")).counts == (1, 0, 0, 0)
    assert Product.objects.get().name == name


def test_an_encoding_that_was_guessed_wrongly_is_changed(door: Door) -> None:
    make_product(external_id="A", name="Ing")
    table = lines("id;productDisplayName", "A;Kék női ing").encode("cp1250")
    assert door.bring(table, encoding="cp1250").counts == (0, 1, 0, 0)
    assert Product.objects.get().name == "Kék női ing"


# Variants


def test_child_rows_and_repeated_rows_give_the_same_sizes(door: Door) -> None:
    child = lines(
        SIZED_HEADER,
        sized("Z-101", "19.90", "S"),
        f"{NOTHING},,Z-101-M,M,4",
        f"Z-101{NOTHING},,Z-101-L,L,2",
    )
    outcome = door.bring(child, jpegs("Z-101"))
    assert (outcome.counts, outcome.rejected) == ((3, 0, 0, 0), [])
    repeated = lines(
        SIZED_HEADER,
        sized("Z-102", "19.90", "S"),
        sized("Z-102", "19.90", "M", 4),
        sized("Z-102", "19.90", "L", 2),
    )
    assert door.bring(repeated, jpegs("Z-102")).counts == (3, 0, 0, 0)
    assert variants() == [
        (f"{i}-{size}", size, "19.90", stock)
        for i in ("Z-101", "Z-102")
        for size, stock in (("S", 3), ("M", 4), ("L", 2))
    ]


def test_a_repeated_sku_is_refused_by_its_line(door: Door) -> None:
    rows = [sized("Z-102", price, size) for price, size in (("19.90", "M"), ("24.90", "L"))]
    table = lines(SIZED_HEADER, *rows, sized("Z-102", "19.90", "M", 9))
    outcome = door.bring(table, jpegs("Z-102"))
    reason = "The SKU is already on line 2; it must be unique."
    assert (outcome.counts, outcome.rejected) == ((2, 0, 0, 1), [(4, reason)])
    assert variants() == [("Z-102-M", "M", "19.90", 3), ("Z-102-L", "L", "24.90", 3)]


def test_a_price_that_differs_by_size_is_the_variants_own(door: Door) -> None:
    amounts = zip("SML", ("19.90", "19.90", "24.90"), strict=True)
    rows = [sized("SB-DIFF", amount, size) for size, amount in amounts]
    assert door.bring(lines(SIZED_HEADER, *rows), jpegs("SB-DIFF")).counts == (3, 0, 0, 0)
    assert [(size, price) for _sku, size, price, _stock in variants()] == [
        ("S", "19.90"), ("M", "19.90"), ("L", "24.90"),
    ]  # fmt: skip
    assert prices() == {"SB-DIFF": "19.90"}


def test_where_rows_of_one_product_disagree_the_first_counts_and_the_check_says_so(
    door: Door,
) -> None:
    rows = (sized("1", "19.90", "S"), sized("1", "19.90", "M", name="Jumper"))
    outcome = door.bring(lines(SIZED_HEADER, *rows), jpegs("1"))
    assert outcome.counts == (2, 0, 0, 0)
    reason = "productDisplayName differs from line 2. The value of line 2 is used."
    assert (3, reason) in outcome.warned
    assert Product.objects.get().name == "Shirt"


# Nothing is invented


def test_a_product_without_price_and_stock_comes_in_unlisted_and_sold_out(
    door: Door, client: Client
) -> None:
    table = lines(SIZED_HEADER, f"SB-NOP,{SHIRT},Women NoPrice Shirt,,SB-NOP-S,S,")
    outcome = door.bring(table, jpegs("SB-NOP"))
    reason = "The price is empty: the product is imported, but not listed."
    assert (outcome.counts, outcome.rejected, outcome.warned) == ((1, 0, 0, 0), [], [(2, reason)])
    assert any("no stock for 1 new product: it will be sold out" in note for note in outcome.notes)
    product = Product.objects.get()
    assert (product.price, product.listed, product.stock) == (None, False, 0)
    assert variants() == [("SB-NOP-S", "S", "None", 0)]
    assert client.get("/products/").status_code == 200
    assert client.get("/api/v1/products/").json()["results"] == []


def test_a_row_without_a_name_or_a_picture_is_rejected(door: Door) -> None:
    outcome = door.bring(lines(SOLD_HEADER, sold("1", ""), sold("2")), jpegs("1"))
    assert (outcome.counts, outcome.rejected) == (
        (0, 0, 0, 2),
        [(2, "productDisplayName is empty."), (3, "There is no image 2.jpg.")],
    )
    assert not Product.objects.exists()


# What the check says


def test_new_categories_are_named_with_the_nearest_one_and_can_be_refused(door: Door) -> None:
    make_product(category=make_category("Apparel", "Topwear", "Shirts"))
    names = {"SB-CAT1": "Topwaer", "SB-CAT2": "TOPWEAR", "SB-CAT3": "Top wear"}
    rows = [sold(i, "Shirt", SHIRT.replace("Topwear", name)) for i, name in names.items()]
    table = lines(SOLD_HEADER, *rows)
    outcome = door.bring(table, jpegs(*names), no_new_categories=True)
    assert (outcome.counts, outcome.rejected) == (
        (1, 0, 0, 2),
        [
            (2, "There is no category Topwaer; did you mean Topwear?"),
            (4, "There is no category Top wear; did you mean Topwear?"),
        ],
    )
    assert Product.objects.get(external_id="SB-CAT2").category.path == "apparel/topwear/shirts"
    outcome = door.bring(table, jpegs(*names))
    assert outcome.counts == (2, 0, 1, 0)
    assert (
        "4 new categories: Apparel / Topwaer (similar: Topwear), Apparel / Top wear (similar: "
        "Topwear), Topwaer / Shirts, Top wear / Shirts"
    ) in outcome.notes


def test_all_faults_of_a_row_are_told(door: Door) -> None:
    shirt = "womn,Apparel,Topwear,Shirts,Blue,Summer,24,Casual"
    table = lines(SIZED_HEADER, f'SB-F,{shirt},Women F,"19,90",SB-F,S,1.5')
    outcome = door.bring(table)
    assert outcome.counts == (0, 0, 0, 1)
    assert [line for line, _reason in outcome.rejected] == [2, 2, 2]
    assert [reason.split(" ")[0] for _line, reason in outcome.rejected] == [
        "gender", "year", "stock",
    ]  # fmt: skip


def test_amounts_of_two_notations_in_one_row_are_not_all_refused(door: Door) -> None:
    shirt = "women,Apparel,Topwear,Shirts,Blue,Summer,24,Casual"
    outcome = door.bring(lines(SIZED_HEADER, f'SB-F,{shirt},Women F,"19,90",SB-F,S,1.0'))
    assert (outcome.counts, outcome.rejected) == (
        (0, 0, 0, 1),
        [(2, "year is 24; it must be empty or 1990 to 2100.")],
    )


def test_a_price_that_changes_by_more_than_half_is_named(door: Door) -> None:
    make_product(external_id="A", price=Decimal("20.00")).variants.update(sku="A")
    outcome = door.bring(lines("id,price", "A,199.00"))
    assert (outcome.counts, outcome.warned) == (
        (0, 1, 0, 0),
        [(2, "The price changes from 20.00 to 199.00.")],
    )


def test_invisible_characters_are_removed_and_named(door: Door) -> None:
    outcome = door.bring(lines(SOLD_HEADER, sold("1", "Blue\u200b Shirt")), jpegs("1"))
    reason = "productDisplayName contained invisible characters, which were removed."
    assert (2, reason) in outcome.warned
    assert Product.objects.get().name == "Blue Shirt"


def test_pictures_on_the_web_are_named_and_not_fetched(door: Door) -> None:
    address = "https://shop.example.com/a.jpg"
    outcome = door.bring(lines(f"{SOLD_HEADER},image", f"{sold('1')},{address}"), jpegs("1"))
    assert outcome.counts == (1, 0, 0, 0)
    assert (2, f"Images on the web are not downloaded: {address}") in outcome.warned


# Our own export of the demo shop, as a German Excel saves it


OLD_EXPORT = (
    *("id", "gender", "masterCategory", "subCategory", "articleType", "baseColour", "season"),
    *("year", "usage", "productDisplayName", "brand", "price", "currency", "stock", "description"),
    *("sku", "size", "variantColour", "variantPrice", "categoryPath"),
)


@pytest.fixture
def demo_shop(tmp_path: Path) -> list[DemoProduct]:
    """Import the first three products of the demo."""
    products = demo_products()[:3]
    write_demo_catalogue(tmp_path / "demo", products)
    result = import_catalogue(tmp_path / "demo")
    assert (result.imported, result.rejected) == (result.read, 0)
    return products


def test_our_export_of_the_demo_comes_back_unchanged_from_a_german_spreadsheet(
    door: Door, demo_shop: list[DemoProduct]
) -> None:
    before = catalogue_contents()
    exported = list(csv.DictReader(StringIO("".join(export_lines()).removeprefix("\ufeff"))))
    text = StringIO()
    writer = csv.DictWriter(text, OLD_EXPORT, extrasaction="ignore", delimiter=";")
    writer.writeheader()
    for row in exported:
        writer.writerow(row | {"price": row["price"].replace(".", ",")})
    outcome = door.bring(text.getvalue().encode("cp1252"))
    assert len(exported) == Variant.objects.count() > 3
    assert outcome.counts == (0, 0, len(exported), 0)
    assert (outcome.rejected, outcome.warned) == ([], [])
    assert outcome.notes == ["UTF-8, semicolon, 1.234,56"]
    assert catalogue_contents() == before
