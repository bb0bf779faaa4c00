from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from shop.catalogue.models import Product


class GroupForm(forms.Form):
    """One group of near-duplicates: which stays, which are chosen, and which there are."""

    products = Product.objects.unmerged().defer("search")
    stays = forms.ModelChoiceField(products, required=False)
    chosen = forms.ModelMultipleChoiceField(
        products, error_messages={"required": _("Choose at least one product.")}
    )
    group = forms.ModelMultipleChoiceField(products)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        group, stays = set(data.get("group", ())), data.get("stays")
        named = {*data.get("chosen", ()), *([stays] if stays else ())}
        if group and not named <= group:
            raise ValidationError(_("One of them is not in this group."))
        return data

    def others(self) -> list[Product]:
        """What was chosen besides the one that stays."""
        chosen = self.cleaned_data["chosen"].order_by("pk")
        return [product for product in chosen if product != self.cleaned_data["stays"]]
