from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from shop.catalogue.models import Product


class GroupForm(forms.Form):
    """Validates an action on a group: all its products, the selected ones, and the one to keep."""

    products = Product.objects.unmerged().defer("search")
    survivor = forms.ModelChoiceField(products, required=False)
    chosen = forms.ModelMultipleChoiceField(
        products, error_messages={"required": _("Select at least one product.")}
    )
    group = forms.ModelMultipleChoiceField(products)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        group, survivor = set(data.get("group", ())), data.get("survivor")
        named = {*data.get("chosen", ()), *([survivor] if survivor else ())}
        if group and not named <= group:
            raise ValidationError(_("A selected product is not in this group."))
        return data

    def others(self) -> list[Product]:
        """Return the selected products except the one to keep."""
        chosen = self.cleaned_data["chosen"].order_by("pk")
        return [product for product in chosen if product != self.cleaned_data["survivor"]]
