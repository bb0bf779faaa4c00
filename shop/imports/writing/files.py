"""Store the bytes of new pictures, many at once where the storage is our own."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.files.storage import storages

from shop.catalogue.images.pictures import store_file
from shop.catalogue.images.storage import PostgresStorage
from shop.imports.writing.preparation import PreparedPicture


def is_in_database() -> bool:
    """Return whether pictures are rows, which belong to the batch's transaction."""
    return isinstance(storages["pictures"], PostgresStorage)


def store_pictures(pictures: Iterable[PreparedPicture]) -> None:
    """Store pictures; those that exist already become young again."""
    contents = {picture.name: picture.jpeg for picture in pictures}
    storage = storages["pictures"]
    if isinstance(storage, PostgresStorage):
        storage.save_many(contents)
        return
    for name, data in contents.items():
        store_file(name, data)
