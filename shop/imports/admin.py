"""The list of uploads in the admin, and the addresses of their pages."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from shop.imports import admin_views as pages
from shop.imports.models import GenderWord, Upload

LABELS = {
    "checking": "info", "checked": "info", "refused": "danger", "running": "warning",
    "stopped": "warning", "done": "success", "undoing": "warning", "undone": "info",
    "confirmed": "success",
}  # fmt: skip


@admin.register(GenderWord)
class GenderWordAdmin(ModelAdmin):
    list_display = ("word", "gender")


@admin.register(Upload)
class UploadAdmin(ModelAdmin):
    list_display = (
        *("table_name", "labelled_state", "rows", "imported", "updated", "unchanged"),
        *("rejected", "by", "created"),
    )
    list_filter = ("state",)
    list_select_related = ("by",)

    def get_urls(self) -> list[URLPattern]:
        def at(route: str, view: Any, name: str) -> URLPattern:
            return path(route, self.admin_site.admin_view(view), name=f"imports_upload_{name}")

        own = [
            at("new/", pages.new, "new"),
            at("export/", pages.export, "export"),
            at("<int:pk>/", pages.page, "page"),
            at("<int:pk>/state/", pages.state, "state"),
            at("<int:pk>/check/", pages.check, "check"),
            at("<int:pk>/start/", pages.start, "start"),
            at("<int:pk>/stop/", pages.stop, "stop"),
            at("<int:pk>/undo/", pages.roll_back, "undo"),
            at("<int:pk>/confirm/", pages.confirm, "confirm"),
            at("<int:pk>/report/", pages.report, "report"),
        ]
        return [*own, *super().get_urls()]

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return redirect("admin:imports_upload_new")

    def change_view(
        self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return redirect("admin:imports_upload_page", object_id)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @display(description=_("state"), ordering="state", label=LABELS)
    def labelled_state(self, upload: Upload) -> tuple[str, str]:
        return upload.state, upload.get_state_display()
