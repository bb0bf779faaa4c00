"""What happens at the edges of an upload: half a row, swapped labels, later edits, a crash."""

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

from shop.catalogue.models import Category, Product, ProductImage, Variant
from shop.imports.export import export_lines
from shop.imports.jobs import uploads
from shop.imports.jobs.run import Result, import_catalogue
from shop.imports.models import Upload
from tests.factories import make_category, make_product, make_stored_image, make_variant
from tests.shop.imports.conftest import HEADER, NEW, SHIRT, Send, picture, row, zipped
from tests.shop.imports.test_uploads import act, contents, counts

pytestmark = pytest.mark.django_db


def take(tmp_path: Path, text: str) -> Result:
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode())
    result = import_catalogue(path)
    assert result.read == result.done
    return result


def test_a_refused_row_changes_nothing_at_all(tmp_path: Path) -> None:
    shirt = make_product(stock=5)
    sku = shirt.variants.get().sku
    result = take(tmp_path, f"sku,stock,categoryPath\n{sku},9,no/such/place\n")
    assert (result.rejected, result.rejections[0].column) == (1, "categoryPath")
    assert Variant.objects.get().stock == 5


def test_a_refused_row_makes_no_category(tmp_path: Path) -> None:
    shirt = make_product(external_id="7")
    sku = shirt.variants.get().sku
    make_variant(shirt, sku="L", size="L")
    before = Category.objects.count()
    place = "Home,Garden,Gnomes"
    table = f"sku,size,masterCategory,subCategory,articleType\n{sku},L,{place}\n"
    assert take(tmp_path, table).rejected == 1
    assert Category.objects.count() == before


def test_labels_may_move_from_variant_to_variant(tmp_path: Path) -> None:
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


def test_more_stock_than_the_database_can_count_is_refused(tmp_path: Path) -> None:
    shirt = make_product(external_id="7", stock=5)
    rows = "".join(f"7,S{n},{n},999999999\n" for n in range(3))
    result = take(tmp_path, f"id,sku,size,stock\n{rows}7,{shirt.variants.get().sku},,6\n")
    assert [(r.line, r.column) for r in result.rejections] == [
        (2, "stock"),
        (3, "stock"),
        (4, "stock"),
    ]
    assert list(Variant.objects.values_list("stock", flat=True)) == [6]


def test_what_staff_typed_goes_round_unchanged(tmp_path: Path) -> None:
    make_product(
        name="Two  Spaces", description="  One\r\n\r\nTwo  \r\n", brand="A  B",
        base_colour="none", season="NA", usage="n/a", category=make_category("A & B", "Übergröße"),
    )  # fmt: skip
    make_product(name="Shoe", description="'=x\ry", brand="null", base_colour="Sea  Blue")
    product = make_product(name="Odd", external_id="A  1")
    make_variant(product, sku="a  b", size="X  L", colour="Light  Blue")
    make_variant(product, sku="=1", size="-1")
    before = contents()
    result = take(tmp_path, "".join(export_lines()))
    assert [r.reason for r in result.rejections] == []
    assert (result.unchanged, result.imported, result.updated) == (5, 0, 0)
    assert contents() == before


def test_a_product_without_an_id_whose_sku_is_anothers_id_goes_round(
    make_folder: Any, tmp_path: Path
) -> None:
    make_product(name="Gift card")
    Variant.objects.update(sku="1")
    import_catalogue(make_folder(row(1)))
    before = contents()
    result = take(tmp_path, "".join(export_lines()))
    assert [r.reason for r in result.rejections] == []
    assert (result.unchanged, contents()) == (2, before)


def test_undo_keeps_a_new_product_that_staff_have_worked_on(
    client: Client,
    send: Send,
    make_folder: Any,
    tmp_path: Path,
) -> None:
    names = ("edited", "sized", "pictured", "untouched")
    archive = zipped(make_folder(*(row(n) for n in range(1, 5))), tmp_path / "c.zip")
    upload = act(client, send(archive.read_bytes(), name="c.zip"), "start")
    products = [Product.objects.get(external_id=str(n)) for n in range(1, 5)]
    for product, name in zip(products, names, strict=True):
        Product.objects.filter(pk=product.pk).update(name=name)
    products[0].refresh_from_db()
    products[0].save()
    make_variant(products[1], size="XL")
    make_stored_image(products[2], position=1)
    upload = act(client, upload, "undo")
    assert upload.state == "undone"
    left = list(Product.objects.order_by("pk").values_list("name", flat=True))
    assert left == ["edited", "sized", "pictured"]
    assert len(upload.warnings) == 3
    assert "“edited” stays" in "\n".join(upload.warnings)


def test_undo_keeps_what_a_later_upload_built_on(
    client: Client,
    send: Send,
    make_folder: Any,
    tmp_path: Path,
) -> None:
    archive = zipped(make_folder(row(1)), tmp_path / "c.zip").read_bytes()
    first = act(client, send(archive, name="c.zip"), "start")
    second = act(client, send("sku,price,stock\n1,77.00,3\n"), "start")
    first = act(client, first, "undo")
    assert Product.objects.get().price == Decimal("77.00")
    assert len(first.warnings) == 1
    second = act(client, second, "undo")
    assert second.warnings == []
    assert Product.objects.get().price != Decimal("77.00")


def test_undo_of_variants_over_several_batches_takes_the_product_with_them(
    client: Client,
    send: Send,
    batches_of_two: None,
    make_folder: Any,
    tmp_path: Path,
) -> None:
    folder = make_folder(row(7))
    header = f"{HEADER},sku,size,stock"
    lines = [f"7,{SHIRT},Shirt {size},7-{size},{size},2" for size in ("S", "M", "L", "XL", "5")]
    (folder / "styles.csv").write_text("\n".join([header, *lines]))
    upload = send(zipped(folder, tmp_path / "c.zip").read_bytes(), name="c.zip")
    checked = act(client, upload, "check")
    assert counts(checked) == (5, 0, 0, 0)
    upload = act(client, checked, "start")
    assert counts(upload) == (5, 0, 0, 0)
    upload = act(client, upload, "undo")
    assert (upload.state, upload.warnings, Product.objects.count()) == ("undone", [], 0)


def test_undo_takes_back_the_categories_and_the_time_of_the_last_change(
    client: Client,
    send: Send,
    make_folder: Any,
    tmp_path: Path,
) -> None:
    shirt = make_product()
    sku = shirt.variants.get().sku
    updated = Product.objects.get().updated
    before = list(Category.objects.values_list("path", flat=True))
    place = "Home,Garden,Gnomes"
    table = f"sku,price,masterCategory,subCategory,articleType\n{sku},9.00,{place}\n"
    upload = act(client, send(table), "start")
    assert Product.objects.get().category.path == "home/garden/gnomes"
    act(client, upload, "undo")
    assert list(Category.objects.values_list("path", flat=True)) == before
    assert Product.objects.get().updated == updated


def two_sizes() -> Product:
    """The later variant's SKU comes first in the alphabet, as jsonb would sort it."""
    shirt = make_product(name="Shirt", external_id="7", stock=0)
    shirt.variants.update(sku="A-2", size="M")
    make_variant(shirt, sku="A-1", size="L")
    return shirt


def sizes() -> dict[str, str]:
    return dict(Variant.objects.values_list("sku", "size"))


def test_undo_gives_sizes_back_in_the_order_in_which_they_came(client: Client, send: Send) -> None:
    two_sizes()
    upload = act(client, send("sku,size\nA-2,XL\nA-1,M\n"), "start")
    assert sizes() == {"A-1": "M", "A-2": "XL"}
    upload = act(client, upload, "undo")
    assert (upload.state, upload.warnings) == ("undone", [])
    assert sizes() == {"A-1": "L", "A-2": "M"}


def test_undo_leaves_a_variant_whose_size_another_has_since(client: Client, send: Send) -> None:
    shirt = two_sizes()
    upload = act(client, send("sku,size,stock\nA-2,XL,3\nA-1,L,4\n"), "start")
    make_variant(shirt, sku="A-3", size="M")
    upload = act(client, upload, "undo")
    assert upload.warnings == ["“Shirt”: A-2 was changed since and stays as it is."]
    assert sizes() == {"A-1": "L", "A-2": "XL", "A-3": "M"}
    assert [v.stock for v in Variant.objects.order_by("sku")] == [10, 3, 10]


def test_undo_reads_what_was_noted_before_the_order_was(client: Client, send: Send) -> None:
    shirt = two_sizes()
    upload = act(client, send("sku,size\nA-2,XL\n"), "start")
    change = upload.changes.get(product=shirt)
    change.content["variants"] = dict(change.content["variants"])
    change.save()
    act(client, upload, "undo")
    assert sizes() == {"A-1": "L", "A-2": "M"}


def test_undo_leaves_a_picture_that_staff_replaced_since(
    client: Client,
    send: Send,
    make_folder: Any,
    tmp_path: Path,
) -> None:
    import_catalogue(make_folder(row(1)))
    folder = make_folder(row(1), name="later")
    (folder / "images" / "1.jpg").write_bytes(picture("lime"))
    archive = zipped(folder, tmp_path / "c.zip").read_bytes()
    upload = act(client, send(archive, name="c.zip"), "start")
    assert counts(upload) == (0, 1, 0, 0)
    image = ProductImage.objects.get()
    ProductImage.objects.filter(pk=image.pk).update(file="0" * 64 + ".jpg")
    upload = act(client, upload, "undo")
    assert ProductImage.objects.get().file == "0" * 64 + ".jpg"
    assert len(upload.warnings) == 1


def test_an_unexpected_fault_stops_the_upload_and_says_so(
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


def test_the_files_go_when_nothing_can_be_done_with_them_any_more(
    client: Client,
    send: Send,
    django_capture_on_commit_callbacks: Any,
) -> None:
    sku = make_product(stock=5).variants.get().sku
    upload = act(client, send(f"sku,stock\n{sku},9\n"), "start")
    path = Path(upload.table.path)
    assert path.exists()
    with django_capture_on_commit_callbacks(execute=True):
        act(client, upload, "undo")
    assert not path.exists()
    assert Upload.objects.get().state == "undone"


def test_a_zip_that_shrinks_too_well_is_refused(
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
    assert "times its size; at most 100 times may be" in response.content.decode()
    assert not Upload.objects.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f'[{{"sku": "{"x" * 140_000}"}}]', "Is this a CSV file?"),
        ("sku,pri\0ce\n1,2\n", "holds the character NUL"),
    ],
)
def test_a_first_line_that_nobody_can_read_is_explained_and_not_kept(
    client: Client, carol: Any, tmp_path: Path, text: str, message: str
) -> None:
    table = SimpleUploadedFile("new.csv", text.encode())
    response = client.post(NEW, {"table": table})
    assert (response.status_code, kept(tmp_path)) == (422, [])
    assert message in response.content.decode()
    assert not Upload.objects.exists()


def test_no_file_is_left_when_keeping_another_fails(
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
