"""The bytes of new pictures into the storage: many at once where the storage is our own."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.files.base import ContentFile
from django.core.files.storage import storages

from shop.catalogue.images.storage import PostgresStorage
from shop.catalogue.models import StoredFile
from shop.imports.writing.preparation import PreparedPicture


def is_in_database() -> bool:
    """Whether pictures are rows like the others, and belong to the batch's transaction."""
    return isinstance(storages["pictures"], PostgresStorage)


def store_pictures(pictures: Iterable[PreparedPicture]) -> None:
    contents = {picture.name: picture.jpeg for picture in pictures}
    if is_in_database():
        _store_in_database(contents)
        return
    storage = storages["pictures"]
    for name, data in contents.items():
        if not storage.exists(name):
            storage.save(name, ContentFile(data))


def _store_in_database(contents: dict[str, bytes]) -> None:
    # In the order of the keys, so that two writers of the same names cannot wait for each other.
    rows = [
        StoredFile(name=name, content=data, size=len(data))
        for name, data in sorted(contents.items())
    ]
    StoredFile.objects.bulk_create(rows, ignore_conflicts=True, batch_size=200)
