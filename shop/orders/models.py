"""Define shipping methods, vouchers, and orders, which hold copies of names and prices."""

from __future__ import annotations

import secrets
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.signing import BadSignature, Signer
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext_lazy as _

from shop.catalogue.models import Variant
from shop.core.countries import country_name
from shop.core.emails import email_key
from shop.core.money import money
from shop.core.validators import refuse_links

CENT = Decimal("0.01")
CONFIRM_WITHIN = timedelta(hours=1)


def _money(label: Any, **options: Any) -> Any:
    return models.DecimalField(label, max_digits=10, decimal_places=2, **options)


class ShippingMethod(models.Model):
    name = models.CharField(_("name"), max_length=80, unique=True)
    description = models.CharField(_("description"), max_length=200, blank=True)
    price = _money(_("price"), validators=[MinValueValidator(0)])
    free_from = _money(_("free from"), null=True, blank=True)
    # The shortest and longest delivery time in working days; null if unknown.
    days_from = models.PositiveSmallIntegerField(_("working days, at least"), null=True, blank=True)
    days_to = models.PositiveSmallIntegerField(_("working days, at most"), null=True, blank=True)
    active = models.BooleanField(_("active"), default=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("delivery method")
        verbose_name_plural = _("delivery methods")
        ordering = ("position", "pk")

    def __str__(self) -> str:
        return self.name

    @property
    def delivery_time(self) -> str:
        """Return the delivery time in words; empty if unknown."""
        if self.days_to is None:
            return ""
        first = self.days_from or self.days_to
        days = f"{first}–{self.days_to}" if first < self.days_to else str(self.days_to)
        text = ngettext("%(days)s working day", "%(days)s working days", self.days_to)
        return text % {"days": days}

    def price_for(self, goods: Decimal) -> Decimal:
        """Return the shipping price of a cart; ``goods`` is its subtotal after the voucher."""
        free = self.free_from is not None and goods >= self.free_from
        return Decimal(0) if free else Decimal(self.price)


class Voucher(models.Model):
    class Kind(models.TextChoices):
        PERCENTAGE = "percentage", _("percentage")
        AMOUNT = "amount", _("amount")

    code = models.CharField(_("code"), max_length=40, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    value = _money(_("value"), validators=[MinValueValidator(CENT)])
    minimum = _money(_("minimum order value"), default=0, validators=[MinValueValidator(0)])
    starts = models.DateTimeField(_("valid from"), null=True, blank=True)
    ends = models.DateTimeField(_("expires"), null=True, blank=True)
    limit = models.PositiveIntegerField(
        _("usage limit"),
        null=True,
        blank=True,
        help_text=_("How many times the voucher can be used in total."),
    )
    used = models.PositiveIntegerField(_("used"), default=0, editable=False)

    class Meta:
        verbose_name = _("voucher")
        verbose_name_plural = _("vouchers")
        ordering = ("code",)
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(limit=None) | Q(used__lte=F("limit")), name="voucher_within_limit"
            ),
            models.CheckConstraint(
                condition=Q(kind="amount") | Q(value__lte=100), name="voucher_at_most_all"
            ),
        ]

    def __str__(self) -> str:
        return self.code

    def save(self, *args, **kwargs) -> None:  # type: ignore[no-untyped-def]
        self.code = self.code.strip().upper()
        super().save(*args, **kwargs)

    def clean(self) -> None:
        self.code = self.code.strip().upper()
        if self.limit is not None and self.limit < self.used:
            text = _("It has already been used %(used)s times.")
            raise ValidationError({"limit": text % {"used": self.used}})
        if self.kind == self.Kind.PERCENTAGE and self.value is not None and self.value > 100:
            raise ValidationError({"value": _("A discount cannot exceed 100 per cent.")})

    def problem(self, goods: Decimal, currency: str) -> str:
        """Return why the voucher cannot be used for a cart with this subtotal; empty if it can."""
        now = timezone.now()
        if self.starts and now < self.starts:
            return str(_("This voucher is not valid yet."))
        if self.ends and now >= self.ends:
            return str(_("This voucher has expired."))
        if self.limit is not None and self.used >= self.limit:
            return str(_("This voucher is no longer available."))
        if goods < self.minimum:
            amount = money(self.minimum, currency)
            return str(_("Spend %(amount)s or more to use this voucher.") % {"amount": amount})
        return ""

    def discount(self, goods: Decimal) -> Decimal:
        """Return the discount, which is at most the price of the goods."""
        amount = goods * self.value / 100 if self.kind == self.Kind.PERCENTAGE else self.value
        cut: Decimal = min(amount, goods).quantize(CENT, ROUND_HALF_UP)
        return cut


def _confirmation_signer() -> Signer:
    return Signer(salt="shop.orders.confirmation")


def _token() -> str:
    return secrets.token_urlsafe(16)


class Order(models.Model):
    class State(models.TextChoices):
        PLACED = "placed", _("placed")
        PAID = "paid", _("paid")
        PACKED = "packed", _("packed")
        SHIPPED = "shipped", _("shipped")
        DELIVERED = "delivered", _("delivered")
        CANCELLED = "cancelled", _("cancelled")
        REFUNDED = "refunded", _("refunded")

    # Orders in these states are no sales, so statistics leave them out.
    VOID = (State.CANCELLED, State.REFUNDED)

    token = models.CharField(max_length=22, unique=True, default=_token, editable=False)
    idempotency_key = models.CharField(max_length=64, unique=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="orders"
    )
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.PLACED, editable=False
    )
    placed = models.DateTimeField(_("placed"), auto_now_add=True, db_index=True)
    email = models.EmailField(_("email"))
    name = models.CharField(_("name"), max_length=120, validators=[refuse_links])
    street = models.CharField(_("street and number"), max_length=200)
    postcode = models.CharField(_("postcode"), max_length=20)
    city = models.CharField(_("city"), max_length=100)
    country = models.CharField(_("country"), max_length=80)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    currency = models.CharField(_("currency"), max_length=3)
    goods = _money(_("subtotal"))
    discount = _money(_("discount"), default=0)
    voucher_code = models.CharField(_("voucher"), max_length=40, blank=True)
    shipping = _money(_("delivery"))
    shipping_name = models.CharField(_("delivery method"), max_length=80)
    tax = _money(_("VAT included"))
    tax_rate = models.DecimalField(
        _("VAT rate"), max_digits=4, decimal_places=2, validators=[MaxValueValidator(99)]
    )
    total = _money(_("total"))
    payment = models.CharField(_("payment"), max_length=20)
    paid_at = models.DateTimeField(_("paid at"), null=True, editable=False)
    # Deadline for a guest who pays later to confirm; null if confirmed or not required.
    confirm_by = models.DateTimeField(null=True, editable=False)
    tracking = models.CharField(_("tracking number"), max_length=80, blank=True)
    # Language of the emails to the buyer.
    language = models.CharField(_("language"), max_length=10, default=get_language, editable=False)

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        ordering = ("-pk",)
        indexes: ClassVar = [
            # This index exists because every sign-in looks for orders placed as a guest.
            models.Index(email_key(), condition=Q(user=None), name="order_of_guest"),
            models.Index(
                "confirm_by", condition=Q(confirm_by__isnull=False), name="order_to_be_confirmed"
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(total=F("goods") - F("discount") + F("shipping")), name="order_adds_up"
            )
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("orders:order", args=[self.token])

    def confirmation_path(self) -> str:
        """Return the path of the order's page with the signature, which only the email contains."""
        return f"{self.get_absolute_url()}?confirm={_confirmation_signer().signature(self.token)}"

    def is_confirmed_by(self, signature: str) -> bool:
        """Return whether the signature is that of the confirmation link."""
        signer = _confirmation_signer()
        try:
            signer.unsign(f"{self.token}{signer.sep}{signature}")
        except BadSignature:
            return False
        return True

    @property
    def country_name(self) -> str:
        return country_name(self.country)

    @property
    def number(self) -> str:
        """Return the number that customers see, such as ``L000123``."""
        return f"L{self.pk:06d}"


class OrderLine(models.Model):
    order = models.ForeignKey(Order, models.CASCADE, related_name="lines")
    variant = models.ForeignKey(Variant, models.SET_NULL, null=True, related_name="+")
    sku = models.CharField(_("SKU"), max_length=64)
    name = models.CharField(_("name"), max_length=320)
    unit_price = _money(_("unit price"))
    quantity = models.PositiveSmallIntegerField(_("quantity"))

    class Meta:
        verbose_name = _("order item")
        verbose_name_plural = _("order items")
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.quantity} × {self.name}"

    @property
    def total(self) -> Decimal:
        return Decimal(self.unit_price * self.quantity)


class OrderEvent(models.Model):
    """Records who changed the order to which state, and when."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="events")
    state = models.CharField(_("state"), max_length=10, choices=Order.State.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(_("time"), auto_now_add=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("order history")
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.get_state_display()
