"""Define the words that spelling corrections are chosen from."""

from __future__ import annotations

from django.db import models


class SearchWord(models.Model):
    """A word that occurs in listed products, for correcting what a shopper mistyped."""

    word = models.CharField(max_length=64, primary_key=True)
    products = models.PositiveIntegerField()

    def __str__(self) -> str:
        return self.word
