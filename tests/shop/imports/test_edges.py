"""Edge cases of uploads: rejected rows, exchanged sizes, manual edits, crashes."""

from __future__ import annotations

import zipfile
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models.fields.files import FieldFile
from django.test import Client

from shop.catalogue.models import Category, Variant
from shop.imports.export import export_lines
from shop.imports.jobs import uploads
from shop.imports.jobs.run import Result, import_catalogue
from shop.imports.models import Upload
from tests.factories import make_category, make_product, make_variant
from tests.shop.imports.conftest import NEW, Send, act, catalogue_contents, row
from tests.shop.imports.doors import Door

pytestmark = pytest.mark.django_db


def take(tmp_path: Path, text: str) -> Result:
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode())
    result = import_catalogue(path)
    assert result.read == result.done
    return result


def test_a_rejected_row_changes_nothing(tmp_path: Path) -> None:
    shirt = make_product(stock=5)
    sku = shirt.variants.get().sku
    result = take(tmp_path, f"sku,stock,categoryPath\n{sku},9,no/such/place\n")
    assert (result.rejected, result.rejections[0].column) == (1, "categoryPath")
    assert Variant.objects.get().stock == 5


def test_a_rejected_row_creates_no_category(tmp_path: Path) -> None:
    shirt = make_product(external_id="7")
    sku = shirt.variants.get().sku
    make_variant(shirt, sku="L", size="L")
    before = Category.objects.count()
    place = "Home,Garden,Gnomes"
    table = f"sku,size,masterCategory,subCategory,articleType\n{sku},L,{place}\n"
    assert take(tmp_path, table).rejected == 1
    assert Category.objects.count() == before


@pytest.mark.parametrize("sku", ["old", "new"])
def test_a_row_that_needs_a_refused_category_changes_nothing(door: Door, sku: str) -> None:
    make_product(external_id="7", stock=5).variants.update(sku="old")
    before = catalogue_contents()
    table = f"id,sku,size,stock,price,category\n7,{sku},M,9,18.00,Apparel > Hats\n"
    outcome = door.bring(table, no_new_categories=True)
    reason = "There is no category Hats."
    assert (outcome.counts, outcome.rejected) == ((0, 0, 0, 1), [(2, reason)])
    assert catalogue_contents() == before


def test_a_category_whose_path_is_too_long_is_rejected_and_not_created(door: Door) -> None:
    make_product(external_id="7", stock=5)
    before = catalogue_contents(), Category.objects.count()
    names = [f"{letter * 60} " for letter in "abcde"]
    outcome = door.bring(f"id,stock,category\n7,9,{'>'.join(names)}\n")
    ((line, reason),) = outcome.rejected
    assert (outcome.counts, line) == ((0, 0, 0, 1), 2)
    assert reason.startswith(f"The path of the category, {'a' * 60}/bbb")
    assert reason.endswith("…, has 304 characters; at most 255 are allowed.")
    assert (catalogue_contents(), Category.objects.count()) == before
    outcome = door.bring(f"id,stock,category\n7,9,{'>'.join(names[:4])}\n")
    assert outcome.counts == (0, 1, 0, 0)


def test_variants_may_exchange_their_sizes(tmp_path: Path) -> None:
    shirt = make_product(external_id="7")
    first = shirt.variants.get()
    Variant.objects.filter(pk=first.pk).update(size="M")
    make_variant(shirt, sku="two", size="L")
    table = f"id,sku,size,stock\n7,two,XL,1\n7,{first.sku},L,2\n7,three,M,3\n"
    result = take(tmp_path, table)
    assert (result.imported, result.updated) == (1, 2)
    sizes = dict(Variant.objects.values_list("sku", "size"))
    assert sizes == {first.sku: "L", "two": "XL", "three": "M"}


def test_a_sku_of_another_product_is_refused_whatever_the_id_says(tmp_path: Path) -> None:
    shirt = make_product(name="Shirt", external_id="7")
    sku = shirt.variants.get().sku
    result = take(tmp_path, f"id,sku,price,productDisplayName\n99,{sku},1.00,Hat\n")
    assert (result.rejected, result.rejections[0].column) == (1, "sku")
    shirt.refresh_from_db()
    assert (shirt.name, shirt.price) == ("Shirt", Decimal("20.00"))


def test_stock_over_the_limit_is_refused(tmp_path: Path) -> None:
    shirt = make_product(external_id="7", stock=5)
    rows = "".join(f"7,S{n},{n},999999999\n" for n in range(3))
    result = take(tmp_path, f"id,sku,size,stock\n{rows}7,{shirt.variants.get().sku},,6\n")
    assert [(r.line, r.column) for r in result.rejections] == [
        (2, "stock"),
        (3, "stock"),
        (4, "stock"),
    ]
    assert list(Variant.objects.values_list("stock", flat=True)) == [6]


def test_manual_edits_survive_export_and_import(tmp_path: Path) -> None:
    make_product(
        name="Two  Spaces", description="  One\r\n\r\nTwo  \r\n", brand="A  B",
        base_colour="none", season="NA", usage="n/a", category=make_category("A & B", "Übergröße"),
    )  # fmt: skip
    make_product(name="Shoe", description="'=x\ry", brand="null", base_colour="Sea  Blue")
    product = make_product(name="Odd", external_id="A  1")
    make_variant(product, sku="a  b", size="X  L", colour="Light  Blue")
    make_variant(product, sku="=1", size="-1")
    before = catalogue_contents()
    result = take(tmp_path, "".join(export_lines()))
    assert [r.reason for r in result.rejections] == []
    assert (result.unchanged, result.imported, result.updated) == (5, 0, 0)
    assert catalogue_contents() == before


def test_a_product_whose_sku_is_anothers_id_survives_export_and_import(
    make_folder: Any, tmp_path: Path
) -> None:
    make_product(name="Gift card")
    Variant.objects.update(sku="1")
    import_catalogue(make_folder(row(1)))
    before = catalogue_contents()
    result = take(tmp_path, "".join(export_lines()))
    assert [r.reason for r in result.rejections] == []
    assert (result.unchanged, catalogue_contents()) == (2, before)


def test_an_unexpected_error_stops_the_upload_with_a_message(
    client: Client,
    send: Send,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sku = make_product(stock=5).variants.get().sku
    upload = send(f"sku,stock\n{sku},9\n")

    def fail(*values: Any) -> None:
        raise LookupError("a fault of ours")

    with monkeypatch.context() as patch:
        patch.setattr("shop.imports.jobs.run._write", fail)
        client.post(f"{upload.get_absolute_url()}start/")
        uploads.run(upload.pk)
    upload.refresh_from_db()
    assert (upload.state, Variant.objects.get().stock) == ("stopped", 5)
    assert "a fault of ours" in upload.message
    upload = act(client, upload, "start")
    assert (upload.state, upload.message, Variant.objects.get().stock) == ("done", "", 9)


def test_files_of_a_finished_upload_are_deleted(
    client: Client,
    send: Send,
    django_capture_on_commit_callbacks: Any,
) -> None:
    sku = make_product(stock=5).variants.get().sku
    upload = act(client, send(f"sku,stock\n{sku},9\n"), "start")
    path = Path(upload.table.path)
    assert path.exists()
    with django_capture_on_commit_callbacks(execute=True):
        act(client, upload, "roll-back")
    assert not path.exists()
    assert Upload.objects.get().state == "undone"


def test_a_zip_with_an_extreme_compression_ratio_is_refused(
    client: Client,
    carol: Any,
    settings: Any,
) -> None:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("styles.csv", "sku,stock\n")
        for number in range(9):
            archive.writestr(f"images/{number}.jpg", bytes(8_000_000))
    response = client.post(NEW, {"table": SimpleUploadedFile("c.zip", buffer.getvalue())})
    assert response.status_code == 422
    assert "times its size; at most 100 times are allowed" in response.content.decode()
    assert not Upload.objects.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f'[{{"sku": "{"x" * 140_000}"}}]', "Is this a CSV file?"),
        ("sku,pri\0ce\n1,2\n", "contains a NUL character"),
    ],
)
def test_an_unreadable_header_is_explained_and_its_files_deleted(
    client: Client, carol: Any, tmp_path: Path, text: str, message: str
) -> None:
    table = SimpleUploadedFile("new.csv", text.encode())
    response = client.post(NEW, {"table": table})
    assert (response.status_code, kept(tmp_path)) == (422, [])
    assert message in response.content.decode()
    assert not Upload.objects.exists()


def test_no_file_is_left_when_storing_another_fails(
    client: Client, carol: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = FieldFile.save

    def fill_the_disk(file: FieldFile, name: str, *values: Any, **options: Any) -> None:
        save(file, name, *values, **options)
        if name == "pictures.zip":
            raise OSError("No space left on device")

    monkeypatch.setattr(FieldFile, "save", fill_the_disk)
    files = {name: SimpleUploadedFile("a.zip", b"sku,stock\n") for name in ("table", "pictures")}
    with pytest.raises(OSError, match="No space left"):
        client.post(NEW, files)
    assert (kept(tmp_path), Upload.objects.exists()) == ([], False)


def kept(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()]


def test_a_description_of_many_lines_is_one_cell(tmp_path: Path) -> None:
    text = "\n".join(f"line {number}" for number in range(700))
    make_product(description=text)
    result = take(tmp_path, "".join(export_lines()))
    assert (result.unchanged, result.done) == (1, 1)
