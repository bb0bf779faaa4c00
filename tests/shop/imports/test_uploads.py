from __future__ import annotations

import csv
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from shop.catalogue.models import Category, Product, Variant
from shop.core.locks import AdvisoryLock
from shop.imports.export import export_lines
from shop.imports.jobs import uploads
from shop.imports.jobs.run import import_catalogue
from shop.imports.models import Upload, UploadChange
from tests.factories import make_category, make_product, make_variant
from tests.shop.imports.conftest import (
    HEADER,
    NEW,
    SHIRT,
    Send,
    act,
    catalogue_contents,
    picture,
    row,
    upload_counts,
    zipped,
)

pytestmark = pytest.mark.django_db


def test_an_upload_is_checked_imported_and_finalised(
    client: Client, send: Send, make_folder: Any, tmp_path: Path
) -> None:
    folder = make_folder(row(1), row(2, "Puma Women Cap"), row(3))
    (folder / "images" / "3.jpg").write_bytes(b"no picture")
    table = (folder / "styles.csv").read_bytes()
    upload = send(table, zipped(folder / "images", tmp_path / "p.zip"))
    assert (upload.state, upload.dialect) == ("checked", "UTF-8, comma")
    upload = act(client, upload, "check")
    assert (upload.state, upload_counts(upload)) == ("checked", (2, 0, 0, 1))
    assert not Product.objects.exists()
    page = client.get(upload.get_absolute_url()).content.decode()
    assert "Nothing has changed in the shop yet" in page
    assert "We can’t read this file" in page
    upload = act(client, upload, "start")
    assert (upload.state, upload_counts(upload)) == ("done", (2, 0, 0, 1))
    assert set(Product.objects.values_list("external_id", flat=True)) == {"1", "2"}
    report = b"".join(client.get(f"{upload.get_absolute_url()}report/")).decode("utf-8-sig")
    (error,) = csv.DictReader(StringIO(report))
    assert (error["line"], error["sku"]) == ("4", "3")
    upload = act(client, upload, "finalise")
    assert upload.state == "confirmed"
    assert not UploadChange.objects.exists()


def test_a_zip_that_contains_the_table_is_accepted(
    client: Client, send: Send, make_folder: Any, tmp_path: Path
) -> None:
    archive = zipped(make_folder(row(1)), tmp_path / "c.zip")
    upload = act(client, send(archive.read_bytes(), name="c.zip"), "start")
    assert (upload.state, upload_counts(upload)) == ("done", (1, 0, 0, 0))


def test_a_table_alone_changes_prices_and_stock(client: Client, send: Send) -> None:
    shirt = make_product(name="Blue Shirt", price=Decimal("20.00"), stock=5)
    sku = shirt.variants.get().sku
    upload = send(f"sku;price;stock\n{sku};25.50;9\nNONE;1.00;1\n")
    assert upload.dialect == "UTF-8, semicolon"
    upload = act(client, upload, "start")
    assert upload_counts(upload) == (0, 1, 0, 1)
    shirt.refresh_from_db()
    assert (shirt.price, shirt.stock, shirt.name) == (Decimal("25.50"), 9, "Blue Shirt")
    error = upload.errors.get()
    assert (error.line, error.key) == (3, "NONE")
    assert "There is no product NONE" in error.reason


def test_columns_are_mapped_and_the_mapping_is_remembered(client: Client, send: Send) -> None:
    shirt = make_product(stock=5)
    sku = shirt.variants.get().sku
    table = f"Artikel;Preis EUR;Bestand;stock\n{sku};25.50;9;77\n"
    upload = send(table)
    values = {"column0": "sku", "column1": "price", "column2": "stock", "column3": ""}
    upload = act(client, upload, "check", **values)
    assert (upload.state, upload_counts(upload)) == ("checked", (0, 1, 0, 0))
    act(client, upload, "start")
    shirt.refresh_from_db()
    assert (shirt.price, shirt.stock) == (Decimal("25.50"), 9)
    again = act(client, send(table), "check")
    assert (again.state, upload_counts(again)) == ("checked", (0, 0, 1, 0))


def test_a_refused_mapping_can_be_corrected(client: Client, send: Send) -> None:
    sku = make_product(stock=5).variants.get().sku
    upload = send(f"Artikel;stock\n{sku};9\n")
    upload = act(client, upload, "check")
    assert upload.state == "refused"
    assert "could not find your article numbers" in upload.message
    assert upload.message in client.get(upload.get_absolute_url()).content.decode()
    upload = act(client, upload, "check", column0="sku", column1="stock")
    assert (upload.state, upload_counts(upload)) == ("checked", (0, 1, 0, 0))


def test_rows_of_one_id_are_variants(client: Client, send: Send, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "7.jpg").write_bytes(picture())
    pictures = zipped(tmp_path / "images", tmp_path / "p.zip")
    lines = [f"7,{SHIRT},Shirt,7-{size},{size},{stock}" for size, stock in (("M", 2), ("L", 3))]
    table = "\n".join([f"{HEADER},sku,size,stock", *lines, f"7,{SHIRT},Shirt,7-X,M,1"])
    upload = act(client, send(table, pictures), "start")
    assert upload_counts(upload) == (2, 0, 0, 1)
    product = Product.objects.get()
    assert (product.stock, product.images.count()) == (5, 1)
    assert [(v.sku, v.size, v.stock) for v in product.variants.all()] == [
        ("7-M", "M", 2),
        ("7-L", "L", 3),
    ]
    assert "already has M." in upload.errors.get().reason


def test_an_import_can_be_stopped_and_resumed(
    client: Client, send: Send, make_folder: Any, batches_of_two: None, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    folder = make_folder(*(row(number) for number in range(1, 8)), f"8,{SHIRT}")
    upload = send(zipped(folder, tmp_path / "c.zip").read_bytes(), name="c.zip")
    after_batch = uploads._after_batch

    def press_stop(upload: Upload, *values: Any) -> None:
        after_batch(upload, *values)
        uploads.request_stop(upload)

    monkeypatch.setattr(uploads, "_after_batch", press_stop)
    upload = act(client, upload, "start")
    assert (upload.state, upload.imported, Product.objects.count()) == ("stopped", 2, 2)
    monkeypatch.setattr(uploads, "_after_batch", after_batch)
    upload = act(client, upload, "start")
    assert (upload.state, upload_counts(upload)) == ("done", (7, 0, 0, 1))
    assert Product.objects.count() == 7
    upload = act(client, upload, "roll-back")
    assert (upload.state, Product.objects.count()) == ("undone", 0)


def test_a_killed_worker_loses_one_batch_and_counts_nothing_twice(
    client: Client, send: Send, make_folder: Any, batches_of_two: None, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    folder = make_folder(*(row(number) for number in range(1, 8)), row(1))
    upload = send(zipped(folder, tmp_path / "c.zip").read_bytes(), name="c.zip")
    after_batch, calls = uploads._after_batch, []

    def die(*values: Any) -> None:
        after_batch(*values)
        calls.append(1)
        if len(calls) == 2:
            raise MemoryError("killed")

    monkeypatch.setattr(uploads, "_after_batch", die)
    client.post(f"{upload.get_absolute_url()}start/")
    with pytest.raises(MemoryError):
        uploads.run(upload.pk)
    upload.refresh_from_db()
    assert (upload.state, upload.imported, Product.objects.count()) == ("running", 2, 2)
    monkeypatch.setattr(uploads, "_after_batch", after_batch)
    assert uploads.restart_stalled() == 0
    Upload.objects.update(heartbeat=timezone.now() - timedelta(minutes=2))
    assert uploads.restart_stalled() == 1
    uploads.run(upload.pk)
    upload.refresh_from_db()
    assert (upload.state, upload_counts(upload)) == ("done", (7, 0, 0, 1))
    assert "already on line 2" in upload.errors.get().reason


def test_two_workers_do_not_run_one_upload(client: Client, send: Send) -> None:
    sku = make_product(stock=5).variants.get().sku
    upload = send(f"sku,stock\n{sku},9\n")
    client.post(f"{upload.get_absolute_url()}start/")
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [AdvisoryLock.UPLOAD_JOB, upload.pk])
        uploads.run(upload.pk)
        upload.refresh_from_db()
        assert upload.state == "running"
        with other.cursor() as cursor:  # closing would let go of it a moment later
            cursor.execute(
                "SELECT pg_advisory_unlock(%s, %s)", [AdvisoryLock.UPLOAD_JOB, upload.pk]
            )
    finally:
        other.close()
    uploads.run(upload.pk)
    upload.refresh_from_db()
    assert upload.state == "done"


def test_a_finalised_upload_cannot_be_rolled_back(client: Client, send: Send) -> None:
    sku = make_product(stock=5).variants.get().sku
    upload = act(client, send(f"sku,stock\n{sku},9\n"), "start")
    path = Path(upload.table.path)
    assert path.exists()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.db.transaction.on_commit", lambda call, **options: call())
        upload = act(client, upload, "finalise")
    assert not path.exists()
    upload = act(client, upload, "roll-back")
    assert (upload.state, Variant.objects.get().stock) == ("confirmed", 9)


def test_export_and_import_change_nothing(client: Client, send: Send, make_folder: Any) -> None:
    import_catalogue(make_folder(row(1), row(2, "Be Reasonable,Do It, My Way")))
    by_hand = make_product(
        name="=HYPERLINK(1)", description='Two\nlines, "quoted"; \'=x', brand="@home",
        category=make_category("Shoes"), gender="Men", price=Decimal("9.90"),
    )  # fmt: skip
    make_variant(by_hand, sku="'+1", size="L", colour="Red", price=Decimal("12.00"))
    make_product(category=make_category("A", "B", "C", "D"))
    before = catalogue_contents()
    table = "".join(export_lines())
    assert "'=HYPERLINK(1)" in table
    upload = act(client, send(table), "check")
    assert (upload.dialect, upload_counts(upload)) == ("UTF-8, comma, 1,234.56", (0, 0, 5, 0))
    upload = act(client, upload, "start")
    assert (upload.state, upload_counts(upload)) == ("done", (0, 0, 5, 0))
    assert catalogue_contents() == before
    download = b"".join(client.get("/admin/imports/upload/export/")).decode()
    assert download == table


def test_the_export_command_writes_the_same_file(make_folder: Any, tmp_path: Path) -> None:
    import_catalogue(make_folder(row(1), row(2)))
    call_command("export_catalogue", str(tmp_path / "out.csv"), stdout=StringIO())
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        assert file.read() == "".join(export_lines())
    result = import_catalogue(tmp_path / "out.csv")
    assert (result.unchanged, result.done) == (2, 2)


def test_a_formula_from_the_file_is_exported_as_text(client: Client, send: Send) -> None:
    shirt = make_product()
    sku = shirt.variants.get().sku
    act(client, send(f"sku,description\n{sku},=cmd()|' /C calc'!A0\n"), "start")
    shirt.refresh_from_db()
    assert shirt.description == "=cmd()|' /C calc'!A0"
    assert "'=cmd()" in "".join(export_lines())


def test_a_file_that_is_too_large_is_refused(client: Client, carol: User, settings: Any) -> None:
    settings.IMPORT_MAX_FILE_BYTES = 10
    response = client.post(NEW, {"table": SimpleUploadedFile("a.csv", b"x" * 11)})
    assert (response.status_code, Upload.objects.count()) == (422, 0)


@pytest.mark.parametrize("group", ["Orders", "Read-only"])
def test_other_staff_may_not_upload(client: Client, send: Send, group: str) -> None:
    sku = make_product(stock=5).variants.get().sku
    upload = send(f"sku,stock\n{sku},9\n")
    user = User.objects.create_user("dave", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client.force_login(user)
    assert client.get(NEW).status_code == 403
    for action in ("check", "start", "stop", "roll-back", "finalise"):
        assert client.post(f"{upload.get_absolute_url()}{action}/").status_code == 403
    upload.refresh_from_db()
    assert (upload.state, Variant.objects.get().stock) == ("checked", 5)


def test_the_progress_is_returned_as_json(client: Client, send: Send) -> None:
    sku = make_product(stock=5).variants.get().sku
    upload = act(client, send(f"sku,stock\n{sku},9\n"), "start")
    state = client.get(f"{upload.get_absolute_url()}state/").json()
    assert (state["state"], state["percent"], state["updated"], state["busy"]) == (
        *("done", 100, 1),
        False,
    )
    assert connection.in_atomic_block


def test_the_changelist_links_to_the_upload_pages(client: Client, send: Send) -> None:
    sku = make_product().variants.get().sku
    upload = send(f"sku,stock\n{sku},9\n")
    assert client.get("/admin/imports/upload/").status_code == 200
    assert client.get("/admin/imports/upload/add/")["Location"] == NEW
    change = client.get(f"/admin/imports/upload/{upload.pk}/change/")
    assert change["Location"] == upload.get_absolute_url()
    assert Category.objects.count() == 3


def test_undecided_uploads_are_finalised_or_deleted_after_a_month(
    client: Client, send: Send
) -> None:
    sku = make_product(stock=5).variants.get().sku
    done = act(client, send(f"sku,stock\n{sku},9\n"), "start")
    idle = send(f"sku,stock\n{sku},7\n")
    path = Path(idle.table.path)
    assert uploads.expire_old() == 0
    Upload.objects.update(heartbeat=timezone.now() - timedelta(days=31))
    assert uploads.expire_old() == 2
    done.refresh_from_db()
    assert (done.state, Variant.objects.get().stock) == ("confirmed", 9)
    assert not UploadChange.objects.exists()
    assert not Upload.objects.filter(pk=idle.pk).exists()
    assert not path.exists()


def test_a_stopped_upload_can_be_finalised(client: Client, send: Send) -> None:
    upload = send("sku,stock\nA,9\n")
    Upload.objects.update(state="stopped")
    assert act(client, upload, "finalise").state == "confirmed"


def test_a_mapping_is_remembered_for_its_user_only(client: Client, send: Send) -> None:
    sku = make_product(stock=5).variants.get().sku
    table = f"Artikel,Bestand\n{sku},9\n"
    act(client, send(table), "check", column0="sku", column1="stock")
    client.force_login(User.objects.create_superuser("dave"))
    assert send(table).columns == ["", ""]


def test_each_page_says_what_to_do_next(client: Client, send: Send) -> None:
    sku = make_product(stock=5).variants.get().sku

    def page(upload: Upload) -> str:
        return client.get(upload.get_absolute_url()).content.decode()

    assert "Nothing changes in the shop yet" in client.get(NEW).content.decode()
    upload = send(f"sku,stock\n{sku},7\nnone,1\n")
    assert "Uploaded, not checked yet" in page(upload)
    assert "press “Check all rows”" in page(upload)
    checked = page(act(client, upload, "check"))
    assert "Import the good rows now" in checked
    assert "Import 1 row" in checked
    done = page(act(client, upload, "start"))
    assert "Look at the products, then finalise" in done
    assert 'href="/admin/catalogue/product/"' in done
    assert "What the import had done" not in done
    rolled_back = page(act(client, upload, "roll-back"))
    assert "was rolled back" in rolled_back
    assert "What the import had done" in rolled_back
    same = act(client, send(f"sku,stock\n{sku},5\n"), "check")
    assert "there is nothing to import" in page(same)
    assert "/start/" not in page(same)
    refused = act(client, send("a,b\n1,2\n"), "check")
    assert "Change how the file is read" in page(refused)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_the_sample_file_comes_in(client: Client, send: Send, tmp_path: Path, form: str) -> None:
    response = client.get(f"/admin/imports/upload/sample/?format={form}")
    names = ("S-1.jpg", "S-1-2.jpg", "S-2.jpg")
    (tmp_path / "images").mkdir()
    for number, name in enumerate(names):
        (tmp_path / "images" / name).write_bytes(picture(size=(60, 80 + number)))
    pictures = zipped(tmp_path / "images", tmp_path / "p.zip")
    upload = send(b"".join(response), pictures, name=f"sample.{form}")
    upload = act(client, upload, "start")
    assert (upload.imported, upload.rejected, upload.updated) == (3, 0, 0)
    assert not upload.errors.exists()
    products = Product.objects.order_by("external_id")
    assert [(p.name, p.stock, p.listed, p.images.count()) for p in products] == [
        ("Linen Shirt", 11, True, 2),
        ("Canvas Tote", 12, False, 1),
    ]
