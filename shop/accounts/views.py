"""Show the account pages of a customer. Sign-up and sign-in come from django-allauth."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shop.accounts.forms import AddressForm, DeleteAccountForm
from shop.accounts.models import Address, ApiToken
from shop.accounts.personal_data import export

MAX_ADDRESSES = 20


@require_safe
@login_required
def account(request: HttpRequest) -> HttpResponse:
    tokens = ApiToken.objects.valid().filter(user=_user(request))
    return render(request, "shop/accounts/account.html", {"api_tokens": tokens})


@require_safe
@login_required
def addresses(request: HttpRequest) -> HttpResponse:
    found = Address.objects.filter(user=_user(request))
    return render(request, "shop/accounts/addresses.html", {"addresses": found})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def address(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Add an address, or edit one of the customer's own."""
    user = _user(request)
    own = Address.objects.filter(user=user)
    if pk is None and own.count() >= MAX_ADDRESSES:
        messages.error(request, _("Your address book is full. Delete an address first."))
        return redirect("accounts:addresses")
    instance = get_object_or_404(own, pk=pk) if pk else Address(user=user)
    form = AddressForm(request.POST or None, instance=instance)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Address saved."))
        return redirect("accounts:addresses")
    context = {"form": form, "address": instance}
    status = 422 if form.errors else 200
    return render(request, "shop/accounts/address.html", context, status=status)


@require_POST
@login_required
def delete_address(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(Address, pk=pk, user=_user(request)).delete()
    messages.info(request, _("Address deleted."))
    return redirect("accounts:addresses")


@require_POST
@login_required
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    """Revoke one of the customer's API tokens."""
    get_object_or_404(ApiToken, pk=pk, user=_user(request)).delete()
    messages.info(request, _("Token revoked."))
    return redirect("accounts:account")


@require_safe
@login_required
def export_data(request: HttpRequest) -> HttpResponse:
    """Download everything the shop stores about the customer, as a JSON file."""
    response = JsonResponse(export(_user(request)), json_dumps_params={"indent": 2})
    name = f"my-data-{timezone.now():%Y-%m-%d}.json"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def delete_account(request: HttpRequest) -> HttpResponse:
    user = _user(request)
    if user.is_staff:
        raise PermissionDenied(_("Only an administrator can delete staff accounts."))
    form = DeleteAccountForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        # Orders are kept, without an owner, because the law requires invoices to be kept.
        user.delete()
        logout(request)
        messages.info(request, _("Your account and your data have been deleted."))
        return redirect("catalogue:home")
    status = 422 if form.errors else 200
    return render(request, "shop/accounts/delete.html", {"form": form}, status=status)


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)
