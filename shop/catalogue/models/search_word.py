"""Define the words that spelling corrections are chosen from."""

from __future__ import annotations

from django.db import models


class SearchWord(models.Model):
    """Represents a word of listed products, with the number of products that have it."""

    word = models.CharField(max_length=64, primary_key=True)
    products = models.PositiveIntegerField()

    def __str__(self) -> str:
        return self.word
