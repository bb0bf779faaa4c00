"""Let staff publish and reject reviews, but not write or change them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import display

from shop.reviews.models import Review

LABELS = {"pending": "warning", "published": "success", "rejected": "danger"}


def _action(name: str, state: str, label: Any):  # type: ignore[no-untyped-def]
    @admin.action(description=label, permissions=["change"])
    def act(self: ReviewAdmin, request: HttpRequest, queryset: QuerySet[Review]) -> None:
        self.set_state(request, queryset, state)

    act.__name__ = name
    return act


@admin.register(Review)
class ReviewAdmin(ModelAdmin):
    list_display = ("product", "stars", "fit", "short_text", "name", "created", "labelled_state")
    list_filter = ("state", "stars", "fit")
    list_select_related = ("product",)
    list_per_page = 50
    search_fields = ("product__name", "name", "text")
    fields = ("product", "order", "name", "stars", "fit", "text", "created", "state")
    readonly_fields = ("product", "order", "name", "stars", "fit", "text", "created")
    actions: ClassVar = [
        _action("publish", Review.State.PUBLISHED, _("Publish")),
        _action("reject", Review.State.REJECTED, _("Reject")),
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Review]:
        found: QuerySet[Review] = super().get_queryset(request)
        return found.defer("product__search")

    @display(description=_("text"))
    def short_text(self, review: Review) -> str:
        return Truncator(review.text).chars(80)

    @display(description=_("state"), ordering="state", label=LABELS)
    def labelled_state(self, review: Review) -> tuple[str, str]:
        return review.state, review.get_state_display()

    def set_state(self, request: HttpRequest, reviews: QuerySet[Review], state: str) -> None:
        """Update each review in its own transaction, to lock only one product at a time."""
        changed = 0
        for pk in reviews.order_by("pk").values_list("pk", flat=True):
            changed += Review.objects.filter(pk=pk).exclude(state=state).update(state=state)
        text = ngettext("%(n)d review updated.", "%(n)d reviews updated.", changed)
        messages.success(request, text % {"n": changed})
