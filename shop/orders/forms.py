from __future__ import annotations

from typing import ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from shop.core.countries import CountryField
from shop.core.money import money
from shop.orders import payment
from shop.orders.models import Order, ShippingMethod


class ShippingChoice(forms.ModelChoiceField[ShippingMethod]):
    currency = ""

    def label_from_instance(self, method: ShippingMethod) -> str:
        words = [method.name, money(method.price, self.currency)]
        if method.free_from is not None:
            words.append(_("free from %s") % money(method.free_from, self.currency))
        return ", ".join(str(word) for word in words)


class CheckoutForm(forms.ModelForm[Order]):
    method = ShippingChoice(
        ShippingMethod.objects.filter(active=True),
        label=_("Delivery"),
        widget=forms.RadioSelect,
        empty_label=None,
        error_messages={"required": _("Please choose a delivery method.")},
    )
    payment = forms.ChoiceField(
        label=_("Payment"), choices=payment.choices, widget=forms.RadioSelect
    )
    country = CountryField()
    key = forms.CharField(max_length=40, widget=forms.HiddenInput)
    # The total that the buyer saw, so that nothing is ordered at another price.
    total = forms.DecimalField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Order
        fields: ClassVar = ["email", "name", "street", "postcode", "city", "country", "phone"]
        widgets: ClassVar = {
            name: forms.TextInput({"autocomplete": hint})
            for name, hint in (
                ("name", "name"),
                ("street", "street-address"),
                ("postcode", "postal-code"),
                ("city", "address-level2"),
                ("phone", "tel"),
            )
        } | {"email": forms.EmailInput({"autocomplete": "email"})}

    def contact(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in self.Meta.fields}


class VoucherForm(forms.Form):
    code = forms.CharField(label=_("Voucher"), max_length=40, required=False)

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        return code.strip().upper()
