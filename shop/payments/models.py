"""Define the card payments of orders, and records of handled webhook events."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from shop.orders.models import Order


class Payment(models.Model):
    class State(models.TextChoices):
        PENDING = "pending", _("awaiting payment")
        FAILED = "failed", _("failed")
        PAID = "paid", _("paid")
        REFUND_DUE = "refund due", _("refund due")
        REFUNDED = "refunded", _("refunded")

    order = models.OneToOneField(Order, models.PROTECT, related_name="card_payment")
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.PENDING
    )
    amount = models.PositiveBigIntegerField(_("amount in the smallest currency unit"))
    currency = models.CharField(_("currency"), max_length=3)
    session_id = models.CharField(_("session"), max_length=255, blank=True, db_index=True)
    session_url = models.CharField(max_length=2000, blank=True)
    session_expires = models.DateTimeField(null=True)
    intent_id = models.CharField(_("payment intent"), max_length=255, blank=True, db_index=True)
    problem = models.CharField(_("problem"), max_length=300, blank=True)
    created = models.DateTimeField(_("created"), auto_now_add=True)
    updated = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("card payment")
        verbose_name_plural = _("card payments")

    def __str__(self) -> str:
        return f"{self.order}: {self.get_state_display()}"


class WebhookEvent(models.Model):
    """Records a handled webhook event, so that duplicates of the event are ignored."""

    id = models.CharField(primary_key=True, max_length=255)
    kind = models.CharField(max_length=80)
    received = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
