"""The next import does not restore a merged product."""

from __future__ import annotations

import pytest
from django.test import Client

from shop.catalogue.merging import merge
from shop.catalogue.models import Product, Variant
from shop.imports.export import export_lines
from shop.imports.jobs.run import import_catalogue
from tests.shop.imports.conftest import (
    HEADER,
    SHIRT,
    MakeFolder,
    Send,
    act,
    all_rows,
    picture,
    result_counts,
    row,
)
from tests.shop.imports.doors import Door

pytestmark = pytest.mark.django_db
SIZES = f"{HEADER},price,sku,size,stock"


def sized(number: int, size: str, stock: int, name: str = "Nike Men Blue Jersey") -> str:
    return f"{number},{SHIRT},{name},20.00,{number}-{size},{size},{stock}"


def stocks() -> dict[str, int]:
    return dict(Variant.objects.values_list("sku", "stock"))


def products() -> list[Product]:
    return list(Product.objects.order_by("external_id").defer("search"))


def test_the_same_catalogue_again_changes_nothing(make_folder: MakeFolder) -> None:
    folder = make_folder(row(1), row(2))
    import_catalogue(folder)
    Product.objects.update(price=20, listed=True)
    one, other = products()
    merge(one.pk, [other.pk])
    before = all_rows(), stocks()
    assert result_counts(import_catalogue(folder)) == (0, 0, 2, 0)
    assert (all_rows(), stocks()) == before


def test_the_name_and_picture_of_a_merged_products_row_are_ignored(make_folder: MakeFolder) -> None:
    import_catalogue(make_folder(row(1), row(2)))
    Product.objects.update(price=20, listed=True)
    one, other = products()
    merge(one.pk, [other.pk])
    before = all_rows(), stocks()
    changed = make_folder(
        row(1), row(2, "Other"), name="b",
        pictures={"1.jpg": picture("red"), "2.jpg": picture("pink")},
    )  # fmt: skip
    assert result_counts(import_catalogue(changed)) == (0, 0, 2, 0)
    assert (all_rows(), stocks()) == before


def test_the_stock_of_a_moved_variant_is_updated(make_folder: MakeFolder) -> None:
    rows = (sized(1, "M", 3), sized(2, "L", 4))
    import_catalogue(make_folder(*rows, header=SIZES))
    one, other = products()
    merge(one.pk, [other.pk])
    folder = make_folder(rows[0], sized(2, "L", 9), header=SIZES, name="b")
    assert result_counts(import_catalogue(folder)) == (0, 1, 1, 0)
    assert stocks() == {"1-M": 3, "2-L": 9}
    one.refresh_from_db()
    assert one.stock == 12


def test_stock_of_a_variant_that_was_combined_with_another_is_refused(
    make_folder: MakeFolder,
) -> None:
    rows = (sized(1, "M", 3), sized(2, "M", 4, "Other Jersey"))
    folder = make_folder(*rows, header=SIZES)
    import_catalogue(folder)
    one, other = products()
    merge(one.pk, [other.pk])
    assert stocks() == {"1-M": 7, "2-M": 0}
    result = import_catalogue(make_folder(rows[1], header=SIZES, name="b"))
    assert result_counts(result) == (0, 0, 0, 1)
    reason = "“Other Jersey” was merged into “Nike Men Blue Jersey”: use its SKUs."
    assert [(r.reason, r.column) for r in result.rejections] == [(reason, "sku")]
    assert stocks() == {"1-M": 7, "2-M": 0}


def test_a_table_by_id_does_not_change_the_stock_of_the_surviving_product(
    make_folder: MakeFolder, door: Door
) -> None:
    import_catalogue(make_folder(sized(1, "M", 3), sized(2, "M", 4, "Other"), header=SIZES))
    one, other = products()
    merge(one.pk, [other.pk])
    before = stocks()
    outcome = door.bring("id,stock\n2,9\n")
    reason = "“Other” was merged into “Nike Men Blue Jersey”: use its SKUs."
    assert (outcome.counts, outcome.rejected) == ((0, 0, 0, 1), [(2, reason)])
    assert stocks() == before


def test_an_export_can_be_imported_unchanged(make_folder: MakeFolder) -> None:
    import_catalogue(
        make_folder(sized(1, "M", 3), sized(2, "M", 4), sized(2, "L", 1), header=SIZES)
    )
    one, other = products()
    merge(one.pk, [other.pk])
    folder = make_folder(row(9), name="b")
    (folder / "styles.csv").write_text("".join(export_lines()), encoding="utf-8")
    assert result_counts(import_catalogue(folder)) == (0, 0, 2, 0)
    assert stocks() == {"1-M": 7, "2-M": 0, "2-L": 1}


def test_a_rollback_skips_products_that_were_merged_since(
    client: Client, send: Send, make_folder: MakeFolder
) -> None:
    import_catalogue(make_folder(sized(1, "M", 3), sized(2, "M", 9, "Other"), header=SIZES))
    upload = act(client, send("id,sku,stock\n2,2-M,4\n1,1-M,5\n"), "start")
    one, other = products()
    merge(one.pk, [other.pk])
    assert stocks() == {"1-M": 9, "2-M": 0}
    upload = act(client, upload, "roll-back")
    assert upload.warnings == [
        "“Other” was not rolled back: it has been merged into another product.",
        "“Nike Men Blue Jersey” was not rolled back: it has been changed since.",
    ]
    assert stocks() == {"1-M": 9, "2-M": 0}
