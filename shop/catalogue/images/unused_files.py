"""Delete stored pictures that no row refers to, and their renditions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

from django.core.files.storage import Storage, storages
from django.db import transaction
from django.db.models import Exists, OuterRef, Value
from django.db.models.functions import Concat, Left
from django.utils import timezone

from shop.catalogue.images.renditions import original_name
from shop.catalogue.images.storage import PostgresStorage
from shop.catalogue.models import ProductImage, StoredFile
from shop.catalogue.signals import files_needed

# Newer files are spared, because a file is stored before the row that refers to it is committed.
GRACE = timedelta(days=1)
# Files with other names are ignored, because the folder or bucket may be shared.
ORIGINAL = re.compile(r"[0-9a-f]{64}\.jpg")
RENDITION = re.compile(r"[0-9a-f]{64}-\d{1,4}\.webp")


def delete_unused() -> int:
    """Delete unused originals older than a day and renditions without an original.

    Return the number of deleted files.
    """
    storage = storages["pictures"]
    if isinstance(storage, PostgresStorage):
        return _delete_original_rows() + _delete_rendition_rows()
    return _delete_from(storage)


@transaction.atomic
def _delete_original_rows() -> int:
    unnamed = StoredFile.objects.filter(
        ~Exists(ProductImage.objects.filter(file=OuterRef("name"))),
        name__endswith=".jpg",
        created__lt=timezone.now() - GRACE,
    )
    # Locked rows are skipped: another process is storing these files again, and waiting for it
    # could deadlock with an import.
    names = list(unnamed.select_for_update(skip_locked=True).values_list("name", flat=True))
    # The filter is applied again, because undoing an import may meanwhile have committed a row that
    # refers to one of the files.
    return unnamed.filter(name__in=set(names) - _needed(names)).delete()[0]


def _delete_rendition_rows() -> int:
    renditions = StoredFile.objects.filter(name__endswith=".webp")
    renditions = renditions.annotate(original=Concat(Left("name", 64), Value(".jpg")))
    return renditions.filter(
        ~Exists(StoredFile.objects.filter(name=OuterRef("original")))
    ).delete()[0]


def _delete_from(storage: Storage) -> int:
    """Delete the unused files of a storage other than ``PostgresStorage``, by listing all names."""
    names: list[str] = []
    with suppress(FileNotFoundError):  # nothing has been stored in this folder yet
        names = storage.listdir("")[1]
    originals = {name for name in names if ORIGINAL.fullmatch(name)}
    unnamed = originals.difference(ProductImage.objects.values_list("file", flat=True).iterator())
    deleted = {name for name in unnamed - _needed(unnamed) if _delete_if_unused(storage, name)}
    originals -= deleted
    renditions = (name for name in names if RENDITION.fullmatch(name))
    orphans = [name for name in renditions if original_name(name) not in originals]
    for name in orphans:
        storage.delete(name)
    return len(deleted) + len(orphans)


def _needed(originals: Iterable[str]) -> set[str]:
    """Return the names of originals that other apps may still need."""
    answers = files_needed.send(sender=None, files=list(originals))
    return {name for _receiver, needed in answers for name in needed or ()}


def _delete_if_unused(storage: Storage, name: str) -> bool:
    # The age is checked last: if the file is stored again, its age is renewed before a row refers
    # to it.
    if ProductImage.objects.filter(file=name).exists():
        return False
    try:
        if storage.get_modified_time(name) > timezone.now() - GRACE:
            return False
    except FileNotFoundError:  # deleted by another process
        return False
    storage.delete(name)
    return True
