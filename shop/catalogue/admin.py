"""The staff's pages of the catalogue."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import RangeNumericFilter
from unfold.decorators import display

from shop.catalogue.forms import ProductImageForm
from shop.catalogue.models import Category, Product, ProductImage, Variant
from shop.catalogue.renditions import WIDTHS, rendition_url

THUMBNAIL_HEIGHT = 64


def thumbnail(image: ProductImage | None) -> SafeString | str:
    """A small ``<img>``, or a dash."""
    if image is None or not image.file:
        return "-"
    return format_html(
        '<img src="{}" alt="{}" width="{}" height="{}" loading="lazy">',
        rendition_url(image.file, min(image.width, WIDTHS["card"])),
        image.alt_text,
        round(THUMBNAIL_HEIGHT * image.width / image.height),
        THUMBNAIL_HEIGHT,
    )


@admin.register(Category)
class CategoryAdmin(ModelAdmin):
    list_display = ("name", "path")
    search_fields = ("name", "path")
    autocomplete_fields = ("parent",)
    prepopulated_fields: ClassVar = {"slug": ("name",)}


class ProductImageInline(TabularInline):
    model = ProductImage
    form = ProductImageForm
    extra = 1
    fields: tuple[str, ...] = ("thumbnail", "upload", "alt", "position")
    readonly_fields: tuple[str, ...] = ("thumbnail",)
    verbose_name_plural = _("pictures")

    @admin.display(description=_("picture"))
    def thumbnail(self, image: ProductImage) -> SafeString | str:
        return thumbnail(image)


class VariantInline(TabularInline):
    model = Variant
    extra = 0
    min_num = 1
    validate_min = True
    fields = ("sku", "size", "colour", "price", "stock", "position")


class ProductAdmin(ModelAdmin):
    list_display: tuple[str, ...] = (
        *("thumbnail", "name", "category", "gender", "base_colour"),
        *("price", "stock", "listed"),
    )
    list_display_links = ("thumbnail", "name")
    list_editable = ("price", "listed")
    list_filter: tuple = (
        "listed",
        ("stock", RangeNumericFilter),
        ("price", RangeNumericFilter),
        "gender",
        "season",
        "usage",
    )
    list_filter_submit = True
    list_fullwidth = True
    list_per_page = 50
    show_full_result_count = False
    search_fields = ("name", "brand", "external_id__exact", "variants__sku__exact")
    search_help_text = _("Name, brand, SKU or external id")
    autocomplete_fields = ("category",)
    inlines: tuple = (VariantInline, ProductImageInline)
    readonly_fields: tuple[str, ...] = ("created", "updated")
    warn_unsaved_form = True
    fieldsets: tuple = (
        (None, {"fields": ("name", "category", "description", ("price", "currency", "listed"))}),
        (
            _("Attributes"),
            {"fields": (("brand", "gender", "base_colour"), ("season", "year", "usage"))},
        ),
        (
            _("Reference"),
            {"classes": ("collapse",), "fields": ("slug", "external_id", "created", "updated")},
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Product]:
        return super().get_queryset(request).with_card_data()

    @display(description=_("picture"))
    def thumbnail(self, product: Product) -> SafeString | str:
        return thumbnail(product.primary_image)


admin.site.register(Product, ProductAdmin)
