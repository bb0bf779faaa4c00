"""Files are kept as long as a row names them, and deleted afterwards."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from config import settings as project
from shop.catalogue.images.pictures import read_picture, store_file
from shop.catalogue.images.unused_files import delete_unused
from shop.catalogue.merging import merge
from shop.catalogue.models import ProductImage, StoredFile
from shop.catalogue.signals import files_needed
from shop.catalogue.tasks import delete_unused_files
from tests.factories import make_image, make_product, make_stored_image, picture_bytes
from tests.locks import wait_until_a_lock_blocks
from tests.product_forms import change_page, form_data

pytestmark = pytest.mark.django_db
T = TypeVar("T")


def rendition(image: ProductImage) -> str:
    return f"{image.file.removesuffix('.jpg')}-60.webp"


def page_of(image: ProductImage) -> str:
    return reverse("catalogue:picture", args=[rendition(image)])


def shown(client: Client, image: ProductImage) -> ProductImage:
    """Request the picture, so that it has a rendition."""
    assert client.get(page_of(image)).status_code == 200
    return image


def make_old(**names: Any) -> None:
    StoredFile.objects.filter(**names).update(created=timezone.now() - timedelta(hours=25))


def stored() -> set[str]:
    return set(StoredFile.objects.values_list("pk", flat=True))


def with_own_connection(function: Callable[[], T]) -> Callable[[], T]:
    def call() -> T:
        try:
            return function()
        finally:
            connection.close()

    return call


def test_only_files_that_no_row_names_are_deleted(client: Client) -> None:
    gone = shown(client, make_stored_image(make_product(), "red"))
    kept = shown(client, make_stored_image(make_product(listed=False), "blue"))
    storages["pictures"].save("somebody-elses.bin", ContentFile(b"x"))
    make_old()
    ProductImage.objects.filter(pk=gone.pk).delete()
    assert client.get(page_of(gone)).status_code == 200
    assert delete_unused() == 2
    assert stored() == {kept.file, rendition(kept), "somebody-elses.bin"}
    assert client.get(page_of(gone)).status_code == 404
    assert delete_unused() == 0


def test_the_number_of_queries_does_not_grow_with_the_files() -> None:
    for number in range(0, 200, 20):
        read_picture(picture_bytes(f"#0000{number:02x}")).save()
    make_old()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert delete_unused() == 10
    statements = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert [statement.split()[0] for statement in statements].count("DELETE") == 2
    assert len(statements) <= 4
    assert stored() == set()


def test_a_new_file_is_not_deleted() -> None:
    picture = read_picture(picture_bytes("red"))
    picture.save()
    assert delete_unused() == 0
    assert stored() == {picture.name}


def test_storing_a_file_again_refreshes_its_age() -> None:
    picture = read_picture(picture_bytes("red"))
    picture.save()
    make_old()
    picture.save()
    assert delete_unused() == 0
    assert stored() == {picture.name}


def test_a_new_rendition_is_deleted_with_its_original(client: Client) -> None:
    image = make_stored_image(make_product())
    make_old()
    shown(client, image)
    image.delete()
    assert delete_unused() == 2
    assert stored() == set()


def test_beat_deletes_unused_files_every_day() -> None:
    entries = project.CELERY_BEAT_SCHEDULE.values()
    assert delete_unused_files.name in {entry["task"] for entry in entries}
    make_image(make_product())
    read_picture(picture_bytes("red")).save()
    make_old()
    delete_unused_files()
    assert stored() == set()


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    """Store pictures in a folder."""
    place = {"location": str(tmp_path / "pictures"), "base_url": "/"}
    backend = "django.core.files.storage.FileSystemStorage"
    settings.STORAGES = settings.STORAGES | {"pictures": {"BACKEND": backend, "OPTIONS": place}}
    return tmp_path / "pictures"


def make_folder_old(folder: Path) -> None:
    moment = timezone.now().timestamp() - 25 * 3600
    for path in folder.iterdir():
        os.utime(path, (moment, moment))


def test_unused_files_of_a_folder_are_deleted(folder: Path, client: Client) -> None:
    assert delete_unused() == 0
    kept = shown(client, make_stored_image(make_product(), "blue"))
    gone = shown(client, make_stored_image(make_product(), "red"))
    again = make_stored_image(make_product(), "blue")
    assert again.file == kept.file  # and not a second file under another name
    (folder / "notes.txt").write_text("mine")
    ProductImage.objects.filter(pk=gone.pk).delete()
    assert delete_unused() == 0
    make_folder_old(folder)
    assert delete_unused() == 2
    names = {path.name for path in folder.iterdir()}
    assert names == {kept.file, rendition(kept), "notes.txt"}


def test_storing_a_file_again_in_a_folder_refreshes_its_age(folder: Path) -> None:
    picture = read_picture(picture_bytes("red"))
    picture.save()
    make_folder_old(folder)
    picture.save()
    assert delete_unused() == 0
    assert [path.name for path in folder.iterdir()] == [picture.name]


class OverwritingStorage(InMemoryStorage):
    """Overwrites files and has no paths, like the storages of django-storages by default."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name


@pytest.mark.parametrize("overwrites", [True, False])
def test_storing_again_in_a_remote_storage_creates_no_second_file(
    overwrites: bool, settings: Any
) -> None:
    kind = OverwritingStorage if overwrites else InMemoryStorage
    backend = {"BACKEND": f"{kind.__module__}.{kind.__qualname__}"}
    settings.STORAGES = settings.STORAGES | {"pictures": backend}
    store_file("a.jpg", b"x")
    before = storages["pictures"].get_modified_time("a.jpg")
    store_file("a.jpg", b"x")
    assert storages["pictures"].listdir("")[1] == ["a.jpg"]
    assert (storages["pictures"].get_modified_time("a.jpg") > before) is overwrites


def test_the_nightly_task_deletes_pictures_that_staff_replaced_or_deleted(
    client: Client, admin_client: Client
) -> None:
    product = make_product()
    shown(client, make_stored_image(product))
    new_file = SimpleUploadedFile("shirt.jpg", picture_bytes("red", (30, 40)))
    values = form_data(product, **{"images-0-upload": new_file})
    assert admin_client.post(change_page(product), values).status_code == 302
    make_old()
    assert delete_unused() == 2
    assert stored() == {product.images.get().file}
    values = form_data(product, **{"images-0-DELETE": "on"})
    assert admin_client.post(change_page(product), values).status_code == 302
    assert delete_unused() == 1
    assert stored() == set()


def test_files_of_a_deleted_product_that_another_shows_are_kept(
    client: Client,
) -> None:
    products = [make_product() for _ in range(3)]
    images = [
        shown(client, make_stored_image(product, colour))
        for product, colour in zip(products, ("red", "blue", "blue"), strict=True)
    ]
    make_old()
    products[0].delete()
    products[1].delete()
    assert delete_unused() == 2
    assert stored() == {images[2].file, rendition(images[2])}


def test_a_merged_product_keeps_no_file() -> None:
    one, other = make_product(), make_product()
    make_stored_image(one), make_stored_image(other)
    merge(one.pk, [other.pk])
    make_old()
    one.images.get().delete()
    assert delete_unused() == 1
    assert stored() == set()


@pytest.mark.django_db(transaction=True)
def test_deleting_skips_a_file_that_an_open_transaction_stores_again() -> None:
    product, picture = make_product(), read_picture(picture_bytes("red"))
    picture.save()
    make_old()
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            picture.save()
            assert pool.submit(with_own_connection(delete_unused)).result(60) == 0
            make_image(product, file=picture.name)
        assert pool.submit(with_own_connection(delete_unused)).result(60) == 0
    assert stored() == {picture.name}


@pytest.mark.django_db(transaction=True)
def test_storing_waits_for_the_deletion_of_the_same_file_and_stores_it_again() -> None:
    picture = read_picture(picture_bytes("red"))
    picture.save()
    make_old()
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert delete_unused() == 1
            storing = pool.submit(with_own_connection(picture.save))
            wait_until_a_lock_blocks()
        assert storing.result(60) == picture.name
    assert stored() == {picture.name}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("where", ["table", "folder"])
def test_a_file_that_a_concurrent_rollback_restores_is_kept(
    where: str, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue("folder") if where == "folder" else None
    product, picture = make_product(), read_picture(picture_bytes("red"))
    picture.save()
    make_old()
    if folder:
        make_folder_old(folder)

    def roll_back(**kwargs: Any) -> None:
        """Commit a row that names the file while the receivers are asked."""
        with ThreadPoolExecutor(1) as pool:
            pool.submit(with_own_connection(lambda: make_image(product, file=picture.name))).result(
                60
            )

    files_needed.connect(roll_back)
    try:
        assert delete_unused() == 0
    finally:
        files_needed.disconnect(roll_back)
    assert storages["pictures"].exists(picture.name)
