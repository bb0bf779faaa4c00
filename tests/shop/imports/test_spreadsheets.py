"""Our export, opened and saved by spreadsheets of two languages, and imported again."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal
from io import BytesIO, StringIO

import pytest

from shop.catalogue.models import Variant
from shop.imports.export import export_lines, write_workbook
from tests.factories import make_product, make_variant
from tests.shop.imports.conftest import catalogue_contents
from tests.shop.imports.doors import Door, Outcome
from tests.shop.imports.spreadsheets import (
    ENGLISH,
    GERMAN,
    GERMAN_IMPORT,
    Excel,
    save_workbook,
)

pytestmark = pytest.mark.django_db
EXCELS = {"english": ENGLISH, "german": GERMAN, "german, by importing": GERMAN_IMPORT}
# In which 16.9500 or 16,95 is no other value than 16.95.
AMOUNTS = ("price", "variantPrice", "stock", "year")
FORMATS = {
    "as it was": {},
    "english": {"price": "[$$-409]#,##0.00", "variantPrice": "0.00", "stock": "#,##0", "year": "0"},
    "german": {"price": "#,##0.00\\ [$€-407]", "stock": "#,##0.00", "year": "General"},
}


def add(i: str, *sizes: str, price: str = "16.95", **values: str) -> None:
    product = make_product(external_id=i, price=Decimal(price), **values)
    Variant.objects.filter(product=product).delete()
    for number, size in enumerate(sizes):
        make_variant(product, sku=f"{i}-{size}" if size else i, size=size, position=number)


@pytest.fixture
def plain_shop() -> None:
    """Fill the shop with what a spreadsheet has no reason to change."""
    add("100001", "S", "M", "L", price="1016.95", year=2024)
    Variant.objects.filter(size="L").update(price=Decimal("1024.95"), stock=1250)
    add("A-7", "38", "40", price="38.00", name="Größe; „weit“", base_colour="Weiß")
    add("B7", "", description='Say "hi";\ntwice, 3-4 times\n\n=SUM(A1)', brand="'quoted'")


@pytest.fixture
def treacherous_shop(plain_shop: None) -> None:
    """Add what spreadsheets take for a number or a date, and letters that they lose."""
    add("00123", "")
    add("123", "", price="38.00")
    add("007", "")
    add("Kids", "3-4", "5-6", "1/2", "11-12")
    add("Shoe", "38.5", "39.0", "08")
    add("4006381333931", "")
    add("12E5", "")
    add("Dates", "S", price="9.90")
    add("More", "S", price="5.10")
    add("Z-1", "S", name="Żółta bluza", base_colour="Żółty", description="Długi rękaw 😀\n\nLato")


def rows(data: bytes, encoding: str, delimiter: str) -> list[list[str]]:
    text = StringIO(data.decode(encoding), newline="")
    return list(csv.reader(text, delimiter=delimiter))


def export() -> bytes:
    return "".join(export_lines()).encode()


def export_workbook() -> bytes:
    buffer = BytesIO()
    write_workbook(buffer)
    return buffer.getvalue()


def damaged_lines(data: bytes, saved: bytes, excel: Excel) -> Iterator[int]:
    """Yield the lines of the saved file that hold another value than the export."""
    header, *before = rows(data, "utf-8-sig", ",")
    _header, *after = rows(saved, "cp1252", excel.delimiter)
    line = 2
    for old, new in zip(before, after, strict=True):
        if any(
            not same_amount(one, other) if name in AMOUNTS else one != other
            for name, one, other in zip(header, old, new, strict=True)
        ):
            yield line
        line += 1 + sum(cell.count("\n") for cell in new)


def same_amount(one: str, other: str) -> bool:
    try:
        return one == other or Decimal(one) == Decimal(other.replace(",", "."))
    except ArithmeticError:
        return False


def named_lines(outcome: Outcome) -> set[int | str]:
    return {line for line, _reason in (*outcome.rejected, *outcome.warned)}


@pytest.mark.usefixtures("treacherous_shop")
@pytest.mark.parametrize("formats", FORMATS)
def test_a_workbook_comes_back_unchanged(door: Door, formats: str) -> None:
    before = catalogue_contents()
    saved = save_workbook(export_workbook(), FORMATS[formats])
    outcome = door.bring(saved, name="catalogue.xlsx")
    assert outcome.counts == (0, 0, Variant.objects.count() - 1, 1)
    (reason,) = {reason.split(" ", 1)[1] for _line, reason in outcome.rejected}
    assert reason.startswith("is 12E5: a spreadsheet has shortened")  # as in any file
    assert (outcome.warned, catalogue_contents()) == ([], before)


@pytest.mark.usefixtures("plain_shop")
@pytest.mark.parametrize("excel", EXCELS)
def test_a_csv_file_of_plain_values_comes_back_unchanged(door: Door, excel: str) -> None:
    before = catalogue_contents()
    outcome = door.bring(EXCELS[excel].save_csv(export()))
    assert outcome.counts == (0, 0, Variant.objects.count(), 0)
    assert (outcome.rejected, outcome.warned, catalogue_contents()) == ([], [], before)


@pytest.mark.usefixtures("treacherous_shop")
@pytest.mark.parametrize("excel", EXCELS)
def test_what_a_spreadsheet_damages_in_a_csv_file_is_named_and_changes_nothing(
    door: Door, excel: str
) -> None:
    before, data = catalogue_contents(), export()
    saved = EXCELS[excel].save_csv(data)
    damaged = set(damaged_lines(data, saved, EXCELS[excel]))
    outcome = door.bring(saved)
    assert len(damaged) >= 9
    assert damaged <= named_lines(outcome)
    assert (outcome.counts[:2], catalogue_contents()) == ((0, 0), before)
    reasons = [reason for _line, reason in (*outcome.rejected, *outcome.warned)]
    assert any(reason.startswith("The shop has 00123: a spreadsheet") for reason in reasons)
    assert any("which stays" in reason for reason in reasons)
