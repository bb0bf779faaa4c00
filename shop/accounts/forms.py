from __future__ import annotations

from typing import Any, ClassVar

from allauth.account.forms import SignupForm as AllauthSignupForm
from django import forms
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from shop.accounts.models import CONTACT, Address
from shop.core.countries import CountryField

HINTS = {
    "name": "name",
    "street": "street-address",
    "postcode": "postal-code",
    "city": "address-level2",
    "phone": "tel",
}


class SignupForm(AllauthSignupForm):  # type: ignore[misc]
    """Takes as long for an address that has an account as for a new one."""

    def try_save(self, request: HttpRequest) -> Any:
        if self.account_already_exists:
            # Hashing is most of the time that a new account takes.
            make_password(self.cleaned_data["password1"])
        return super().try_save(request)


class AddressForm(forms.ModelForm[Address]):
    country = CountryField()

    class Meta:
        model = Address
        fields: ClassVar = [*CONTACT, "is_default"]
        widgets: ClassVar = {
            name: forms.TextInput({"autocomplete": hint}) for name, hint in HINTS.items()
        }


class DeleteAccountForm(forms.Form):
    """The password once more, so that an open browser is not enough."""

    password = forms.CharField(
        label=_("Your password"),
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
    )

    def __init__(self, user: AbstractBaseUser, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        if not self.user.check_password(password):
            raise forms.ValidationError(_("This is not your password."))
        return password
