"""Define delivery addresses of customers, and API tokens."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shop.core.countries import country_name

CONTACT = ("name", "street", "postcode", "city", "country", "phone")


class Address(models.Model):
    """Represents a customer's delivery address; the default one is pre-filled at checkout."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="addresses", editable=False
    )
    name = models.CharField(_("name"), max_length=120)
    street = models.CharField(_("street and number"), max_length=200)
    postcode = models.CharField(_("postcode"), max_length=20)
    city = models.CharField(_("city"), max_length=100)
    country = models.CharField(_("country"), max_length=80)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    is_default = models.BooleanField(_("use as default address"), default=False)

    class Meta:
        verbose_name = _("address")
        verbose_name_plural = _("addresses")
        ordering = ("-is_default", "pk")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(is_default=True), name="address_one_default"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.street}, {self.postcode} {self.city}"

    @transaction.atomic
    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the address; make the first one the default, and replace an earlier default."""
        others = Address.objects.filter(user=self.user).exclude(pk=self.pk)
        # The user is locked, because two simultaneous saves could result in two defaults.
        get_user_model().objects.select_for_update().get(pk=self.user_id)
        if self.is_default:
            others.update(is_default=False)
        elif not others.filter(is_default=True).exists():
            self.is_default = True
        super().save(*args, **kwargs)

    @property
    def country_name(self) -> str:
        return country_name(self.country)

    def contact(self) -> dict[str, str]:
        """Return the fields of the address that an order copies."""
        return {name: getattr(self, name) for name in CONTACT}


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def valid(self) -> Self:
        """Return the tokens that have not expired."""
        return self.filter(Q(expires=None) | Q(expires__gt=timezone.now()))


class ApiToken(models.Model):
    """Lets a program act for a user through the API. Only the token's hash is stored.

    A fast hash without salt suffices, because a token has 160 random bits.
    """

    class Scope(models.TextChoices):
        READ = "read", _("Read")
        WRITE = "write", _("Read and write")

    MAX_PER_USER = 20
    # ``last_used`` may be older than the last use by this much, so that few calls have to write it.
    LAST_USED_PRECISION = timedelta(minutes=10)

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens", editable=False
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scope = models.CharField(
        _("access"), max_length=5, choices=Scope.choices, default=Scope.WRITE, editable=False
    )
    created = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    last_used = models.DateTimeField(_("last used"), null=True, editable=False)
    # Null for tokens of version 0.1, which never expire.
    expires = models.DateTimeField(_("expires"), null=True, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.user}, {self.get_scope_display()}, {self.created:%Y-%m-%d}"

    @classmethod
    def digest_of(cls, token: str) -> str:
        return hashlib.sha256(token.encode()).hexdigest()

    @classmethod
    def issue(cls, user: Any, scope: str = Scope.WRITE) -> tuple[ApiToken, str]:
        """Create a token; return its row and the secret, which cannot be read again.

        Deletes the user's oldest tokens beyond ``MAX_PER_USER``.
        """
        token = secrets.token_hex(20)
        expires = timezone.now() + timedelta(days=settings.API_TOKEN_DAYS)
        row = cls.objects.create(
            user=user, digest=cls.digest_of(token), scope=scope, expires=expires
        )
        newest = cls.objects.filter(user=user).values("pk")[: cls.MAX_PER_USER]
        cls.objects.filter(user=user).exclude(pk__in=newest).delete()
        return row, token

    def record_use(self) -> None:
        """Update ``last_used`` if it is older than ``LAST_USED_PRECISION``."""
        now = timezone.now()
        if self.last_used is None or now - self.last_used > self.LAST_USED_PRECISION:
            ApiToken.objects.filter(pk=self.pk).update(last_used=now)
