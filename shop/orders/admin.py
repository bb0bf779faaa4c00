"""Let staff manage orders, shipping methods and vouchers."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display
from unfold.views import ChangeList

from shop.orders.models import Order, OrderEvent, OrderLine, ShippingMethod, Voucher
from shop.orders.states import TransitionError, record_payment, transition

LABELS = {
    "placed": "info", "paid": "info", "packed": "warning", "shipped": "success",
    "delivered": "success", "cancelled": "danger", "refunded": "danger",
}  # fmt: skip


class _ReadOnlyInline(TabularInline):
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class OrderLineInline(_ReadOnlyInline):
    model = OrderLine
    fields = ("sku", "name", "unit_price", "quantity")


class OrderEventInline(_ReadOnlyInline):
    model = OrderEvent
    fields = readonly_fields = ("state", "by", "at")


class _ChangedFieldsAdmin(ModelAdmin):
    """Saves only changed fields, so that values written meanwhile by a webhook or sale are kept."""

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        obj.save(update_fields=form.changed_data if change else None)


class OrderChangeList(ChangeList):
    """Rejects a year outside the calendar, at which Django's date hierarchy overflows."""

    def get_filters(self, request: HttpRequest) -> Any:
        try:
            return super().get_filters(request)
        except OverflowError as error:
            raise IncorrectLookupParameters from error


def _action(state: str, label: Any):  # type: ignore[no-untyped-def]
    @admin.action(description=label, permissions=["change"])
    def act(self: OrderAdmin, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        self.transition_all(request, queryset, state)

    act.__name__ = f"make_{state}"
    return act


class OrderAdmin(_ChangedFieldsAdmin):
    list_display = (
        "labelled_number",
        "placed",
        "name",
        "email",
        "price",
        "labelled_state",
        "paid_at",
    )
    list_filter = ("state", "payment", "placed")
    search_fields = ("email", "name", "lines__sku")
    search_help_text = _("Number, email, name or SKU")
    date_hierarchy = "placed"
    list_per_page = 50
    inlines = (OrderLineInline, OrderEventInline)
    actions: ClassVar = [
        _action("paid", _("Mark as paid")),
        _action("packed", _("Mark as packed")),
        _action("shipped", _("Mark as shipped and email the customer")),
        _action("delivered", _("Mark as delivered")),
        "record_payment",
        _action("cancelled", _("Cancel and restock")),
        _action("refunded", _("Refund")),
    ]
    fieldsets = (
        (None, {"fields": (("state", "placed"), "tracking")}),
        (
            _("Customer"),
            {"fields": ("email", "name", "street", ("postcode", "city"), "country", "phone")},
        ),
        (
            _("Price"),
            {
                "fields": (
                    ("goods", "discount", "voucher_code"),
                    ("shipping", "shipping_name", "payment"),
                    ("total", "tax", "currency", "paid_at"),
                )
            },
        ),
    )
    readonly_fields = (
        *("state", "placed", "goods", "discount", "voucher_code", "shipping", "shipping_name"),
        *("payment", "total", "tax", "currency", "paid_at"),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return OrderChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        """Search orders, also by their number as it appears in emails: ``L000123``."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if number := re.fullmatch(r"L?0*([1-9]\d{0,17})", search_term.strip(), re.IGNORECASE):
            found |= queryset.filter(pk=int(number[1]))
        return found, may_repeat

    @display(description=_("number"), ordering="pk")
    def labelled_number(self, order: Order) -> str:
        return order.number

    @display(description=_("total"), ordering="total")
    def price(self, order: Order) -> str:
        return f"{order.total} {order.currency}"

    @display(description=_("state"), ordering="state", label=LABELS)
    def labelled_state(self, order: Order) -> tuple[str, str]:
        return order.state, order.get_state_display()

    def transition_all(self, request: HttpRequest, orders: QuerySet[Order], state: str) -> None:
        self._apply(request, orders, partial(transition, state=state, by=request.user))

    @admin.action(description=_("Record payment"), permissions=["change"])
    def record_payment(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        self._apply(request, queryset, partial(record_payment, by=request.user))

    def _apply(
        self, request: HttpRequest, orders: QuerySet[Order], act: Callable[[Order], Order]
    ) -> None:
        """Call ``act`` for each order separately, so that one refusal does not stop the others."""
        changed = 0
        for order in orders.order_by("pk"):
            try:
                act(order)
                changed += 1
            except TransitionError as error:
                messages.error(request, str(error))
        if changed:
            text = ngettext("%(n)d order updated.", "%(n)d orders updated.", changed)
            messages.success(request, text % {"n": changed})


admin.site.register(Order, OrderAdmin)


@admin.register(ShippingMethod)
class ShippingMethodAdmin(ModelAdmin):
    list_display = (*("name", "price", "free_from", "days_from", "days_to", "active", "position"),)
    list_editable = ("active", "position")


@admin.register(Voucher)
class VoucherAdmin(_ChangedFieldsAdmin):
    list_display = ("code", "kind", "value", "minimum", "starts", "ends", "used", "limit")
    list_filter = ("kind",)
    search_fields = ("code",)
    readonly_fields = ("used",)
