from __future__ import annotations

from typing import ClassVar

from django.db import models


class IdempotencyRecord(models.Model):
    """Holds the response to a write with an ``Idempotency-Key``, for a repeated request."""

    owner = models.CharField(max_length=80)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    content = models.JSONField(null=True)
    created = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        db_table = "api_idempotentanswer"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner", "key"], name="idempotent_answer_once")
        ]

    def __str__(self) -> str:
        return f"{self.owner} {self.key}"
