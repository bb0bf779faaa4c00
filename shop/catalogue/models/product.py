"""Define products."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import GeneratedField, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from shop.catalogue.models.category import Category
from shop.catalogue.models.redirects import redirect_trigger
from shop.catalogue.querysets import ProductQuerySet
from shop.catalogue.slugs import free_slug

if TYPE_CHECKING:
    from shop.catalogue.models.image import ProductImage

SEARCH_CONFIG = "english"
LOW_STOCK = 3
NEEDS_PRICE = _("A listed product needs a price.")
# Triggers maintain these fields. ``save`` skips them, because a form could overwrite newer values.
TRIGGER_FIELDS = {"stock", "rating_count", "rating_sum"}
# The keywords consist of these attributes and the name and path of the category.
KEYWORD_ATTRIBUTES = ("base_colour", "gender", "usage", "season")


class Product(models.Model):
    """Represents a product, which is sold as one or more variants."""

    class Gender(models.TextChoices):
        WOMEN = "Women", _("Women")
        MEN = "Men", _("Men")
        GIRLS = "Girls", _("Girls")
        BOYS = "Boys", _("Boys")
        UNISEX = "Unisex", _("Unisex")

    external_id = models.CharField(
        _("external ID"),
        max_length=64,
        unique=True,
        null=True,
        blank=True,
        help_text=_("The ID in the file the product was imported from."),
    )
    name = models.CharField(_("name"), max_length=255)
    slug = models.SlugField(_("slug"), max_length=120, unique=True, blank=True)
    description = models.TextField(_("description"), blank=True)
    brand = models.CharField(_("brand"), max_length=80, blank=True)
    category = models.ForeignKey(
        Category, models.PROTECT, related_name="products", verbose_name=_("category")
    )
    gender = models.CharField(_("gender"), max_length=10, choices=Gender.choices, blank=True)
    base_colour = models.CharField(_("base colour"), max_length=40, blank=True)
    season = models.CharField(_("season"), max_length=20, blank=True)
    year = models.PositiveSmallIntegerField(_("year"), null=True, blank=True)
    usage = models.CharField(_("usage"), max_length=40, blank=True)
    price = models.DecimalField(
        _("price"),
        max_digits=10,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0.01"))],
        help_text=_("Required unless the product is hidden."),
    )
    currency = models.CharField(_("currency"), max_length=3, default=settings.DEFAULT_CURRENCY)
    stock = models.PositiveIntegerField(
        _("stock"),
        default=0,
        editable=False,
        help_text=_("Total of all variants, updated automatically."),
    )
    # The number and the sum of the stars of published reviews, which the triggers of
    # ``shop.reviews.models.Review`` maintain.
    rating_count = models.PositiveIntegerField(_("reviews"), default=0, editable=False)
    rating_sum = models.PositiveIntegerField(default=0, editable=False)
    listed = models.BooleanField(
        _("listed"), default=True, help_text=_("Untick to hide the product from the shop.")
    )
    # A merged product is kept only for its URL and its ids.
    merged_into = models.ForeignKey(
        "self", models.CASCADE, null=True, editable=False, related_name="merged"
    )
    keywords = models.TextField(
        _("keywords"),
        blank=True,
        editable=False,
        help_text=_("Used in search, together with the attributes."),
    )
    created = models.DateTimeField(_("created"), auto_now_add=True)
    updated = models.DateTimeField(_("updated"), auto_now=True)
    search = GeneratedField(
        expression=SearchVector("name", "brand", weight="A", config=SEARCH_CONFIG)
        + SearchVector("keywords", weight="B", config=SEARCH_CONFIG)
        + SearchVector("description", weight="D", config=SEARCH_CONFIG),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    # Number of colours among the variants, set where products are loaded for cards.
    colour_count: int | None = None

    objects = ProductQuerySet.as_manager()

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ("-pk",)
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(price__gt=0) | Q(price=None), name="product_price_positive"
            ),
            models.CheckConstraint(
                condition=Q(listed=False) | Q(price__isnull=False),
                name="product_listed_has_price",
                violation_error_message=NEEDS_PRICE,
            ),
            models.CheckConstraint(
                condition=Q(merged_into=None) | Q(listed=False), name="product_merged_not_listed"
            ),
        ]
        indexes: ClassVar = [
            GinIndex(fields=["search"], name="product_search"),
            models.Index(fields=["category", "-created", "-id"], name="product_category_newest"),
            # This index is for outfits, which need the newest products for a gender and use,
            # however rare such products are.
            models.Index(
                fields=["category", "gender", "usage", "-created", "-id"], name="product_fitting"
            ),
            # There is one index for each sort order, so that product lists and their totals are
            # read by index-only scans.
            *(
                models.Index(fields=[*fields], condition=Q(listed=True), name=name)
                for name, fields in {
                    "product_listed_newest": ("-created", "-id"),
                    "product_listed_price": ("price", "id"),
                    "product_listed_name": ("name", "id"),
                    "product_category_price": ("category", "price", "id"),
                }.items()
            ),
            # This index leaves out the stock: with it, sales would not be HOT updates and would
            # write 1.8 kB of WAL instead of 0.2 kB. Counts of products in stock therefore read the
            # table, once a minute.
            models.Index(
                fields=["category", "gender", "base_colour"],
                include=["price"],
                condition=Q(listed=True),
                name="product_facets",
            ),
            models.Index(
                fields=["category", "brand"],
                include=["gender", "base_colour", "price"],
                condition=Q(listed=True),
                name="product_brands",
            ),
        ]
        triggers: ClassVar = [redirect_trigger("slug", "catalogue_formerslug", "product_id")]

    def __str__(self) -> str:
        return self.name

    def save(self, *args, **kwargs) -> None:  # type: ignore[no-untyped-def]
        self.slug = self.slug or free_slug(self)
        self.keywords = self.make_keywords()
        if not self._state.adding and kwargs.get("update_fields") is None:
            kwargs["update_fields"] = {
                field.name
                for field in self._meta.concrete_fields
                if not (field.primary_key or field.generated)
            }
            kwargs["update_fields"] -= TRIGGER_FIELDS | self.get_deferred_fields()
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return reverse("catalogue:product", args=[self.slug])

    def make_keywords(self) -> str:
        """Return the words of the category and of the attributes, for full-text search."""
        attributes = (getattr(self, name) for name in KEYWORD_ATTRIBUTES)
        return " ".join(word for word in (category_keywords(self.category), *attributes) if word)

    @property
    def short_name(self) -> str:
        """Return the name without a leading brand, for places that show the brand separately."""
        rest = self.name.removeprefix(f"{self.brand} ") if self.brand else self.name
        return rest or self.name

    @property
    def rating(self) -> float | None:
        """Return the mean stars of published reviews, or ``None`` without reviews."""
        return round(self.rating_sum / self.rating_count, 1) if self.rating_count else None

    @property
    def is_sold_out(self) -> bool:
        return self.stock == 0

    @property
    def is_low_in_stock(self) -> bool:
        return 0 < self.stock <= LOW_STOCK

    @property
    def has_sold_out_variant(self) -> bool:
        return any(variant.stock == 0 for variant in self.variants.all())

    @property
    def primary_image(self) -> ProductImage | None:
        """Return the first picture; needs no query if ``with_card_data`` loaded the product."""
        return next(iter(self.images.all()), None)


def category_keywords(category: Category) -> str:
    """Return the keywords that products get from their category: the words of its name and path."""
    return f"{category.name} {category.path.replace('/', ' ').replace('-', ' ')}"
