"""Show staff which emails are still queued and why, but not their text."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from shop.mail.models import QueuedEmail


@admin.register(QueuedEmail)
class QueuedEmailAdmin(ModelAdmin):
    list_display = ("to", "subject", "created", "attempts", "due", "problem")
    list_display_links = None
    list_per_page = 50
    search_fields = ("to", "subject", "problem")
    fields = ("to", "subject", "attempts", "due", "problem")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
