"""Several rows of a file are variants of one product."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from django.test import Client

from shop.catalogue.models import Product, Variant
from shop.imports.jobs.run import import_catalogue
from tests.factories import make_product, make_variant
from tests.shop.imports.conftest import (
    SHIRT,
    SIZED_HEADER,
    ImportLines,
    MakeFolder,
    Send,
    act,
    picture,
    prices,
    result_counts,
    zipped,
)
from tests.shop.imports.doors import Door

pytestmark = pytest.mark.django_db


NOTHING = "," * 9


def sized(i: str, price: str, size: str, name: str = "Shirt") -> str:
    return f"{i},{SHIRT},{name},{price},{i}-{size},{size},3"


def variants() -> list[tuple[str, str, str | None, int]]:
    rows = Variant.objects.order_by("product__external_id", "position")
    return [
        (v.product.external_id, v.size, str(v.unit_price), v.stock)
        for v in rows.select_related("product")
    ]


def test_rows_without_a_description_are_variants_of_the_product_above(
    import_lines: ImportLines,
) -> None:
    rows = (
        sized("Z-101", "19.90", "S"),
        f"{NOTHING},,Z-101-M,M,4",
        f"Z-101{NOTHING},,Z-101-L,L,2",
        sized("Z-102", "9.90", "S"),
        f"{NOTHING},,Z-102-M,M,1",
    )
    text = "\n".join([SIZED_HEADER, *rows])
    result = import_lines(text, "Z-101", "Z-102")
    assert (result_counts(result), result.row_warnings) == ((5, 0, 0, 0), [])
    assert variants() == [
        ("Z-101", "S", "19.90", 3),
        ("Z-101", "M", "19.90", 4),
        ("Z-101", "L", "19.90", 2),
        ("Z-102", "S", "9.90", 3),
        ("Z-102", "M", "9.90", 1),
    ]
    assert result_counts(import_lines(text, "Z-101", "Z-102")) == (0, 0, 5, 0)


def test_repeated_descriptions_are_allowed_and_a_repeated_sku_is_rejected(
    import_lines: ImportLines,
) -> None:
    sizes = (("19.90", "S"), ("19.90", "M"), ("24.90", "L"))
    rows = [sized("Z-102", price, size) for price, size in sizes]
    text = "\n".join([SIZED_HEADER, *rows, sized("Z-102", "19.90", "M")])
    result = import_lines(text, "Z-102")
    assert (result_counts(result), result.rejections[0].line) == ((3, 0, 0, 1), 5)
    assert "The SKU is already on line 3" in result.rejections[0].reason
    assert prices() == {"Z-102": "19.90"}
    assert [price for _i, _s, price, _n in variants()] == ["19.90", "19.90", "24.90"]
    own = Variant.objects.order_by("position").values_list("price", flat=True)
    assert list(own) == [None, None, Decimal("24.90")]
    assert result_counts(import_lines(text, "Z-102")) == (0, 0, 3, 1)


def test_prices_that_change_together_become_the_products_price(import_lines: ImportLines) -> None:
    def text(*amounts: str) -> str:
        rows = [sized("1", amount, size) for amount, size in zip(amounts, "SML", strict=True)]
        return "\n".join([SIZED_HEADER, *rows])

    import_lines(text("19.90", "19.90", "24.90"), "1")
    assert result_counts(import_lines(text("25.00", "25.00", "25.00"), "1")) == (0, 3, 0, 0)
    assert (prices(), Variant.objects.exclude(price=None).count()) == ({"1": "25.00"}, 0)
    assert result_counts(import_lines(text("30.00", "25.00", "25.00"), "1")) == (0, 1, 2, 0)
    assert [price for _i, _s, price, _n in variants()] == ["30.00", "25.00", "25.00"]


def test_a_price_list_by_sku_prices_each_sku(client: Client, send: Send) -> None:
    shirt = make_product(external_id="7", price=Decimal("19.90"))
    Variant.objects.update(sku="S", size="S")
    for size in ("M", "L"):
        make_variant(shirt, sku=size, size=size, position=1)
    table = "sku,price\nL,24.90\nS,19.90\nM,19.90\n"
    upload = act(client, send(table), "start")
    assert (upload.updated, upload.unchanged, prices()) == (1, 2, {"7": "19.90"})
    assert Variant.objects.get(sku="L").unit_price == Decimal("24.90")
    upload = act(client, send(table), "start")
    assert (upload.updated, upload.unchanged) == (0, 3)
    upload = act(client, upload, "roll-back")
    assert upload.warnings == []


def test_the_first_of_contradictory_rows_counts_with_a_warning(
    client: Client, send: Send, make_folder: MakeFolder, tmp_path: Path
) -> None:
    rows = (sized("1", "19.90", "S"), sized("1", "19.90", "M", "Jumper"))
    folder = make_folder(*rows, header=SIZED_HEADER)
    upload = send(zipped(folder, tmp_path / "c.zip").read_bytes(), name="c.zip")
    reason = "productDisplayName differs from line 2. The value of line 2 is used."
    for action in ("check", "start"):
        upload = act(client, upload, action)
        assert list(upload.errors.values_list("line", "value", "reason", "is_warning")) == [
            (3, "Jumper", reason, True)
        ]
    assert Product.objects.get().name == "Shirt"
    assert result_counts(import_catalogue(folder)) == (0, 0, 2, 0)


def test_variants_of_a_rejected_product_are_rejected(import_lines: ImportLines) -> None:
    rows = (
        sized("1", "19.90", "S"),
        sized("2", "19.90", "S").replace("2012", "12"),
        f"{NOTHING},,2-M,M,4",
        sized("3", "19.90", "S"),
        f"{NOTHING},,3-M,M,4",
    )
    result = import_lines("\n".join([SIZED_HEADER, *rows]), "1", "2")
    assert result_counts(result) == (1, 0, 0, 4)
    assert [(r.line, r.reason) for r in result.rejections] == [
        (3, "year is 12; it must be empty or 1990 to 2100."),
        (4, "There is no product 2-M, and the row does not describe a new one."),
        (5, "There is no image 3.jpg."),
        (6, "Line 5, which describes the product, was rejected."),
    ]
    assert variants() == [("1", "S", "19.90", 3)]


def test_rows_of_one_product_stay_in_one_batch_so_that_a_check_finds_them(
    make_folder: MakeFolder, batches_of_two: None
) -> None:
    rows = (sized("1", "9.00", "S"), sized("2", "9.00", "S"), f"{NOTHING},,2-M,M,4")
    pictures = {"1.jpg": picture("red"), "2.jpg": picture("blue")}
    folder = make_folder(*rows, header=SIZED_HEADER, pictures=pictures)
    assert result_counts(import_catalogue(folder, dry_run=True)) == (3, 0, 0, 0)
    assert result_counts(import_catalogue(folder)) == (3, 0, 0, 0)


def test_a_table_by_id_changes_the_only_sku_of_a_product_whatever_its_name(door: Door) -> None:
    product = make_product(external_id="S-1", stock=4)
    outcome = door.bring("id,stock,size\nS-1,0,M\n")
    assert (outcome.counts, outcome.rejected) == ((0, 1, 0, 0), [])
    variant = product.variants.get()
    assert (variant.stock, variant.size) == (0, "M")


def test_a_table_by_id_changes_the_sku_that_is_the_id(door: Door) -> None:
    product = make_product(external_id="S-1", stock=4)
    make_variant(product, sku="S-1", size="M", stock=5)
    assert door.bring("id,stock\nS-1,0\n").counts == (0, 1, 0, 0)
    assert sorted(product.variants.values_list("stock", flat=True)) == [0, 4]


@pytest.mark.parametrize("column", ["stock", "size", "variantColour", "variantPrice"])
def test_a_table_by_id_may_not_change_one_of_several_skus(door: Door, column: str) -> None:
    product = make_product(name="Shirt", external_id="S-1", price=Decimal(9))
    product.variants.update(sku="S-1-S", size="S")
    make_variant(product, sku="S-1-M", size="M", stock=5)
    before = variants()
    outcome = door.bring(f"id,price,{column}\nS-1,8.00,7\n")
    reason = (
        "“Shirt” has several SKUs (S-1-S, S-1-M): add a column “sku” to the file, with a row for "
        "each."
    )
    assert (outcome.counts, outcome.rejected) == ((0, 0, 0, 1), [(2, reason)])
    assert variants() == before


def test_a_table_by_id_changes_the_price_of_a_product_with_several_skus(door: Door) -> None:
    product = make_product(external_id="S-1", price=Decimal(9))
    make_variant(product, sku="S-1-M", size="M", stock=5)
    assert door.bring("id,price,stock\nS-1,8.00,\n").counts == (0, 1, 0, 0)
    assert prices() == {"S-1": "8.00"}
