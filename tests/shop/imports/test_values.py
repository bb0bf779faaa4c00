"""Unusual values of a shop's own files, and what the import reports about them."""

from __future__ import annotations

import zipfile
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client

from shop.catalogue.models import Category, Product, Variant
from shop.imports.jobs.run import import_catalogue
from shop.imports.models import GenderWord
from tests.factories import make_category, make_product
from tests.shop.imports.conftest import (
    NEW,
    SHIRT,
    SIZED_HEADER,
    SOLD_HEADER,
    ImportLines,
    MakeFolder,
    Send,
    act,
    picture,
    result_counts,
    row,
    sold_row,
    zipped,
)

pytestmark = pytest.mark.django_db


def test_common_words_for_genders_are_recognised_and_staff_add_others(
    import_lines: ImportLines, admin_client: Client
) -> None:
    words = ["women", "WOMEN", "Women's", "female", "Damen", "Ladies", "Kids", "Unisex", "Herren"]
    rows = [f"Z-{n},{word},{SHIRT[4:]},Shirt,9.00,1" for n, word in enumerate(words)]
    text = "\n".join([SOLD_HEADER, *rows])
    ids = [f"Z-{n}" for n in range(len(words))]
    result = import_lines(text, *ids)
    assert result_counts(result) == (8, 0, 0, 1)
    assert result.rejections[0].reason == (
        "gender is Kids; it must be empty or one of Women, Men, Girls, Boys, Unisex, or a word "
        "that staff add under Gender synonyms."
    )
    genders = dict(Product.objects.values_list("external_id", "gender"))
    assert [genders.get(i) for i in ids] == [*["Women"] * 6, None, "Unisex", "Men"]
    values = {"word": "Kid's", "gender": "Girls"}
    admin_client.post("/admin/imports/genderword/add/", values)
    assert list(GenderWord.objects.values_list("word", "gender")) == [("kids", "Girls")]
    assert result_counts(import_lines(text, *ids)) == (1, 0, 8, 0)


@pytest.mark.parametrize("damaged", ["4,00638E+12", "4.00638E12", "1e5"])
def test_an_id_in_scientific_notation_is_rejected(import_lines: ImportLines, damaged: str) -> None:
    make_product(external_id="123")
    Variant.objects.update(sku="123")
    result = import_lines(f"id;price;stock\n123;18,50;4\n{damaged};21,00;3\n")
    assert (result.updated, result.rejected) == (1, 1)
    assert result.rejections[0].reason == (
        f"id is {damaged}: a spreadsheet has shortened a long number. "
        "Format the column as text and "
        "save the file again."
    )


def test_an_amount_that_became_a_date_is_rejected_and_not_taken_for_a_currency(
    import_lines: ImportLines,
) -> None:
    make_product(external_id="1", price=Decimal("9.90")).variants.update(sku="1")
    result = import_lines("id;price;stock\n1;Sep 90;4\n2;19,90;Okt 90\n")
    assert [(r.line, r.reason) for r in result.rejections] == [
        (2, "price is Sep 90: a spreadsheet may have turned it into a date."),
        (3, "stock is Okt 90: a spreadsheet may have turned it into a date."),
    ]
    assert Product.objects.get().price == Decimal("9.90")


def test_sizes_that_became_dates_and_invisible_characters_are_reported(
    import_lines: ImportLines,
) -> None:
    header = f"{SOLD_HEADER},sku,size"
    sizes = ("04. Mrz", "3-Apr", "2026-03-04", "38", "M/L")
    rows = [f"{sold_row(n)},{n},{size}" for n, size in enumerate(sizes, 1)]
    rows[3] = rows[3].replace("Nike Men Blue", "Nike\u200b Men\ufeff Blue")
    result = import_lines("\n".join([header, *rows]), *"12345")
    assert result_counts(result) == (5, 0, 0, 0)
    assert [(w.line, w.column, w.reason) for w in result.row_warnings] == [
        (2, "size", "size is 04. Mrz: a spreadsheet may have turned it into a date."),
        (3, "size", "size is 3-Apr: a spreadsheet may have turned it into a date."),
        (4, "size", "size is 2026-03-04: a spreadsheet may have turned it into a date."),
        *[(5, "productDisplayName",
           "productDisplayName contained invisible characters, which were removed.")],
    ]  # fmt: skip
    assert Product.objects.get(external_id="4").name == "Nike Men Blue Jersey"


def test_a_price_that_changes_by_more_than_half_is_reported(client: Client, send: Send) -> None:
    for sku, price in (("A", "20.00"), ("B", "20.00"), ("C", "20.00")):
        make_product(external_id=sku, price=Decimal(price)).variants.update(sku=sku)
    upload = act(client, send("id,price\nA,199.00\nB,10.00\nC,9.99\n"), "check")
    assert (upload.updated, upload.rejected) == (3, 0)
    assert list(upload.errors.values_list("line", "reason", "is_warning")) == [
        (2, "The price changes from 20.00 to 199.00.", True),
        (4, "The price changes from 20.00 to 9.99.", True),
    ]


def test_new_categories_are_reported_with_a_similar_one_and_can_be_refused(
    client: Client, send: Send, make_folder: MakeFolder, tmp_path: Path
) -> None:
    make_product(category=make_category("Apparel", "Topwear", "Tshirts"))
    rows = [
        sold_row(n).replace("Topwear", name)
        for n, name in enumerate(("Topwaer", "TOPWEAR", "Top wear"), 1)
    ]
    folder = make_folder(*rows, header=SOLD_HEADER)
    upload = send(zipped(folder, tmp_path / "c.zip").read_bytes(), name="c.zip")
    upload = act(client, upload, "check")
    assert upload.imported == 3
    assert upload.warnings == [
        "4 new categories: Apparel / Topwaer (similar: Topwear), Apparel / Top wear (similar: "
        "Topwear), Topwaer / Tshirts, Top wear / Tshirts"
    ]
    before = Category.objects.count()
    upload = act(client, upload, "check", no_new_categories="on")
    assert (upload.imported, upload.rejected) == (1, 2)
    reason = "There is no category Topwaer; did you mean Topwear?"
    assert upload.errors.first().reason == reason
    act(client, upload, "start")
    assert (Product.objects.count(), Category.objects.count()) == (2, before)
    options = {"no_new_categories": True, "stdout": StringIO(), "report": tmp_path / "r.csv"}
    call_command("import_catalogue", str(folder), **options)
    assert reason in (tmp_path / "r.csv").read_text()


def test_all_errors_of_a_row_are_reported(client: Client, send: Send) -> None:
    row = 'SB-F,womn,Apparel,Topwear,Shirts,Blue,Summer,24,Casual,Women F,"19,90",SB-F,S,1.5'
    upload = act(client, send(f"{SIZED_HEADER}\n{row}\n"), "check")
    assert (upload.rejected, upload.read) == (1, 1)
    assert list(upload.errors.values_list("column", "value")) == [
        ("gender", "womn"),
        ("year", "24"),
        ("stock", "1.5"),
    ]


def test_names_and_categories_of_any_script_are_imported_with_a_url(
    import_lines: ImportLines, client: Client
) -> None:
    rows = [
        "Z-91,Women,Apparel,Topwear,Shirts,Blue,Summer,2024,Casual,Женская рубашка,19.90,5",
        "Z-92,Women,Ρούχα,Μπλούζες,Πουκάμισα,Blue,Summer,2024,Casual,Πουκάμισο,19.90,5",
        "Z-93,Women,Apparel,Topwear,Shirts,Blue,Summer,2024,Casual,青いシャツ,19.90,5",
        "Z-94,Women,Apparel,Übergrößen,Shirts,Żółty,Summer,2024,Casual,Żółta bluza,19.90,5",
    ]
    text = "\n".join([SOLD_HEADER, *rows])
    ids = ("Z-91", "Z-92", "Z-93", "Z-94")
    assert result_counts(import_lines(text, *ids)) == (4, 0, 0, 0)
    paths = dict(Product.objects.values_list("external_id", "category__path"))
    assert paths["Z-92"] == "ρούχα/μπλούζες/πουκάμισα"
    assert paths["Z-94"] == "apparel/ubergroen/shirts"  # as before
    for product in Product.objects.select_related("category"):
        assert client.get(product.get_absolute_url()).status_code == 200
        page = client.get(product.category.get_absolute_url())
        assert product.name in page.content.decode()
    category = Category.objects.get(name="Πουκάμισα")
    assert client.get("/sitemap.xml").status_code == 200
    assert category.get_absolute_url().isascii()
    assert result_counts(import_lines(text, *ids)) == (0, 0, 4, 0)


# Errors


def test_errors_name_the_uploaded_files(client: Client, carol: User, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("1.jpg", picture())
    empty = (tmp_path / "a.zip").read_bytes()
    for files, message in (
        ({"table": ("Herbst.zip", empty)}, "Herbst.zip contains neither styles.csv"),
        (
            {"table": ("a.csv", b"sku,stock\n"), "pictures": ("Fotos.zip", b"PK")},
            "Fotos.zip is neither a folder nor a readable ZIP",
        ),
    ):
        sent = {field: SimpleUploadedFile(*file) for field, file in files.items()}
        response = client.post(NEW, sent)
        assert response.status_code == 422
        page = response.content.decode()
        assert message in page
        assert str(tmp_path) not in page


def test_a_cell_that_is_too_long_is_reported(import_lines: ImportLines) -> None:
    make_product(external_id="1")
    result = import_lines(f"id,description\n1,{'x' * 140_000}\n")
    assert result.rejections[0].reason == "A cell has more than 131,072 characters."


# Descriptions and what is listed


def test_html_becomes_plain_paragraphs_and_lists(import_lines: ImportLines, client: Client) -> None:
    html = (
        "<p>Soft <b>organic</b> cotton.</p><ul><li>Machine wash</li><li>No bleach</li></ul>"
        "<script>alert(1)</script>&nbsp;Made in Porto &amp; Braga"
    )
    plain = "Soft cotton.\n\nWash at 30°\nSizes < 40 & > 30"
    rows = (f'{sold_row("Z-71")},"{html}"', f'{sold_row("Z-72")},"{plain}"')
    text = "\n".join([f"{SOLD_HEADER},description", *rows])
    assert result_counts(import_lines(text, "Z-71", "Z-72")) == (2, 0, 0, 0)
    one, two = Product.objects.order_by("external_id")
    words = "Soft organic cotton.\n\n• Machine wash\n• No bleach\n\nMade in Porto & Braga"
    assert (one.description, two.description) == (words, plain)
    page = client.get(one.get_absolute_url()).content.decode()
    assert "<p>Soft organic cotton.</p>" in page
    assert "• Machine wash<br>• No bleach" in page
    assert 'content="Soft organic cotton.' in page
    assert "alert(1)" not in page
    assert "\\u0026 Braga" in page
    assert result_counts(import_lines(text, "Z-71", "Z-72")) == (0, 0, 2, 0)


def test_the_listed_column_does_not_list_a_product_without_a_price(
    import_lines: ImportLines, tmp_path: Path
) -> None:
    header = f"{SOLD_HEADER},listed"
    rows = (f"{sold_row(1)},nein", f"{sold_row(2)},", f"{row(3)},,5,yes", f"{sold_row(4)},perhaps")
    result = import_lines("\n".join([header, *rows]), *"1234")
    assert result_counts(result) == (3, 0, 0, 1)
    assert result.rejections[0].reason == "listed is perhaps; enter yes or no."
    listed = Product.objects.order_by("external_id").values_list("listed", flat=True)
    assert list(listed) == [False, True, False]
    (tmp_path / "list.csv").write_text("id,listed\n1,yes\n2,no\n3,ja\n")
    result = import_catalogue(tmp_path / "list.csv")
    assert result_counts(result) == (0, 2, 1, 0)
    assert [w.reason for w in result.row_warnings] == [
        "The product has no price: it is not listed."
    ]
    assert list(listed.all()) == [True, False, False]
