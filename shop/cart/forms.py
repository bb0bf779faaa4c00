from __future__ import annotations

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from shop.cart.models import MAX_QUANTITY
from shop.catalogue.models import Variant


def purchasable() -> QuerySet[Variant]:
    """Return the variants of listed products."""
    return Variant.objects.filter(product__listed=True).select_related("product")


class AddForm(forms.Form):
    variant = forms.ModelChoiceField(
        Variant.objects.none(),
        error_messages={
            "required": _("Please select a size."),
            "invalid_choice": _("This product is no longer available."),
        },
    )
    quantity = forms.IntegerField(min_value=1, max_value=MAX_QUANTITY, initial=1, required=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["variant"].queryset = purchasable()  # type: ignore[attr-defined]

    def clean_quantity(self) -> int:
        return self.cleaned_data["quantity"] or 1


class QuantityForm(forms.Form):
    """Changes the quantity of a line: zero removes the line; ``step`` adds or subtracts one."""

    quantity = forms.IntegerField(min_value=0, max_value=MAX_QUANTITY)
    step = forms.IntegerField(min_value=-1, max_value=1, required=False)

    def clean(self) -> dict[str, int]:
        data = self.cleaned_data
        quantity = data.get("quantity", 0) + (data.get("step") or 0)
        return {"quantity": min(max(quantity, 0), MAX_QUANTITY)}
