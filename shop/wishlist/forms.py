from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from shop.catalogue.models import Variant
from shop.core.emails import ascii_lower


class StockAlertForm(forms.Form):
    variant = forms.ModelChoiceField(
        Variant.objects.none(),
        error_messages={"invalid_choice": _("This product is no longer available.")},
    )
    email = forms.EmailField(label=_("Email"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        listed = Variant.objects.filter(product__listed=True).select_related("product")
        self.fields["variant"].queryset = listed  # type: ignore[attr-defined]

    def clean_email(self) -> str:
        return ascii_lower(self.cleaned_data["email"])
