"""Store the files of new pictures, in bulk if the storage supports it."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.files.storage import storages

from shop.catalogue.images.pictures import store_file
from shop.catalogue.images.storage import PostgresStorage
from shop.imports.writing.preparation import PreparedPicture


def is_in_database() -> bool:
    """Return whether pictures are stored in the database.

    Then they are written in the transaction of the batch.
    """
    return isinstance(storages["pictures"], PostgresStorage)


def store_pictures(pictures: Iterable[PreparedPicture]) -> None:
    """Store pictures; renew the timestamp of those that exist.

    The new timestamp keeps ``delete_unused`` from deleting them.
    """
    contents = {picture.name: picture.jpeg for picture in pictures}
    storage = storages["pictures"]
    if isinstance(storage, PostgresStorage):
        storage.save_many(contents)
        return
    for name, data in contents.items():
        store_file(name, data)
