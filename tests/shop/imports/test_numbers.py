"""Amounts in the notation of their file."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from shop.catalogue.models import Product, Variant
from shop.imports.errors import ImportProblem
from shop.imports.export import export_lines
from shop.imports.parsing.numbers import NotationDetector, read_number
from shop.imports.parsing.table import ReadOptions
from tests.factories import make_product
from tests.shop.imports.conftest import (
    GERMAN,
    SHIRT,
    SOLD_HEADER,
    WOMEN,
    ImportLines,
    MakeFolder,
    Send,
    act,
    prices,
    result_counts,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("text", "mark", "number"),
    [
        ("19,90", ",", "19.90"),
        ("1.249,00", ",", "1249.00"),
        ("1.234.567", ",", "1234567"),
        ("49", ",", "49"),
        ("19.9000", ".", "19.9000"),
        ("1,234.56", ".", "1234.56"),
        ("1'249.50", ".", "1249.50"),
        ("1 249,50", ",", "1249.50"),
        ("1\u202f249,50 €", ",", "1249.50"),
        ("€ 19.90", ".", "19.90"),
        ("CHF 19.-", ".", "19"),
        ("19,- EUR", ",", "19"),
        ("99,90 zł", ",", "99.90"),
        ("$1,249", ".", "1249"),
    ],
)
def test_an_amount_is_read_in_its_notation(text: str, mark: str, number: str) -> None:
    assert read_number(text, mark) == Decimal(number)


@pytest.mark.parametrize(
    ("text", "mark"),
    [("19,90", "."), ("19.90", ","), ("1,24,900", "."), ("-5", "."), ("5k", "."), ("1e3", "."),
     ("0,249", "."), ("", "."), ("NaN", "."), ("12/99", "."), ("(5.00)", "."), ("19%", ".")],
)  # fmt: skip
def test_invalid_amounts_are_not_read(text: str, mark: str) -> None:
    assert read_number(text, mark) is None


@pytest.mark.parametrize(
    ("values", "mark"),
    [
        (["49", "50"], "."),
        (["49", "19,90", "1.249"], ","),
        (["1,249", "5.0"], "."),
        (["19.9000"], "."),
        (["1.249.000"], ","),
    ],
)
def test_the_notation_is_detected_from_all_values(values: list[str], mark: str) -> None:
    detector = NotationDetector()
    for line, value in enumerate(values, 2):
        detector.add(line, value, is_price=True)
    assert detector.decide() == mark


def test_stock_decides_only_where_prices_do_not() -> None:
    detector = NotationDetector()
    detector.add(2, "5.0", is_price=False)
    detector.add(3, "1,249", is_price=True)
    assert detector.decide() == "."
    detector.add(4, "19,90", is_price=True)
    assert detector.decide() == ","


def test_a_german_file_is_read_in_its_notation(import_lines: ImportLines) -> None:
    lines = [f"Z-0{n};{WOMEN};Shirt;{price};2" for n, price in ((1, "19,90"), (2, "1.249,00"))]
    text = "\n".join([GERMAN, *lines, f"Z-03;{WOMEN};Shirt;49;5,0"])
    result = import_lines(text, "Z-01", "Z-02", "Z-03")
    assert result_counts(result) == (3, 0, 0, 0)
    assert result.dialect == "UTF-8, semicolon, 1.234,56"
    assert prices() == {"Z-01": "19.90", "Z-02": "1249.00", "Z-03": "49.00"}
    assert Variant.objects.get(sku="Z-03").stock == 5


def test_an_ambiguous_notation_must_be_chosen(import_lines: ImportLines) -> None:
    text = f"{GERMAN}\nZ-1;{WOMEN};Shirt;1.249;2\n"
    with pytest.raises(ImportProblem, match=r"Line 2: 1\.249 could mean 1\.249 or 1249\. Choose"):
        import_lines(text, "Z-1")
    assert not Product.objects.exists()
    result = import_lines(text, "Z-1", read_options=ReadOptions(decimal=","))
    assert (result_counts(result), prices()) == ((1, 0, 0, 0), {"Z-1": "1249.00"})


def test_with_two_notations_the_rows_in_the_other_are_rejected(import_lines: ImportLines) -> None:
    rows = (f"Z-1;{WOMEN};Shirt;19.90;2", f"Z-2;{WOMEN};Shirt;24,90;2")
    text = "\n".join([GERMAN, *rows])
    with pytest.raises(ImportProblem, match=r"Line 2 has the amount 19\.90, line 3 has 24,90"):
        import_lines(text, "Z-1", "Z-2")
    result = import_lines(text, "Z-1", "Z-2", read_options=ReadOptions(decimal="."))
    assert (result_counts(result), prices()) == ((1, 0, 0, 1), {"Z-1": "19.90"})
    assert result.rejections[0].reason == "price is 24,90; enter an amount above 0, such as 19.90."


def test_the_command_takes_the_decimal_mark(make_folder: MakeFolder) -> None:
    folder = make_folder(f'1,{SHIRT},Shirt,"1,249",2', header=SOLD_HEADER)
    with pytest.raises(CommandError, match="under “Decimal separator”"):
        call_command("import_catalogue", str(folder))
    call_command("import_catalogue", str(folder), decimal=".", report=folder / "report.csv")
    assert prices() == {"1": "1249.00"}


def test_a_price_list_is_mapped_and_unknown_skus_are_reported(client: Client, send: Send) -> None:
    make_product(external_id="SB-HTML", stock=0)
    Variant.objects.update(sku="SB-HTML")
    upload = send("Artikelnummer;Preis;Bestand\nSB-HTML;24,50;1.000\nSB-LINES;24;12\n")
    upload = act(client, upload, "check", column0="sku", column1="price", column2="stock")
    assert (upload.state, upload.dialect) == ("checked", "UTF-8, semicolon, 1.234,56")
    upload = act(client, upload, "start")
    assert (upload.updated, upload.rejected) == (1, 1)
    assert (prices(), Variant.objects.get().stock) == ({"SB-HTML": "24.50"}, 1000)
    assert "There is no product SB-LINES" in upload.errors.get().reason


def test_the_notation_can_be_chosen_on_the_page(client: Client, send: Send) -> None:
    sku = make_product().variants.get().sku
    upload = act(client, send(f"sku;price\n{sku};1.249\n"), "check")
    assert upload.state == "refused"
    page = client.get(upload.get_absolute_url()).content.decode()
    assert "could mean 1.249 or 1249." in page
    assert "1.234,56" in page
    upload = act(client, upload, "check", decimal=",")
    assert (upload.state, upload.updated) == ("checked", 1)
    act(client, upload, "start")
    assert Product.objects.get().price == 1249


def test_an_export_survives_a_german_spreadsheet(client: Client, send: Send) -> None:
    make_product(external_id="1", price=Decimal("1016.95"), description='Say "hi"; twice')
    make_product(external_id="2", price=Decimal("38.00"))
    text = "".join(export_lines()).removeprefix("\ufeff")
    cells = [line.split(",") for line in text.splitlines()]
    assert "1016.95" in text
    german = text.replace('"Say ""hi""; twice"', "TEXT").replace(",", ";").replace(".", ",")
    german = german.replace("TEXT", '"Say ""hi""; twice"')
    assert len(cells) == 3
    upload = act(client, send(german.encode("cp1252")), "check")
    assert (upload.unchanged, upload.rejected, upload.updated) == (2, 0, 0)
