from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib import admin
from unfold.admin import ModelAdmin

from shop.accounts.models import ApiToken

# allauth's own shows the secrets.
admin.site.unregister(Authenticator)


class _SeenAndDeleted(ModelAdmin):
    def has_add_permission(self, *args: Any) -> bool:
        return False

    def has_change_permission(self, *args: Any) -> bool:
        return False


@admin.register(Authenticator)
class AuthenticatorAdmin(_SeenAndDeleted):
    """Shows who has a second factor, and removes that of somebody who lost it."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    list_select_related = ("user",)
    search_fields = ("user__username", "user__email")
    fields = list_display


@admin.register(ApiToken)
class ApiTokenAdmin(_SeenAndDeleted):
    """Shows who uses the API, and revokes tokens; a token is given for a password only."""

    list_display = ("user", "scope", "created", "last_used", "expires")
    list_filter = ("scope",)
    list_select_related = ("user",)
    search_fields = ("user__username", "user__email")
    fields = list_display
