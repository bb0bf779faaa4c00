"""Define the serializers of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from shop.catalogue.images.renditions import WIDTHS, rendition_url
from shop.catalogue.models import Category, Product, ProductImage, Variant
from shop.reviews.models import Review


def absolute(context: Mapping[str, Any], url: str) -> str:
    return str(context["request"].build_absolute_uri(url))


class CategorySerializer(serializers.ModelSerializer[Category]):
    url = serializers.SerializerMethodField()

    class Meta:
        model = Category
        fields: ClassVar = ["path", "name", "url"]

    def get_url(self, category: Category) -> str:
        return absolute(self.context, category.get_absolute_url())


class ImageSerializer(serializers.ModelSerializer[ProductImage]):
    urls = serializers.SerializerMethodField()
    alt = serializers.CharField(source="alt_text", read_only=True)

    class Meta:
        model = ProductImage
        fields: ClassVar = ["id", "width", "height", "alt", "position", "urls"]

    @extend_schema_field(
        {
            "type": "object",
            "properties": {
                name: {"type": "string", "format": "uri"} for name in ("card", "page", "zoom")
            },
            "required": ["card", "page", "zoom"],
        }
    )
    def get_urls(self, image: ProductImage) -> dict[str, str]:
        return {
            name: absolute(self.context, rendition_url(image.file, min(image.width, width)))
            for name, width in WIDTHS.items()
        }


class VariantSerializer(serializers.ModelSerializer[Variant]):
    price = serializers.SerializerMethodField()

    class Meta:
        model = Variant
        fields: ClassVar = ["id", "sku", "size", "colour", "price", "stock"]

    @extend_schema_field({"type": ["string", "null"], "format": "decimal"})
    def get_price(self, variant: Variant) -> str | None:
        product = self.context.get("product") or variant.product
        price = product.price if variant.price is None else variant.price
        return None if price is None else str(price)


class ProductSerializer(serializers.ModelSerializer[Product]):
    """Serialises a product in a list."""

    category = serializers.CharField(source="category.path", read_only=True)
    price = serializers.DecimalField(max_digits=10, decimal_places=2, read_only=True)
    url = serializers.SerializerMethodField()
    images = ImageSerializer(many=True, read_only=True)
    rating = serializers.FloatField(
        allow_null=True, read_only=True, help_text="Mean stars of published reviews."
    )

    class Meta:
        model = Product
        fields: ClassVar[list[str]] = [
            *("id", "name", "brand", "category", "gender", "base_colour", "season", "year"),
            *("usage", "price", "currency", "stock", "rating", "rating_count", "url", "images"),
        ]
        read_only_fields: ClassVar = ["rating_count"]

    def get_url(self, product: Product) -> str:
        return absolute(self.context, product.get_absolute_url())


class ProductDetailSerializer(ProductSerializer):
    variants = serializers.SerializerMethodField()

    class Meta(ProductSerializer.Meta):
        fields: ClassVar[list[str]] = [
            *ProductSerializer.Meta.fields,
            *("description", "variants", "created", "updated"),
        ]

    @extend_schema_field(VariantSerializer(many=True))
    def get_variants(self, product: Product) -> Any:
        context = {**self.context, "product": product}
        return VariantSerializer(product.variants.all(), many=True, context=context).data


class ReviewSerializer(serializers.ModelSerializer[Review]):
    class Meta:
        model = Review
        fields: ClassVar = ["id", "name", "stars", "fit", "text", "created"]


class FacetOptionSerializer(serializers.Serializer[Any]):
    value = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    products = serializers.IntegerField()
    selected = serializers.BooleanField()


class FacetSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    options = FacetOptionSerializer(many=True)


class CategoryField(serializers.SlugRelatedField[Category]):
    def to_internal_value(self, data: Any) -> Category:
        if "\0" in str(data):  # PostgreSQL rejects NUL in a query
            raise serializers.ValidationError("There is no such category.")
        found: Category = super().to_internal_value(data)
        return found


class StaffProductSerializer(ProductDetailSerializer):
    category = CategoryField(slug_field="path", queryset=Category.objects.all())  # type: ignore[assignment]
    price = serializers.DecimalField(
        max_digits=10,
        decimal_places=2,
        min_value=Decimal("0.01"),
        required=False,
        allow_null=True,
        help_text="Required unless the product is hidden.",
    )
    currency = serializers.RegexField(r"^[A-Z]{3}\Z", default=settings.DEFAULT_CURRENCY)
    sku = serializers.CharField(
        max_length=64, write_only=True, required=False, help_text="Of the first variant; new only."
    )
    initial_stock = serializers.IntegerField(
        min_value=0, max_value=1_000_000, write_only=True, required=False, help_text="New only."
    )

    class Meta(ProductDetailSerializer.Meta):
        fields: ClassVar[list[str]] = [
            *ProductDetailSerializer.Meta.fields,
            *("external_id", "listed", "sku", "initial_stock"),
        ]
        read_only_fields: ClassVar = ["stock", "rating_count"]

    def validate_sku(self, sku: str) -> str:
        if Variant.objects.filter(sku=sku).exists():
            raise serializers.ValidationError("This SKU already exists.")
        return sku

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        new_only = {"sku", "initial_stock"} & values.keys()
        if self.instance is not None and new_only:
            text = "Only for a new product; change the stock of a variant by its SKU."
            raise serializers.ValidationError(dict.fromkeys(new_only, text))
        if self.instance is None and "sku" not in values:
            raise serializers.ValidationError({"sku": "A new product needs a SKU."})
        price = values.get("price", getattr(self.instance, "price", None))
        if price is None and values.get("listed", getattr(self.instance, "listed", True)):
            raise serializers.ValidationError({"price": "A listed product needs a price."})
        return values

    def create(self, values: dict[str, Any]) -> Product:
        sku, stock = values.pop("sku"), values.pop("initial_stock", 0)
        product = Product.objects.create(**values)
        Variant.objects.create(product=product, sku=sku, stock=stock)
        product.refresh_from_db(fields=["stock"])
        return product


class StockSerializer(serializers.Serializer[Any]):
    """Accepts either a new stock or a change of it."""

    stock = serializers.IntegerField(min_value=0, max_value=1_000_000, required=False)
    change = serializers.IntegerField(min_value=-1_000_000, max_value=1_000_000, required=False)
    note = serializers.CharField(max_length=200, required=False, default="")

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if ("stock" in values) == ("change" in values):
            raise serializers.ValidationError("Give either stock or change.")
        return values


class ImageUploadSerializer(serializers.Serializer[Any]):
    file = serializers.FileField()
    alt = serializers.CharField(max_length=255, required=False, default="", allow_blank=True)
    position = serializers.IntegerField(min_value=0, max_value=1000, required=False, default=0)
