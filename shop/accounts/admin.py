from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib import admin
from unfold.admin import ModelAdmin

from shop.accounts.models import ApiToken

# allauth's own admin of second factors shows their secrets, so it is replaced by the one below.
admin.site.unregister(Authenticator)


class _ViewAndDeleteAdmin(ModelAdmin):
    def has_add_permission(self, *args: Any) -> bool:
        return False

    def has_change_permission(self, *args: Any) -> bool:
        return False


@admin.register(Authenticator)
class AuthenticatorAdmin(_ViewAndDeleteAdmin):
    """Lists second factors, so that staff can delete one that its user has lost."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    list_select_related = ("user",)
    search_fields = ("user__username", "user__email")
    fields = list_display


@admin.register(ApiToken)
class ApiTokenAdmin(_ViewAndDeleteAdmin):
    """Lists API tokens and lets staff revoke them; only the API issues tokens."""

    list_display = ("user", "scope", "created", "last_used", "expires")
    list_filter = ("scope",)
    list_select_related = ("user",)
    search_fields = ("user__username", "user__email")
    fields = list_display
