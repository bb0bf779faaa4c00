"""That the files of a picture live as long as something shows it, and no longer."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from config import settings as project
from shop.catalogue.images import unused_files
from shop.catalogue.images.pictures import read_picture
from shop.catalogue.images.unused_files import delete_unused
from shop.catalogue.merging import merge
from shop.catalogue.models import ProductImage, StoredFile
from shop.catalogue.tasks import delete_unused_files
from tests.factories import make_image, make_product, make_stored_image, picture_bytes
from tests.locks import wait_until_somebody_waits
from tests.recommender.test_admin import change_page, form_of, upload

pytestmark = pytest.mark.django_db


def rendition(image: ProductImage) -> str:
    return f"{image.file.removesuffix('.jpg')}-60.webp"


def page_of(image: ProductImage) -> str:
    return reverse("catalogue:picture", args=[rendition(image)])


def shown(client: Client, image: ProductImage) -> ProductImage:
    """Somebody has looked at it, so there is a rendition."""
    assert client.get(page_of(image)).status_code == 200
    return image


def make_old(**names: Any) -> None:
    StoredFile.objects.filter(**names).update(created=timezone.now() - timedelta(hours=25))


def stored() -> set[str]:
    return set(StoredFile.objects.values_list("pk", flat=True))


def test_what_no_picture_shows_goes_and_all_else_stays(client: Client) -> None:
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


def test_many_are_looked_at_a_part_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unused_files, "LOOKED_AT", 3)
    monkeypatch.setattr(unused_files, "DELETED", 2)
    images = [make_stored_image(make_product(), f"#0000{n:02x}") for n in range(0, 200, 20)]
    make_old()
    for image in images[1:]:
        ProductImage.objects.filter(pk=image.pk).delete()
    assert delete_unused() == 9
    assert stored() == {images[0].file}


def test_what_is_young_stays_as_an_import_may_be_about_to_show_it() -> None:
    picture = read_picture(picture_bytes("red"))
    picture.save()
    assert delete_unused() == 0
    assert stored() == {picture.name}


def test_beat_asks_for_it_every_day() -> None:
    entries = project.CELERY_BEAT_SCHEDULE.values()
    assert delete_unused_files.name in {entry["task"] for entry in entries}
    make_image(make_product())
    read_picture(picture_bytes("red")).save()
    make_old()
    delete_unused_files()
    assert stored() == set()


def test_a_folder_is_cleaned_too(settings: Any, tmp_path: Path, client: Client) -> None:
    folder = tmp_path / "pictures"
    place = {"location": str(folder), "base_url": "/"}
    backend = "django.core.files.storage.FileSystemStorage"
    settings.STORAGES = settings.STORAGES | {"pictures": {"BACKEND": backend, "OPTIONS": place}}
    assert delete_unused() == 0
    kept = shown(client, make_stored_image(make_product(), "blue"))
    gone = shown(client, make_stored_image(make_product(), "red"))
    again = make_stored_image(make_product(), "blue")
    assert again.file == kept.file  # and not a second file under another name
    (folder / "notes.txt").write_text("mine")
    ProductImage.objects.filter(pk=gone.pk).delete()
    assert delete_unused() == 0
    for path in folder.iterdir():
        _age(path)
    assert delete_unused() == 2
    names = {path.name for path in folder.iterdir()}
    assert names == {kept.file, rendition(kept), "notes.txt"}


def _age(path: Path) -> None:
    moment = timezone.now().timestamp() - 25 * 3600
    os.utime(path, (moment, moment))


def test_a_picture_deleted_by_hand_is_gone_at_once(
    client: Client, admin_client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    product = make_product()
    image = shown(client, make_stored_image(product))
    values = form_of(product, **{"images-0-DELETE": "on"})
    with django_capture_on_commit_callbacks(execute=True):
        assert admin_client.post(change_page(product), values).status_code == 302
    assert stored() == set()
    assert client.get(page_of(image)).status_code == 404


def test_a_picture_replaced_by_hand_is_gone_at_once(
    client: Client, admin_client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    product = make_product()
    shown(client, make_stored_image(product))
    values = form_of(product, **{"images-0-upload": upload(picture_bytes("red", (30, 40)))})
    with django_capture_on_commit_callbacks(execute=True):
        assert admin_client.post(change_page(product), values).status_code == 302
    assert stored() == {product.images.get().file}


def test_the_pictures_of_a_deleted_product_are_gone_at_once(
    client: Client, admin_client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    products = [make_product() for _ in range(4)]
    images = [
        shown(client, make_stored_image(product, colour))
        for product, colour in zip(products, ("red", "blue", "blue", "pink"), strict=True)
    ]
    with django_capture_on_commit_callbacks(execute=True):
        products[0].delete()
        address = reverse("admin:catalogue_product_delete", args=[products[1].pk])
        assert admin_client.post(address, {"post": "yes"}).status_code == 302
        values = {"action": "delete_selected", "post": "yes", "_selected_action": products[3].pk}
        admin_client.post(reverse("admin:catalogue_product_changelist"), values)
    # Another product shows the blue one.
    assert stored() == {images[2].file, rendition(images[2])}


def test_a_failed_deletion_deletes_no_file(django_capture_on_commit_callbacks: Any) -> None:
    image = make_stored_image(make_product())
    with django_capture_on_commit_callbacks(execute=True) as called, transaction.atomic():
        image.delete()
        transaction.set_rollback(True)
    assert called == []
    assert stored() == {image.file}


def test_a_product_that_was_merged_away_keeps_no_picture_alive(
    client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    one, other = make_product(), make_product()
    make_stored_image(one), make_stored_image(other)
    merge(one.pk, [other.pk])
    with django_capture_on_commit_callbacks(execute=True):
        one.images.get().delete()
    assert stored() == set()


@pytest.mark.django_db(transaction=True)
def test_a_file_that_somebody_is_about_to_show_again_stays() -> None:
    product, picture = make_product(), read_picture(picture_bytes("red"))
    picture.save()
    make_old()
    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            picture.save()  # it is there already
            deleting = other.submit(_delete_and_close)
            wait_until_somebody_waits()
            make_image(product, file=picture.name)
        assert deleting.result() == 0
    assert stored() == {picture.name}


def _delete_and_close() -> int:
    try:
        return delete_unused()
    finally:
        connection.close()
