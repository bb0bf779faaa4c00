"""Register uploads and gender synonyms in the admin, with the URLs of the upload pages."""

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

from shop.imports import admin_views
from shop.imports.models import GenderWord, Upload

LABEL_COLOURS = {
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
        def url(route: str, view: Any, name: str) -> URLPattern:
            return path(route, self.admin_site.admin_view(view), name=f"imports_upload_{name}")

        upload_urls = [
            url("new/", admin_views.new, "new"),
            url("export/", admin_views.export, "export"),
            url("sample/", admin_views.sample, "sample"),
            url("<int:pk>/", admin_views.page, "page"),
            url("<int:pk>/state/", admin_views.state, "state"),
            url("<int:pk>/check/", admin_views.check, "check"),
            url("<int:pk>/start/", admin_views.start, "start"),
            url("<int:pk>/stop/", admin_views.stop, "stop"),
            url("<int:pk>/roll-back/", admin_views.roll_back, "roll_back"),
            url("<int:pk>/finalise/", admin_views.finalise, "finalise"),
            url("<int:pk>/report/", admin_views.report, "report"),
        ]
        return [*upload_urls, *super().get_urls()]

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

    @display(description=_("state"), ordering="state", label=LABEL_COLOURS)
    def labelled_state(self, upload: Upload) -> tuple[str, str]:
        return upload.state, upload.get_state_display()
