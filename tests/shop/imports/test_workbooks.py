"""Excel workbooks are imported and exported."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from openpyxl import Workbook, load_workbook

from shop.catalogue.models import Product, Variant
from shop.imports.errors import ImportProblem
from shop.imports.jobs.run import import_catalogue
from tests.factories import make_product, make_variant
from tests.shop.imports.conftest import (
    NEW,
    Send,
    act,
    catalogue_contents,
    picture,
    result_counts,
)

pytestmark = pytest.mark.django_db
HEADER = (
    *("id", "gender", "masterCategory", "subCategory", "articleType", "baseColour", "season"),
    *("year", "usage", "productDisplayName", "price", "stock"),
)
SHIRT = ("Men", "Apparel", "Topwear", "Tshirts", "Blue", "Summer", 2012, "Casual", "Shirt")


def workbook(**sheets: Sequence[Sequence[Any]]) -> bytes:
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def pictures(path: Path, *ids: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for number, i in enumerate(ids):
            archive.writestr(f"{i}.jpg", picture(size=(60, 80 + number)))
    return path


def test_a_workbook_is_imported_on_the_upload_page(
    client: Client, send: Send, tmp_path: Path
) -> None:
    rows = [
        (), HEADER, ("00123", *SHIRT, 19.9, 5), (123, *SHIRT, "1.249,00", 2.0), (),
        ("C-1", *SHIRT, "24,90", 1, None, ""),
    ]  # fmt: skip
    book = workbook(Articles=rows, Notes=[["nothing"]])
    upload = send(book, pictures(tmp_path / "p.zip", "00123", "123", "C-1"), name="new.xlsx")
    assert (upload.dialect, upload.sheets, upload.encoding) == (
        "Excel, sheet Articles",
        ["Articles", "Notes"],
        "",
    )
    assert "Notes" in client.get(upload.get_absolute_url()).content.decode()
    upload = act(client, upload, "check")
    assert (upload.state, upload.imported, upload.rejected) == ("checked", 3, 0)
    act(client, upload, "start")
    values = Product.objects.order_by("external_id").values_list("external_id", "price", "stock")
    assert list(values) == [
        ("00123", Decimal("19.90"), 5),
        ("123", Decimal("1249.00"), 2),
        ("C-1", Decimal("24.90"), 1),
    ]


def test_another_sheet_is_chosen(client: Client, send: Send, tmp_path: Path) -> None:
    sku = make_product(stock=5).variants.get().sku
    book = workbook(Notes=[["a", "b"], ["x", "y"]], Stock=[["sku", "stock"], [sku, 9]])
    upload = act(client, send(book, name="new.xlsx"), "check")
    assert upload.state == "refused"
    upload = act(client, upload, "check", sheet="Stock")
    assert (upload.state, upload.columns, upload.updated) == ("checked", ["sku", "stock"], 1)
    path = tmp_path / "stock.xlsx"
    path.write_bytes(book)
    with pytest.raises(CommandError, match=r"has no sheet Stok\. It has: Notes, Stock"):
        call_command("import_catalogue", str(path), "--sheet", "Stok")
    call_command("import_catalogue", str(path), "--sheet", "Stock", stdout=StringIO())
    assert Variant.objects.get().stock == 9


def test_a_formula_without_a_value_rejects_its_row(tmp_path: Path) -> None:
    product = make_product(stock=5)
    make_variant(product, sku="B", size="B", stock=1)
    sku = product.variants.first().sku
    path = tmp_path / "stock.xlsx"
    path.write_bytes(workbook(Stock=[["sku", "stock"], [sku, "=1+1"], ["B", 9]]))
    result = import_catalogue(path)
    assert (result.updated, result.rejected) == (1, 1)
    text = "Column B contains a formula without a value. Open the file in Excel and save it again."
    assert (result.rejections[0].line, result.rejections[0].reason) == (2, text)
    assert Variant.objects.get(sku=sku).stock == 5


def test_a_cell_with_more_text_than_postgresql_can_index_rejects_its_row(tmp_path: Path) -> None:
    make_product(external_id="1", stock=5)
    make_product(external_id="2", stock=5)
    rows = [["id", "stock", "description"], ["1", "7", "Soft."], ["2", "7", "LONG"]]
    long = " ".join(f"w{number}" for number in range(200_000))
    path = tmp_path / "long.xlsx"
    with (
        zipfile.ZipFile(BytesIO(workbook(Products=rows))) as book,
        zipfile.ZipFile(path, "w") as changed,
    ):
        for name in book.namelist():
            changed.writestr(name, book.read(name).replace(b"LONG", long.encode()))
    result = import_catalogue(path)
    assert result_counts(result) == (0, 1, 0, 1)
    reason = "A cell has more than 131,072 characters."
    assert [(r.line, r.reason) for r in result.rejections] == [(3, reason)]


def test_numbers_show_the_zeros_of_their_format_and_dates_stay_dates(tmp_path: Path) -> None:
    make_variant(make_product(), sku="00123", size="S")
    book = Workbook()
    book.active.append(["sku", "size", "stock"])
    book.active.append([123, datetime(2026, 3, 4), 7])
    book.active["A2"].number_format = "00000"
    book.save(tmp_path / "a.xlsx")
    result = import_catalogue(tmp_path / "a.xlsx")
    variant = Variant.objects.get(sku="00123")
    assert (result.updated, variant.stock, variant.size) == (1, 7, "2026-03-04T00:00:00")


def test_a_zip_may_contain_one_table_of_any_name(tmp_path: Path) -> None:
    path = pictures(tmp_path / "c.zip", "1")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("Herbst 2026.xlsx", workbook(A=[HEADER, ("1", *SHIRT, 9, 1)]))
    assert result_counts(import_catalogue(path)) == (1, 0, 0, 0)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other.csv", "sku,stock\n")
    with pytest.raises(ImportProblem, match=r"contains: Herbst 2026\.xlsx, other\.csv"):
        import_catalogue(path)


@pytest.mark.parametrize("damage", ["cut", "cut sheet", "bomb", "entities"])
def test_a_damaged_or_hostile_workbook_is_refused(
    client: Client, carol: Any, settings: Any, damage: str
) -> None:
    book = workbook(A=[["sku", "stock"], ["A", 1]])
    parts = {i.filename: zipfile.ZipFile(BytesIO(book)).read(i) for i in _infos(book)}
    if damage == "cut":
        parts["xl/workbook.xml"] = parts["xl/workbook.xml"][:200]
    elif damage == "cut sheet":
        parts["xl/worksheets/sheet1.xml"] = parts["xl/worksheets/sheet1.xml"][:-40]
    elif damage == "bomb":
        settings.IMPORT_MAX_UNPACKED_BYTES = 10_000_000
        parts["xl/worksheets/sheet1.xml"] += b" " * 20_000_000
    else:
        entities = b'<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>'
        parts["xl/workbook.xml"] = entities + parts["xl/workbook.xml"]
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    response = client.post(NEW, {"table": SimpleUploadedFile("a.xlsx", buffer.getvalue())})
    assert response.status_code == 422
    page = response.content.decode()
    assert ("would unpack to" if damage == "bomb" else "as an Excel workbook") in page


def _infos(book: bytes) -> list[zipfile.ZipInfo]:
    return zipfile.ZipFile(BytesIO(book)).infolist()


def test_a_workbook_export_can_be_imported_unchanged(
    client: Client, send: Send, tmp_path: Path
) -> None:
    product = make_product(
        external_id="00123", name="=HYPERLINK(1)", description="'=x\nTwo\x0b", price=Decimal("9.90")
    )
    Product.objects.update(description="'=x\nTwo")
    make_variant(product, sku="3-4", size="3-4", price=Decimal("1012.00"))
    make_product(price=None, listed=False)
    before = catalogue_contents()
    response = client.get("/admin/imports/upload/export/?format=xlsx")
    data = b"".join(response)
    sheet = load_workbook(BytesIO(data)).active
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {(cell.data_type, cell.number_format) for cell in cells} == {("s", "@")}
    assert sheet["A2"].value == "00123"
    upload = act(client, send(data, name="catalogue.xlsx"), "start")
    assert (upload.unchanged, upload.updated, upload.rejected, catalogue_contents()) == (
        3,
        0,
        0,
        before,
    )
    call_command("export_catalogue", str(tmp_path / "out.xlsx"), stdout=StringIO())
    result = import_catalogue(tmp_path / "out.xlsx")
    assert (result_counts(result), catalogue_contents()) == ((0, 0, 3, 0), before)
