"""List and find the countries of delivery, by their ISO 3166 codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from babel import Locale
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


def _names(language: str) -> Mapping[str, str]:
    """Return the names of all territories in a language, by their codes."""
    names: Mapping[str, str] = Locale.parse(language, sep="-").territories
    return names


def country_name(code: str) -> str:
    """Return the name of the country with this code in the current language.

    Any other text is returned unchanged, because old addresses contain names instead of codes.
    """
    return _names(get_language() or settings.LANGUAGE_CODE).get(code, code)


def delivery_countries() -> list[tuple[str, str]]:
    """Return (code, name) pairs of the countries of delivery, sorted by name."""
    countries = [(code, country_name(code)) for code in settings.DELIVERY_COUNTRIES]
    return sorted(countries, key=lambda country: country[1])


def find_country(text: str) -> str:
    """Return the code of the country of delivery that has this code or name, or ``""``."""
    wanted = text.strip().casefold()
    for code in settings.DELIVERY_COUNTRIES:
        names = (_names(language).get(code, "") for language, _label in settings.LANGUAGES)
        if wanted in {code.casefold(), *(name.casefold() for name in names)}:
            return str(code)
    return ""


class CountryField(forms.ChoiceField):
    """Offers the countries of delivery; accepts a country's name as well as its code."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            choices=lambda: (
                [("", _("Choose a country")), *delivery_countries()]
                if len(settings.DELIVERY_COUNTRIES) > 1
                else delivery_countries()
            ),
            label=_("country"),
            widget=forms.Select({"autocomplete": "country"}),
            error_messages={
                "invalid_choice": _("We don’t deliver to this country. Please choose another.")
            },
            **options,
        )

    def prepare_value(self, value: Any) -> Any:
        return find_country(str(value or ""))

    def to_python(self, value: Any) -> str:
        text = str(value or "")
        code = find_country(text)
        if text and not code:
            raise ValidationError(self.error_messages["invalid_choice"], code="invalid_choice")
        return code
