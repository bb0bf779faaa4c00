"""Files that an import or a rollback needs are not deleted."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.db import connection
from django.test import Client
from django.utils import timezone

from shop.catalogue.images.unused_files import delete_unused
from shop.catalogue.models import Product, ProductImage, StoredFile
from shop.imports.jobs.run import import_catalogue
from shop.imports.models import UploadChange
from shop.imports.writing import writer
from tests.shop.imports.conftest import Send, act, picture, row, zipped

pytestmark = pytest.mark.django_db


def cleaned() -> int:
    StoredFile.objects.update(created=timezone.now() - timedelta(hours=25))
    return delete_unused()


def upload_another_picture(client: Client, send: Send, make_folder: Any, tmp_path: Path) -> Any:
    import_catalogue(make_folder(row(1), pictures={"1.jpg": picture("red")}))
    folder = make_folder(row(1), pictures={"1.jpg": picture("blue")}, name="later")
    archive = zipped(folder, tmp_path / "c.zip").read_bytes()
    return act(client, send(archive, name="c.zip"), "start")


def test_files_that_a_rollback_needs_are_kept_until_the_upload_is_finalised(
    client: Client, send: Send, make_folder: Any, tmp_path: Path
) -> None:
    upload = upload_another_picture(client, send, make_folder, tmp_path)
    assert cleaned() == 0
    act(client, upload, "roll-back")
    image = ProductImage.objects.get()
    assert image.read() == picture("red")
    assert cleaned() == 1
    assert StoredFile.objects.get().pk == image.file


def test_files_that_a_finalised_upload_replaced_are_deleted(
    client: Client, send: Send, make_folder: Any, tmp_path: Path
) -> None:
    upload = upload_another_picture(client, send, make_folder, tmp_path)
    act(client, upload, "finalise")
    assert cleaned() == 1
    assert ProductImage.objects.get().read() == picture("blue")


def test_files_that_a_rollback_needs_are_found_by_an_index(
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


@pytest.fixture(params=["table", "folder"])
def pictures(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> Storage:
    """Return the storage of pictures, which is a table or a folder."""
    if request.param == "folder":
        backend = "django.core.files.storage.FileSystemStorage"
        place = {"location": str(tmp_path / "pictures")}
        settings.STORAGES = settings.STORAGES | {"pictures": {"BACKEND": backend, "OPTIONS": place}}
    return storages["pictures"]


def make_old(pictures: Storage) -> None:
    moment = timezone.now() - timedelta(hours=25)
    StoredFile.objects.update(created=moment)
    if isinstance(pictures, FileSystemStorage):
        for name in pictures.listdir("")[1]:
            os.utime(pictures.path(name), (moment.timestamp(), moment.timestamp()))


@pytest.mark.django_db(transaction=True)
def test_a_picture_deleted_while_the_batch_waits_is_stored_again(
    pictures: Storage, make_folder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_folder(row(1), pictures={"1.jpg": picture("red")})
    import_catalogue(folder)
    before = ProductImage.objects.get()
    wait = writer.wait_for_other_imports

    def delete_and_wait() -> None:
        """Delete the picture after the threads have seen that the product has it."""
        ProductImage.objects.all().delete()
        make_old(pictures)
        assert delete_unused() == 1
        wait()

    monkeypatch.setattr(writer, "wait_for_other_imports", delete_and_wait)
    import_catalogue(folder)
    assert pictures.exists(before.file)
    assert ProductImage.objects.exclude(pk=before.pk).get().read() == picture("red")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("left_over", [False, True])
def test_files_of_an_import_in_progress_are_kept(
    left_over: bool, pictures: Storage, make_folder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``left_over``: the files were stored before, and are old and unused."""
    folder = make_folder(row(1), row(2))
    if left_over:
        import_catalogue(folder)
        Product.objects.all().delete()
        make_old(pictures)
    words_in = writer.words_in

    def delete_and_go_on(products: list[int]) -> Any:
        """Delete unused files in another connection while the rows are not committed."""
        assert ProductImage.objects.count() == 2
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(_delete_and_close).result(60) == 0
        return words_in(products)

    monkeypatch.setattr(writer, "words_in", delete_and_go_on)
    import_catalogue(folder)
    assert {image.read() for image in ProductImage.objects.all()} == {
        picture("red"),
        picture("green"),
    }


def _delete_and_close() -> int:
    try:
        assert not ProductImage.objects.exists()
        return delete_unused()
    finally:
        connection.close()
