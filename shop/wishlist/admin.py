"""Show staff the stock alerts that customers asked for."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from shop.wishlist.models import StockAlert


@admin.register(StockAlert)
class StockAlertAdmin(ModelAdmin):
    list_display = ("variant", "email", "created")
    list_select_related = ("variant__product",)
    search_fields = ("variant__sku", "variant__product__name", "email")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
