"""Define the synonyms of the search."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _


class SearchSynonym(models.Model):
    """Represents search terms with the same meaning.

    A search for any of them finds products with a term of ``english`` or ``also_finds``. The
    ``german`` terms are not looked for in products, because product names are English, and an
    English "rock" is not a skirt (in German, "Rock").
    """

    english = models.CharField(
        _("English words"),
        max_length=500,
        blank=True,
        help_text=_("Separated by commas: t-shirt, tee. Singular and plural count as the same."),
    )
    german = models.CharField(
        _("German words"),
        max_length=500,
        blank=True,
        help_text=_("Separated by commas. Shoppers may type these as well."),
    )
    also_finds = models.CharField(
        _("also finds"),
        max_length=500,
        blank=True,
        help_text=_(
            "English words to search for as well, but not the other way round: sneaker "
            "also finds sports shoes."
        ),
    )

    class Meta:
        verbose_name = _("search synonym")
        verbose_name_plural = _("search synonyms")
        ordering = ("english", "german", "pk")

    def __str__(self) -> str:
        return self.english or self.german

    def clean(self) -> None:
        """Raise ``ValidationError`` if there are neither English nor German terms."""
        if not terms_of(self.english) and not terms_of(self.german):
            raise ValidationError(_("Enter at least one word."))


def terms_of(text: str) -> list[str]:
    """Return the terms of a comma-separated list, in lower case."""
    return [term for part in text.lower().split(",") if (term := " ".join(part.split()))]
