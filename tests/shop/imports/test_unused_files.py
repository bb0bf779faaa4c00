"""That an import finds the pictures that it names, whoever deletes files meanwhile."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.db import connection
from django.test import Client
from django.utils import timezone

from shop.catalogue.images.unused_files import delete, delete_unused
from shop.catalogue.models import ProductImage, StoredFile
from shop.imports.jobs.run import import_catalogue
from shop.imports.models import UploadChange
from shop.imports.writing import writer
from tests.shop.imports.conftest import Send, picture, row, zipped
from tests.shop.imports.test_uploads import act

pytestmark = pytest.mark.django_db


def cleaned() -> int:
    StoredFile.objects.update(created=timezone.now() - timedelta(hours=25))
    return delete_unused()


def upload_another_picture(client: Client, send: Send, make_folder: Any, tmp_path: Path) -> Any:
    import_catalogue(make_folder(row(1), pictures={"1.jpg": picture("red")}))
    folder = make_folder(row(1), pictures={"1.jpg": picture("blue")}, name="later")
    archive = zipped(folder, tmp_path / "c.zip").read_bytes()
    return act(client, send(archive, name="c.zip"), "start")


def test_what_undoing_would_bring_back_is_kept_until_it_is_decided(
    client: Client, send: Send, make_folder: Any, tmp_path: Path
) -> None:
    upload = upload_another_picture(client, send, make_folder, tmp_path)
    assert cleaned() == 0
    act(client, upload, "undo")
    image = ProductImage.objects.get()
    assert image.read() == picture("red")
    assert cleaned() == 1
    assert StoredFile.objects.get().pk == image.file


def test_what_a_confirmed_upload_has_replaced_goes(
    client: Client, send: Send, make_folder: Any, tmp_path: Path
) -> None:
    upload = upload_another_picture(client, send, make_folder, tmp_path)
    act(client, upload, "confirm")
    assert cleaned() == 1
    assert ProductImage.objects.get().read() == picture("blue")


def test_what_undoing_needs_is_found_by_an_index(
    client: Client, send: Send, make_folder: Any, tmp_path: Path
) -> None:
    upload_another_picture(client, send, make_folder, tmp_path)
    change = UploadChange.objects.get()
    condition = {"content__dropped_images__contains": [{"file": "x"}]}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = UploadChange.objects.filter(**condition).explain()
    assert "upload_change_dropped" in plan
    assert [image["file"] for image in change.content["dropped_images"]]


@pytest.mark.parametrize("where", ["table", "folder"])
@pytest.mark.django_db(transaction=True)
def test_a_picture_deleted_while_the_batch_waits_is_stored_again(
    where: str, make_folder: Any, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> None:
    if where == "folder":
        backend = "django.core.files.storage.FileSystemStorage"
        place = {"location": str(tmp_path / "pictures")}
        settings.STORAGES = settings.STORAGES | {"pictures": {"BACKEND": backend, "OPTIONS": place}}
    folder = make_folder(row(1), pictures={"1.jpg": picture("red")})
    import_catalogue(folder)
    before = ProductImage.objects.get()
    wait = writer.wait_for_other_imports

    def delete_and_wait() -> None:
        """What staff do after the threads have seen that the product has its picture."""
        ProductImage.objects.all().delete()
        assert delete([before.file]) == 1
        wait()

    monkeypatch.setattr(writer, "wait_for_other_imports", delete_and_wait)
    import_catalogue(folder)
    assert storages["pictures"].exists(before.file)
    assert ProductImage.objects.exclude(pk=before.pk).get().read() == picture("red")
