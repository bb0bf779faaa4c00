"""Define the table behind ``PostgresStorage``."""

from __future__ import annotations

from django.db import models


class StoredFile(models.Model):
    """Represents a file of ``PostgresStorage``."""

    name = models.CharField(max_length=80, primary_key=True)
    content = models.BinaryField()
    size = models.PositiveIntegerField()
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name
