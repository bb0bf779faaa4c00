"""Let staff write the pages about help, delivery, returns and so on."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from unfold.admin import ModelAdmin

from shop.pages.models import Page


@admin.register(Page)
class PageAdmin(ModelAdmin):
    list_display = ("title", "slug", "language", "published", "updated")
    list_filter = ("language", "published")
    search_fields = ("title", "slug", "text")
    fields = ("title", "slug", "language", "text", "published", "position")
    prepopulated_fields: ClassVar = {"slug": ("title",)}
