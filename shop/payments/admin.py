"""Show staff the state of card payments, read-only because staff change the order instead."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from shop.payments.models import Payment


@admin.register(Payment)
class PaymentAdmin(ModelAdmin):
    list_display = ("order", "state", "amount", "currency", "problem", "updated")
    list_filter = ("state",)
    list_select_related = ("order",)
    search_fields = ("intent_id", "session_id", "order__email")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
