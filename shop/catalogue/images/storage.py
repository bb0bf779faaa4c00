"""Store files in PostgreSQL, with the interface of a Django storage."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage
from django.urls import reverse

from shop.catalogue.models import StoredFile


class PostgresStorage(Storage):
    """Stores files as ``StoredFile`` rows; names must be content-addressed."""

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        try:
            content = StoredFile.objects.values_list("content", flat=True).get(pk=name)
        except StoredFile.DoesNotExist:
            raise FileNotFoundError(name) from None
        return ContentFile(bytes(content), name)

    def _save(self, name: str, content: File[bytes]) -> str:
        self.save_many({name: content.read()})
        return name

    def save_many(self, contents: Mapping[str, bytes]) -> None:
        """Store many files with few statements; renew the timestamp of those that exist.

        The new timestamp protects a file from ``delete_unused`` until a row that refers to it is
        committed.
        """
        # The names are sorted, because two writers of the same names could deadlock otherwise.
        rows = [
            StoredFile(name=name, content=data, size=len(data))
            for name, data in sorted(contents.items())
        ]
        StoredFile.objects.bulk_create(
            rows,
            batch_size=200,
            update_conflicts=True,
            unique_fields=["name"],
            update_fields=["created"],
        )

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name  # files with the same name have the same content

    def exists(self, name: str) -> bool:
        return StoredFile.objects.filter(pk=name).exists()

    def size(self, name: str) -> int:
        return StoredFile.objects.values_list("size", flat=True).get(pk=name)

    def get_modified_time(self, name: str) -> datetime:
        created = StoredFile.objects.filter(pk=name).values_list("created", flat=True).first()
        if created is None:
            raise FileNotFoundError(name)
        return created

    def delete(self, name: str) -> None:
        StoredFile.objects.filter(pk=name).delete()

    def url(self, name: str | None) -> str:
        return reverse("catalogue:picture", args=[name])
