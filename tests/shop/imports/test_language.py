"""Reports are in the uploader's language, although a worker writes them."""

from __future__ import annotations

import csv
import zipfile
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.utils import timezone, translation

from shop.catalogue.models import Product, Variant
from shop.imports.models import Upload
from shop.imports.tasks import run_upload
from tests.factories import make_product
from tests.shop.imports.conftest import NEW, SHIRT, MakeFolder, Send, picture, row, zipped

pytestmark = pytest.mark.django_db


def act(client: Client, upload: Upload, action: str) -> Upload:
    """Press the button in the browser's language; the worker's is English."""
    client.post(f"{upload.get_absolute_url()}{action}/")
    translation.activate("en")  # the browser's language stays behind in the thread
    run_upload(upload.pk)
    assert translation.get_language() == "en"
    upload.refresh_from_db()
    return upload


@pytest.fixture
def german(client: Client, carol: User) -> Client:
    client.post("/i18n/setlang/", {"language": "de", "next": "/"})
    return client


@pytest.fixture
def faulty(make_folder: MakeFolder) -> Path:
    """One good row, and one for each place that finds a fault."""
    folder = make_folder(
        row(1), row(2).replace("2012", "12"), row(1), row(4), row(5), f"6,{SHIRT}",
        pictures={"1.jpg": picture(), "5.jpg": b"%PDF-1.7", "6.jpg": picture()},
    )  # fmt: skip
    (folder / "images" / "more.zip").write_bytes(b"PK")
    return folder


ENGLISH = [
    "year is 12; it must be empty or 1990 to 2100.",
    "The id is already on line 2; it must be unique.",
    "There is no image 4.jpg.",
    ("images/5.jpg: This is a PDF, not an image. Upload a photo or a screenshot of it instead."),
    "productDisplayName is empty.",
]
GERMAN = [
    "year ist 12; erlaubt sind ein leerer Wert und 1990 bis 2100.",
    "id steht schon in Zeile 2. Der Wert darf nur einmal vorkommen.",
    "Das Bild 4.jpg fehlt.",
    (
        "images/5.jpg: Das ist ein PDF und kein Bild. Laden Sie stattdessen ein Foto "
        "oder einen Screenshot davon hoch."
    ),
    "productDisplayName ist leer.",
]


def test_the_report_is_german_for_german_staff(
    german: Client, send: Send, faulty: Path, tmp_path: Path
) -> None:
    upload = send(zipped(faulty, tmp_path / "c.zip").read_bytes(), name="c.zip")
    assert (upload.language, upload.dialect) == ("de", "UTF-8, Komma")
    for action, state in (("check", "checked"), ("start", "done")):
        upload = act(german, upload, action)
        assert (upload.state, upload.imported, upload.rejected) == (state, 1, 5)
        assert [error.reason for error in upload.errors.all()] == GERMAN
        assert upload.warnings[:1] == [
            "Archive im Archiv: images/more.zip. Entpacken Sie sie vorher."
        ]
        page = german.get(upload.get_absolute_url()).content.decode()
        assert [text for text in (*GERMAN, *upload.warnings) if text not in page] == []
    report = b"".join(german.get(f"{upload.get_absolute_url()}report/")).decode("utf-8-sig")
    header, first, *_rest = csv.reader(StringIO(report))
    assert header[1:] == ["Zeile", "Spalte", "sku", "Wert", "Grund"]
    assert first[1:] == ["3", "year", "2", "12", GERMAN[0]]


def test_the_report_is_english_for_english_staff(
    client: Client, send: Send, faulty: Path, tmp_path: Path
) -> None:
    upload = send(zipped(faulty, tmp_path / "c.zip").read_bytes(), name="c.zip")
    assert (upload.language, upload.dialect) == ("en", "UTF-8, comma")
    upload = act(client, upload, "check")
    assert [error.reason for error in upload.errors.all()] == ENGLISH
    assert upload.warnings == [
        "Archives inside the archive: images/more.zip. Unpack them first.",
        "There is no price column: 1 new product will not be listed.",
        "The file gives no stock for 1 new product: it will be sold out.",
        "3 new categories: Apparel, Apparel / Topwear, Topwear / Tshirts",
    ]


def test_a_colleague_who_continues_does_not_change_the_language(german: Client, send: Send) -> None:
    upload = send("sku,stock\nNONE,1\n")
    german.post("/i18n/setlang/", {"language": "en", "next": "/"})
    upload = act(german, upload, "start")
    assert upload.errors.get().reason == (
        "Den Artikel NONE gibt es nicht, und die Zeile beschreibt keinen neuen."
    )


def test_a_refusal_by_the_worker_is_in_german(german: Client, send: Send) -> None:
    sku = make_product(stock=5).variants.get().sku
    upload = act(german, send(f"Artikel;stock\n{sku};9\n"), "check")
    message = (
        "Wir konnten Ihre Artikelnummern nicht finden. Wählen Sie „sku“ oder „id“ für die Spalte, "
        "in der sie stehen, und „price“ und „stock“ für Preis und Bestand. Spalten: Artikel, stock"
    )
    assert (upload.state, upload.message) == ("refused", message)
    assert message in german.get(upload.get_absolute_url()).content.decode()
    assert Variant.objects.get().stock == 5


def test_a_refusal_by_the_page_is_in_german(german: Client, settings: Any) -> None:
    settings.IMPORT_MAX_FILES = 1000
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(1001):
            archive.writestr(f"{number}.jpg", b"")
    files = {
        "table": SimpleUploadedFile("a.csv", b"sku,stock\nA,1\n"),
        "pictures": SimpleUploadedFile("p.zip", buffer.getvalue()),
    }
    response = german.post(NEW, files)
    assert response.status_code == 422
    assert response.context["form"].non_field_errors() == [
        "Das ZIP enthält 1.001 Dateien; höchstens 1.000 sind erlaubt."
    ]
    assert not Upload.objects.exists()


def test_products_that_a_rollback_skips_are_reported_in_german(german: Client, send: Send) -> None:
    old = make_product(name="Mantel", price=Decimal("10.00"), stock=5)
    sku = old.variants.get().sku
    upload = act(german, send(f"sku,price,stock\n{sku},12.00,9\n"), "start")
    Variant.objects.update(stock=1)
    other = make_product(name="Hut", price=Decimal("10.00"), stock=5)
    later = act(german, send(f"sku,price\n{other.variants.get().sku},12.00\n"), "start")
    Product.objects.filter(pk=other.pk).update(price=Decimal("15.00"))
    upload, later = act(german, upload, "roll-back"), act(german, later, "roll-back")
    assert (upload.state, later.state) == ("undone", "undone")
    text = f"„Mantel“: nicht zurückgesetzt, weil inzwischen geändert: Bestand von {sku}."
    assert upload.warnings == [text]
    assert later.warnings == [
        "„Hut“ wurde nicht zurückgesetzt: Der Artikel wurde inzwischen geändert."
    ]


def test_the_command_uses_the_language_of_its_process(faulty: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.csv"
    call_command("import_catalogue", str(faulty), report=report, stdout=StringIO())
    rows = csv.DictReader(report.read_text(encoding="utf-8").splitlines())
    assert [row["reason"] for row in rows] == ENGLISH


def test_older_uploads_are_in_english() -> None:
    executor = MigrationExecutor(connection)
    before = executor.migrate([("imports", "0002_upload_categories")])
    old = before.apps.get_model("imports", "Upload")
    pk = old.objects.create(created=timezone.now(), table_name="a.csv").pk
    connection.check_constraints()  # of which none may be pending
    with translation.override(None):  # as ``manage.py migrate`` does
        MigrationExecutor(connection).migrate([("imports", "0003_upload_language")])
    assert Upload.objects.values_list("language", flat=True).get(pk=pk) == "en"
