"""Categories, products and their pictures."""

from __future__ import annotations

from decimal import Decimal
from itertools import zip_longest
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.core.files.storage import storages
from django.core.validators import MinValueValidator
from django.db import models, transaction
from django.db.models import GeneratedField, Q
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from pgvector.django import HalfVectorField, HnswIndex

from shop.catalogue import former as former
from shop.catalogue import trees
from shop.catalogue.pictures import Picture
from shop.catalogue.querysets import CategoryQuerySet, ProductImageManager, ProductQuerySet
from shop.catalogue.sketches import sketch_of
from shop.catalogue.slugs import free_slug
from shop.catalogue.tallies import ProductTally as ProductTally

VECTOR_DIMENSIONS = 2048
SEARCH_CONFIG = "english"
LOW_STOCK = 3


class Category(models.Model):
    """A node of the tree master category, sub-category, article type."""

    name = models.CharField(_("name"), max_length=80)
    slug = models.SlugField(_("slug"), max_length=80)
    parent = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="children",
        verbose_name=_("parent"),
    )
    path = models.CharField(_("path"), max_length=255, unique=True, editable=False)

    cover: ProductImage | None = None  # set by ``most_filled``

    objects = CategoryQuerySet.as_manager()

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ("path",)
        indexes: ClassVar = [
            # Prefix search needs this operator class unless the database's locale is C.
            models.Index(fields=["path"], name="category_path", opclasses=["varchar_pattern_ops"])
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args, **kwargs) -> None:  # type: ignore[no-untyped-def]
        self.slug = self.slug or slugify(self.name)
        with transaction.atomic(), trees.placing(self):
            super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return reverse("catalogue:category", args=[self.path])

    def clean(self) -> None:
        trees.check(self)

    @cached_property
    def trail(self) -> list[Category]:
        """The ancestors and the category itself, from the top, in one query."""
        parts = self.path.split("/")
        paths = ["/".join(parts[: i + 1]) for i in range(len(parts))]
        trail = list(Category.objects.filter(path__in=paths).order_by("path"))
        # Watches > Watches: a sub-category with one article type of its name says it once.
        return [node for node, child in zip_longest(trail, trail[1:]) if not _same(node, child)]


def _same(node: Category, child: Category | None) -> bool:
    return child is not None and child.name == node.name


class Product(models.Model):
    class Gender(models.TextChoices):
        WOMEN = "Women", _("Women")
        MEN = "Men", _("Men")
        GIRLS = "Girls", _("Girls")
        BOYS = "Boys", _("Boys")
        UNISEX = "Unisex", _("Unisex")

    external_id = models.CharField(
        _("external id"),
        max_length=64,
        unique=True,
        null=True,
        blank=True,
        help_text=_("The id in the file that the product was imported from."),
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
        _("price"), max_digits=10, decimal_places=2, validators=[MinValueValidator(Decimal("0.01"))]
    )
    currency = models.CharField(_("currency"), max_length=3, default=settings.DEFAULT_CURRENCY)
    stock = models.PositiveIntegerField(
        _("stock"),
        default=0,
        editable=False,
        help_text=_("The sum over the variants, kept by a trigger of the database."),
    )
    listed = models.BooleanField(
        _("listed"), default=True, help_text=_("Untick to take the product out of the shop.")
    )
    # Of a product that was merged into another, only the address and the ids are left.
    merged_into = models.ForeignKey(
        "self", models.CASCADE, null=True, editable=False, related_name="merged"
    )
    keywords = models.TextField(
        _("keywords"), blank=True, editable=False, help_text=_("Searched with the attributes.")
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

    objects = ProductQuerySet.as_manager()

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ("-pk",)
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(price__gt=0), name="product_price_positive"),
            models.CheckConstraint(
                condition=Q(merged_into=None) | Q(listed=False), name="product_merged_not_listed"
            ),
        ]
        indexes: ClassVar = [
            GinIndex(fields=["search"], name="product_search"),
            models.Index(fields=["category", "-created", "-id"], name="product_category_newest"),
            # The newest for one person and use, however rare: recommender.look asks for them.
            models.Index(
                fields=["category", "gender", "usage", "-created", "-id"], name="product_fitting"
            ),
            # A list in each order, and the counts beside its filters, without reading the table.
            *(
                models.Index(fields=[*fields], condition=Q(listed=True), name=name)
                for name, fields in {
                    "product_listed_newest": ("-created", "-id"),
                    "product_listed_price": ("price", "id"),
                    "product_listed_name": ("name", "id"),
                    "product_category_price": ("category", "price", "id"),
                }.items()
            ),
            models.Index(
                fields=["category", "gender", "base_colour"],
                include=["price"],
                condition=Q(listed=True),
                name="product_facets",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args, **kwargs) -> None:  # type: ignore[no-untyped-def]
        self.slug = self.slug or free_slug(self)
        self.keywords = self.make_keywords()
        if not self._state.adding and kwargs.get("update_fields") is None:
            # The database keeps the stock; what was read before a sale must not come back.
            kwargs["update_fields"] = {
                field.name
                for field in self._meta.concrete_fields
                if not (field.primary_key or field.generated or field.name == "stock")
            } - self.get_deferred_fields()
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return reverse("catalogue:product", args=[self.slug])

    def make_keywords(self) -> str:
        """The words of the category tree and the attributes, for the full-text search."""
        return trees.keywords_of(self)

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
        """The first picture; uses what ``with_card_data`` prefetched."""
        return next(iter(self.images.all()), None)


class Variant(models.Model):
    """What is put into a cart: a size or colour of a product. Every product has at least one,
    unless it was merged into another.

    The database adds a change of ``stock`` to the product's own, whoever writes it: migration 0004.
    """

    product = models.ForeignKey(
        Product, models.CASCADE, related_name="variants", verbose_name=_("product")
    )
    sku = models.CharField(_("SKU"), max_length=64, unique=True)
    size = models.CharField(_("size"), max_length=20, blank=True)
    colour = models.CharField(_("colour"), max_length=40, blank=True)
    price = models.DecimalField(
        _("price"),
        max_digits=10,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0.01"))],
        help_text=_("Only if it differs from the product's."),
    )
    stock = models.PositiveIntegerField(_("stock"), default=0)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("variant")
        verbose_name_plural = _("variants")
        ordering = ("position", "pk")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(price__gt=0) | Q(price=None), name="variant_price_positive"
            ),
            models.UniqueConstraint(
                fields=["product", "size", "colour"], name="variant_of_product"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product.name} ({self.label})" if self.label else self.product.name

    @property
    def label(self) -> str:
        """``M, Red``: what tells it from the product's other variants; may be empty."""
        return ", ".join(word for word in (self.size, self.colour) if word)

    @property
    def unit_price(self) -> Decimal:
        return self.product.price if self.price is None else self.price


class StockAdjustment(models.Model):
    """Stock changed by hand, by whom and why. Rows are added and never changed."""

    class Reason(models.TextChoices):
        DELIVERY = "delivery", _("delivery")
        COUNT = "count", _("stock count")
        DAMAGE = "damage", _("damaged or lost")
        RETURN = "return", _("return")
        OTHER = "other", _("other")

    variant = models.ForeignKey(
        Variant, models.CASCADE, related_name="adjustments", verbose_name=_("variant")
    )
    change = models.IntegerField(_("change"), help_text=_("How many pieces came (5) or went (-5)."))
    reason = models.CharField(_("reason"), max_length=10, choices=Reason.choices)
    note = models.CharField(_("note"), max_length=200, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+"
    )
    at = models.DateTimeField(_("at"), auto_now_add=True)

    class Meta:
        verbose_name = _("stock adjustment")
        verbose_name_plural = _("stock adjustments")
        ordering = ("-pk",)
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(change=0), name="stock_adjustment_not_zero")
        ]

    def __str__(self) -> str:
        return f"{self.variant.sku}: {self.change:+d}"


class ProductImage(models.Model):
    """A picture of a product, and what the network saw in it.

    ``embedding_blue`` and ``embedding_green`` hold L2-normalised vectors of 2,048 half-precision
    values, or NULL: still to do. The active ``recommender.EmbeddingModel`` says which one counts.
    ``recommender.pending`` fills them and the three columns after them; ``show`` empties them.
    """

    product = models.ForeignKey(
        Product, models.CASCADE, related_name="images", verbose_name=_("product")
    )
    file = models.CharField(_("file"), max_length=80, db_index=True, editable=False)
    width = models.PositiveIntegerField(_("width"), editable=False)
    height = models.PositiveIntegerField(_("height"), editable=False)
    alt = models.CharField(_("alternative text"), max_length=255, blank=True)
    position = models.PositiveSmallIntegerField(
        _("position"), default=0, help_text=_("The first one is the primary picture.")
    )
    embedding_blue = HalfVectorField(dimensions=VECTOR_DIMENSIONS, null=True, editable=False)
    embedding_green = HalfVectorField(dimensions=VECTOR_DIMENSIONS, null=True, editable=False)
    sketch_blue = sketch_of("embedding_blue")
    sketch_green = sketch_of("embedding_green")
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0, editable=False)
    claimed_until = models.DateTimeField(_("claimed until"), null=True, editable=False)
    failure = models.CharField(_("failure"), max_length=255, blank=True, editable=False)

    objects = ProductImageManager()

    class Meta:
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")
        ordering = ("position", "pk")
        indexes: ClassVar = [
            models.Index(
                fields=["id"], name="image_blue_pending", condition=Q(embedding_blue__isnull=True)
            ),
            models.Index(
                fields=["id"], name="image_green_pending", condition=Q(embedding_green__isnull=True)
            ),
            *(
                HnswIndex(
                    fields=[f"sketch_{slot}"],
                    opclasses=["halfvec_l2_ops"],
                    name=f"image_{slot}_hnsw",
                    m=16,
                    ef_construction=64,
                )
                for slot in ("blue", "green")
            ),
        ]

    def __str__(self) -> str:
        return self.alt or self.file

    @property
    def alt_text(self) -> str:
        return self.alt or self.product.name

    def show(self, picture: Picture) -> None:
        """Store the picture and show it here, unsaved; what was seen in another is forgotten."""
        self.file = picture.save()
        self.width, self.height = picture.image.size
        self.embedding_blue = self.embedding_green = self.claimed_until = None
        self.attempts, self.failure = 0, ""

    def read(self) -> bytes:
        """The original's bytes."""
        with storages["pictures"].open(self.file) as file:
            return bytes(file.read())


class StoredFile(models.Model):
    """One file of ``PostgresStorage``: its bytes under their name."""

    name = models.CharField(max_length=80, primary_key=True)
    content = models.BinaryField()
    size = models.PositiveIntegerField()
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class SearchWord(models.Model):
    """A word that occurs in listed products, for mending what a shopper mistyped."""

    word = models.CharField(max_length=64, primary_key=True)
    products = models.PositiveIntegerField()

    def __str__(self) -> str:
        return self.word
