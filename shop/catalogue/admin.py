"""Register the catalogue in the admin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db import transaction
from django.db.models import Field, QuerySet
from django.forms import Field as FormField
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import RangeNumericFilter
from unfold.decorators import display

from shop.catalogue.category_tree import save_category
from shop.catalogue.forms import (
    CategoryForm,
    ProductImageForm,
    StockAdjustmentForm,
    VariantForm,
    VariantFormSet,
)
from shop.catalogue.images.renditions import WIDTHS, rendition_url
from shop.catalogue.locks import lock_products
from shop.catalogue.merging import lock_with_dependents
from shop.catalogue.models import (
    Category,
    Product,
    ProductImage,
    SearchSynonym,
    StockAdjustment,
    Variant,
)
from shop.core.validators import is_id

THUMBNAIL_HEIGHT = 64


def thumbnail(image: ProductImage | None) -> SafeString | str:
    """Return a small ``<img>`` of the picture, or a dash if there is no picture."""
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
    form = CategoryForm
    prepopulated_fields: ClassVar = {"slug": ("name",)}

    def save_model(self, request: HttpRequest, category: Category, form: Any, change: bool) -> None:
        save_category(category)


@admin.register(SearchSynonym)
class SearchSynonymAdmin(ModelAdmin):
    list_display = ("__str__", "german", "also_finds")
    search_fields = ("english", "german", "also_finds")
    list_per_page = 100


class ProductImageInline(TabularInline):
    model = ProductImage
    form = ProductImageForm
    extra = 1
    fields: tuple[str, ...] = ("thumbnail", "upload", "alt", "position")
    readonly_fields: tuple[str, ...] = ("thumbnail",)
    verbose_name_plural = _("images")

    @admin.display(description=_("image"))
    def thumbnail(self, image: ProductImage) -> SafeString | str:
        return thumbnail(image)


class VariantInline(TabularInline):
    model = Variant
    form = VariantForm
    formset = VariantFormSet
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
    search_help_text = _("Name, brand, SKU or external ID")
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
        return super().get_queryset(request).unmerged().with_card_data()

    def formfield_for_dbfield(
        self, db_field: Field, request: HttpRequest, **kwargs: Any
    ) -> FormField | None:
        """Add a hidden field with the shown value to each form field.

        The form compares the two values, so that only the fields that staff edit are saved.
        """
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            field.show_hidden_initial = True
        return field

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        with transaction.atomic():
            if "_save" in request.POST:
                # The products are locked first, because the admin would lock them in another order.
                shown = (request.POST[name] for name in request.POST if name.endswith("-id"))
                lock_products(int(pk) for pk in shown if is_id(pk))
            return super().changelist_view(request, extra_context)

    def save_model(self, request: HttpRequest, obj: Product, form: Any, change: bool) -> None:
        """Save only the edited fields, because an import may have changed others meanwhile."""
        if change:
            lock_products([obj.pk])
            obj.save(update_fields={*form.changed_data, "keywords", "updated"})
        else:
            obj.save()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the variants, and give the product the price of an only variant.

        Cards, filters and the order of lists use the price of the product.
        """
        super().save_related(request, form, formsets, change)
        variants = form.instance.variants.all()[:2]
        if len(variants) == 1 and variants[0].price is not None:
            form.instance.price = variants[0].price
            form.instance.save(update_fields=["price"])
            form.instance.variants.update(price=None)

    @display(description=_("image"))
    def thumbnail(self, product: Product) -> SafeString | str:
        return thumbnail(product.primary_image)

    def get_deleted_objects(
        self, objs: QuerySet[Product] | Sequence[Product], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """Require only the permission to delete products, not the ones for variants and images."""
        rows, counts, lacking, protected = super().get_deleted_objects(objs, request)
        return rows, counts, lacking & {Product._meta.verbose_name}, protected

    def delete_model(self, request: HttpRequest, obj: Product) -> None:
        self.delete_queryset(request, Product.objects.filter(pk=obj.pk))

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        """Delete products; their order lines are kept but no longer refer to a variant."""
        lock_with_dependents(list(queryset.values_list("pk", flat=True)))
        queryset.delete()


admin.site.register(Product, ProductAdmin)


@admin.register(Variant)
class VariantAdmin(ModelAdmin):
    """Lets staff find variants by SKU; variants are edited on the page of their product."""

    list_display = ("sku", "product", "size", "colour", "stock", "adjust")
    list_select_related = ("product",)
    list_filter: tuple = (("stock", RangeNumericFilter), "product__listed")
    list_filter_submit = True
    list_per_page = 50
    show_full_result_count = False
    search_fields = ("sku", "product__name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Variant]:
        return super().get_queryset(request).filter(product__merged_into=None)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @display(description="")
    def adjust(self, variant: Variant) -> SafeString:
        url = reverse("admin:catalogue_stockadjustment_add")
        text = _("Adjust stock")
        return format_html('<a href="{}?variant={}">{}</a>', url, variant.pk, text)


@admin.register(StockAdjustment)
class StockAdjustmentAdmin(ModelAdmin):
    form = StockAdjustmentForm
    list_display = ("variant", "signed_change", "reason", "note", "by", "at")
    list_filter = ("reason", "at")
    list_select_related = ("variant__product", "by")
    search_fields = ("variant__sku", "variant__product__name", "note")
    autocomplete_fields = ("variant",)
    fields = ("variant", "change", "reason", "note")

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: StockAdjustment, form: StockAdjustmentForm, change: bool
    ) -> None:
        form.apply(request.user)

    @display(description=_("change"), ordering="change")
    def signed_change(self, adjustment: StockAdjustment) -> str:
        return f"{adjustment.change:+d}"
