"""Stored pictures that no row names any more, and their renditions: found and deleted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.core.files.storage import Storage, storages
from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from shop.catalogue.images.file_lock import take_files
from shop.catalogue.images.renditions import original_name, rendition_name, rendition_widths
from shop.catalogue.images.storage import PostgresStorage
from shop.catalogue.models import ProductImage, StoredFile
from shop.catalogue.signals import files_needed

LOOKED_AT = 1000
# While they are deleted nobody can add a picture: of a remote storage, some seconds.
DELETED = 100
# An import stores its pictures in a storage that is no table before it writes the rows.
GRACE = timedelta(days=1)
# What else may lie in a bucket or a folder is not ours.
OURS = re.compile(r"[0-9a-f]{64}(\.jpg|-\d{1,4}\.webp)")


def delete_unused() -> int:
    """All that are older than a day. Returns how many files."""
    storage, before = storages["pictures"], timezone.now() - GRACE
    deleted = 0
    for names in _stored(storage):
        old = [name for name in unused(names) if _is_older(storage, name, before)]
        deleted += sum(delete(part) for part in _parts(old, DELETED))
    return deleted


def delete(names: Iterable[str]) -> int:
    """Those that nothing needs. Returns how many; nothing can come to need one meanwhile."""
    storage = storages["pictures"]
    with transaction.atomic():
        take_files()
        # Originals first: of what is gone no rendition is made.
        gone = sorted(unused(names), key=lambda name: not name.endswith(".jpg"))
        if isinstance(storage, PostgresStorage):
            return StoredFile.objects.filter(pk__in=gone).delete()[0]
        for name in gone:
            storage.delete(name)
    return len(gone)


def unused(names: Iterable[str]) -> list[str]:
    """Whose original no picture shows, and nobody wants to show again."""
    originals = {name: original_name(name) for name in names if OURS.fullmatch(name)}
    files = sorted(set(originals.values()))
    used = set(ProductImage.objects.filter(file__in=files).values_list("file", flat=True))
    for _receiver, needed in files_needed.send(sender=None, files=files):
        used.update(needed or ())
    return [name for name, original in originals.items() if original not in used]


def delete_soon(images: Iterable[tuple[str, int]]) -> None:
    """After the commit, these originals, each with its width, and their renditions.

    If nothing else needs them then. What fails is done in the night.
    """
    names = [name for file, width in images for name in (file, *_renditions(file, width))]
    for part in _parts(names, DELETED):
        transaction.on_commit(partial(delete, part), robust=True)


def _renditions(file: str, width: int) -> Iterator[str]:
    return (rendition_name(file, each) for each in rendition_widths(width))


def image_deleted(instance: ProductImage, origin: Any, **kwargs: Any) -> None:
    """What somebody deletes by hand goes at once, what a query deletes in the night."""
    if isinstance(origin, Model):
        delete_soon([(instance.file, instance.width)])


def _is_older(storage: Storage, name: str, moment: datetime) -> bool:
    try:
        return storage.get_modified_time(name) < moment
    except FileNotFoundError:  # somebody else has deleted it
        return False


def _stored(storage: Storage) -> Iterator[list[str]]:
    if not isinstance(storage, PostgresStorage):
        with suppress(FileNotFoundError):  # a folder that nothing was stored in yet
            yield from _parts(storage.listdir("")[1], LOOKED_AT)
        return
    rows, last = StoredFile.objects.order_by("pk").values_list("pk", flat=True), ""
    while names := list(rows.filter(pk__gt=last)[:LOOKED_AT]):
        yield names
        last = names[-1]


def _parts(names: list[str], size: int) -> Iterator[list[str]]:
    return (names[i : i + size] for i in range(0, len(names), size))
