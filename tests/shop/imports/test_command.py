from __future__ import annotations

import csv
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from shop.catalogue.models import Category, Product, StoredFile
from tests.shop.imports.conftest import HEADER, picture, row, zipped

pytestmark = pytest.mark.django_db


def run(*arguments: object) -> str:
    out = StringIO()
    call_command("import_catalogue", *map(str, arguments), stdout=out)
    return out.getvalue()


def refused(*arguments: object) -> str:
    with pytest.raises(CommandError) as error:
        run(*arguments)
    assert Product.objects.count() == Category.objects.count() == StoredFile.objects.count() == 0
    return str(error.value)


def test_the_command_counts_and_lists_what_it_rejected(make_folder, tmp_path):
    folder = make_folder(row(1), row(2), pictures={"1.jpg": picture()})
    report = tmp_path / "reports" / "rejected.csv"
    out = run(folder, "--report", report)
    numbers = [line.split()[-1] for line in out.splitlines()[1:6]]
    assert numbers == ["2", "1", "0", "0", "1"]
    with report.open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["kind", "line", "column", "id", "value", "reason"],
            ["rejected", "3", "", "2", "", "There is no image 2.jpg."],
        ]
    assert [path.name for path in report.parent.iterdir()] == ["rejected.csv"]


def test_the_report_has_a_default_path(make_folder, settings, tmp_path):
    settings.VAR_DIR = tmp_path / "var"
    run(make_folder(row(1), pictures={}))
    assert len(list((tmp_path / "var" / "import-reports").glob("*.csv"))) == 1


def test_a_dry_run_says_so(make_folder):
    out = run(make_folder(row(1)), "--dry-run")
    assert "Dry run: nothing was written." in out
    assert "would be imported" in out
    assert Product.objects.count() == 0


def test_sample_values_are_counted_and_sample_names_listed(make_folder, tmp_path):
    folder = make_folder(row(1), row(2, ""))
    report = tmp_path / "report.csv"
    out = run(folder, "--sample-data", "--report", report)
    assert "Made up for new products (--sample-data): brand 1, price 2, stock 2, name 1" in out
    reason = "The name was generated from the attributes: Men Blue Tshirts."
    assert f"line 3: 2: {reason}" in out
    with report.open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file))[1:] == [
            ["warning", "3", "productDisplayName", "2", "", reason]
        ]


def test_missing_values_of_new_products_are_reported(make_folder):
    out = run(make_folder(row(1), row(2)))
    assert "There is no price column: 2 new products will not be listed." in out
    assert "The file gives no stock for 2 new products: they will be sold out." in out


def test_limit_takes_a_number_of_rows(make_folder):
    folder = make_folder(row(1), row(2))
    assert "not a number" in refused(folder, "--limit", "0")
    run(folder, "--limit", "1")
    assert Product.objects.count() == 1


def test_a_missing_path_is_reported(tmp_path):
    assert "nowhere does not exist" in refused(tmp_path / "nowhere")


def test_missing_pictures_are_reported(make_folder, tmp_path):
    folder = make_folder(row(1))
    assert "nowhere does not exist" in refused(folder, "--images", tmp_path / "nowhere")


def test_a_file_that_is_not_a_zip_is_refused(tmp_path):
    (tmp_path / "c.zip").write_text("PK? No.")
    assert "neither a folder nor a readable ZIP" in refused(tmp_path / "c.zip")


def test_a_folder_and_a_zip_without_a_table_are_refused(make_folder, tmp_path):
    folder = make_folder(row(1))
    (folder / "styles.csv").unlink()
    assert "contains neither styles.csv" in refused(folder)
    assert "contains neither styles.csv" in refused(zipped(folder, tmp_path / "c.zip"))


def test_missing_columns_are_reported(make_folder):
    message = refused(make_folder(row(1), header=HEADER.replace("season,year,", "")))
    assert "season, year" in message


def test_a_column_named_twice_is_refused(make_folder):
    message = refused(make_folder(row(1), header=f"{HEADER},price,Price"))
    assert "Columns K (price) and L (Price) are both mapped to price." in message


def test_an_empty_table_is_refused(make_folder):
    folder = make_folder()
    (folder / "styles.csv").write_bytes(b"")
    assert "could not find your article numbers" in refused(folder)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"x" * (1024 * 1024 + 1), "Line 3 is longer than 1 MB"),
    ],
)
def test_undecodable_text_is_refused_before_any_row_is_written(make_folder, data, message):
    folder = make_folder(row(5))
    with (folder / "styles.csv").open("ab") as file:
        file.write(data + b"\n")
    assert message in refused(folder)


def test_a_byte_order_mark_is_accepted(make_folder):
    folder = make_folder(row(1))
    table = folder / "styles.csv"
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes().replace(b"\n", b"\r\n"))
    run(folder)
    assert Product.objects.get().name == "Nike Men Blue Jersey"


def test_a_report_that_cannot_be_written_does_not_undo_the_import(make_folder, tmp_path):
    folder = make_folder(row(1))
    with pytest.raises(CommandError, match="--report"):
        run(folder, "--report", folder / "styles.csv" / "report.csv")
    assert Product.objects.count() == 1
