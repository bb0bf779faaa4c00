from __future__ import annotations

from typing import Any, ClassVar

from allauth.account.adapter import get_adapter
from allauth.account.app_settings import EmailVerificationMethod
from allauth.account.forms import LoginForm as AllauthLoginForm
from allauth.account.forms import SignupForm as AllauthSignupForm
from django import forms
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from shop.accounts.models import CONTACT, Address
from shop.core.countries import CountryField

AUTOCOMPLETE = {
    "name": "name",
    "street": "street-address",
    "postcode": "postal-code",
    "city": "address-level2",
    "phone": "tel",
}


class SignupForm(AllauthSignupForm):  # type: ignore[misc]
    """Takes equally long for known and new e-mail addresses, so that timing reveals no customer."""

    def try_save(self, request: HttpRequest) -> Any:
        if self.account_already_exists:
            # The password is hashed here too, because this takes most of the time of a sign-up.
            make_password(self.cleaned_data["password1"])
        return super().try_save(request)


class LoginForm(AllauthLoginForm):  # type: ignore[misc]
    """Accepts an e-mail address, or the user name of staff, who may have no e-mail address."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = forms.CharField(
            label=_("Email or username"),
            max_length=254,
            widget=forms.TextInput({"autocomplete": "username", "autocapitalize": "none"}),
        )
        self.order_fields(["login", "password", "remember"])

    def user_credentials(self) -> dict[str, str]:
        """Return the credentials to check with each of the ``AUTHENTICATION_BACKENDS``.

        ``ModelBackend`` looks up the login as a user name, allauth as an e-mail address. Each
        hashes the password once whether or not it finds a user, so that timing reveals no customer.
        """
        return {"username": self.cleaned_data["login"], "password": self.cleaned_data["password"]}

    def login(self, request: HttpRequest, redirect_url: str | None = None) -> HttpResponse:
        """Sign the user in.

        Staff need not verify their e-mail address, because an administrator entered it.
        """
        if self.user.is_staff:
            self._login.email_verification = EmailVerificationMethod.NONE
        response: HttpResponse = super().login(request, redirect_url)
        return response


class AddressForm(forms.ModelForm[Address]):
    country = CountryField()

    class Meta:
        model = Address
        fields: ClassVar = [*CONTACT, "is_default"]
        widgets: ClassVar = {
            name: forms.TextInput({"autocomplete": hint}) for name, hint in AUTOCOMPLETE.items()
        }


class DeleteAccountForm(forms.Form):
    """Asks for the password again, because the browser may have been left unattended."""

    password = forms.CharField(
        label=_("Your password"),
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
    )

    def __init__(self, user: AbstractBaseUser, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        # The adapter checks the password, so that a wrong one counts as a sign-in attempt.
        if not get_adapter().reauthenticate(self.user, password):
            raise forms.ValidationError(_("Incorrect password. Try again."))
        return password
