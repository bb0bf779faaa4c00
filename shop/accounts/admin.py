from __future__ import annotations

from typing import Any

from django.contrib import admin
from unfold.admin import ModelAdmin

from shop.accounts.models import ApiToken


@admin.register(ApiToken)
class ApiTokenAdmin(ModelAdmin):
    """Shows who uses the API, and revokes tokens; a token is given for a password only."""

    list_display = ("user", "scope", "created", "last_used", "expires")
    list_filter = ("scope",)
    list_select_related = ("user",)
    search_fields = ("user__username", "user__email")
    fields = list_display

    def has_add_permission(self, *args: Any) -> bool:
        return False

    def has_change_permission(self, *args: Any) -> bool:
        return False
