"""Show staff the state of embeddings, embedding models and garments of categories."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import display

from recommender.duplicates import admin_views as duplicate_views
from recommender.embedding import queue
from recommender.embedding.model_store import unusable_reason
from recommender.garments.categories import lock_category
from recommender.garments.classifier import garments
from recommender.garments.names import NAMES
from recommender.models import (
    CategoryGarment,
    DiscreetCategory,
    EmbeddingModel,
    ImageEmbedding,
)
from recommender.search.similar import similar_to_product
from shop.catalogue.admin import ProductAdmin, ProductImageInline, VariantInline, thumbnail
from shop.catalogue.models import Product, ProductImage
from shop.core.tasks import enqueue

STATUSES = dict(ImageEmbedding.Status.choices)
LABEL_COLOURS = {"embedded": "success", "pending": "warning", "failed": "danger"}


class EmbeddingStateFilter(admin.SimpleListFilter):
    """Filters images by the status of their embeddings, or products by that of their images."""

    title = _("embedding")
    parameter_name = "embedding"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list:
        return list(STATUSES.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in STATUSES:
            return queryset
        images = queue.with_state(ProductImage.objects.all())
        images = images.filter(Q(state=self.value()))
        key = "pk" if queryset.model is ProductImage else "product"
        return queryset.filter(pk__in=images.values(key))


class RecommenderImageInline(ProductImageInline):
    """Adds the status of the embedding, and why it failed, to each image of a product."""

    fields = (*ProductImageInline.fields, "embedding")
    readonly_fields = (*ProductImageInline.readonly_fields, "embedding")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProductImage]:
        return queue.with_state(super().get_queryset(request))

    @admin.display(description=_("embedding"))
    def embedding(self, image: ProductImage) -> SafeString | str:
        state = getattr(image, "state", None)
        return format_html("{} {}", STATUSES[state], image.failure) if state else "-"  # type: ignore[attr-defined]


def _retry(request: HttpRequest, images: QuerySet[ProductImage]) -> None:
    """Let workers retry failed images, and tell staff how many there are."""
    count = queue.requeue(images)
    enqueue("recommender.tasks.embed_pending_images")
    text = ngettext("%(count)d image will be retried.", "%(count)d images will be retried.", count)
    messages.success(request, text % {"count": count})


class RecommenderProductAdmin(ProductAdmin):
    """Extends the shop's admin of products with embeddings, similar items and near-duplicates."""

    list_display = (*ProductAdmin.list_display, "embedding")
    list_filter = (EmbeddingStateFilter, *ProductAdmin.list_filter)
    inlines = (VariantInline, RecommenderImageInline)
    readonly_fields = (*ProductAdmin.readonly_fields, "similar_products")
    actions: ClassVar = ["retry"]

    def get_urls(self) -> list[URLPattern]:
        def route(address: str, view: Any, name: str) -> URLPattern:
            return path(address, self.admin_site.admin_view(view), name=f"catalogue_product_{name}")

        own = [
            route("copies/", duplicate_views.duplicates, "copies"),
            route("copies/merge/", duplicate_views.merge, "copies_merge"),
            route("copies/hide/", duplicate_views.hide, "copies_hide"),
            route("copies/list/", duplicate_views.list_again, "copies_list"),
            route("copies/dismiss/", duplicate_views.dismiss, "copies_dismiss"),
        ]
        return [*own, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Product]:
        images = queue.with_state(ProductImage.objects.all())
        products = super().get_queryset(request).prefetch_related(None)
        return products.prefetch_related(Prefetch("images", images))

    def get_fieldsets(self, request: HttpRequest, obj: Product | None = None) -> tuple:
        sets = tuple(super().get_fieldsets(request, obj))
        return (*sets, (_("Similar items"), {"fields": ("similar_products",)})) if obj else sets

    @display(description=_("embedding"), label={STATUSES[s]: LABEL_COLOURS[s] for s in STATUSES})
    def embedding(self, product: Product) -> str:
        """Return the worst status of the product's images."""
        states = {getattr(image, "state", "") for image in product.images.all()}
        worst = next((s for s in ("failed", "pending", "embedded") if s in states), None)
        return str(STATUSES[worst]) if worst else "-"

    @admin.display(description=_("shown to shoppers"))
    def similar_products(self, product: Product) -> str:
        products = similar_to_product(product)
        return render_to_string("admin/similar_products.html", {"products": products})

    @admin.action(description=_("Retry failed images"), permissions=["change"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        _retry(request, ProductImage.objects.filter(product__in=queryset))


admin.site.unregister(Product)
admin.site.register(Product, RecommenderProductAdmin)


@admin.register(ProductImage)
class ProductImageAdmin(ModelAdmin):
    """Lists images with the status of their embeddings; images are edited on product pages."""

    list_display = ("thumbnail", "product", "embedding", "attempts", "failure")
    list_display_links = None
    list_filter = (EmbeddingStateFilter,)
    list_select_related = ("product",)
    list_per_page = 50
    show_full_result_count = False
    search_fields = ("product__name", "failure")
    actions: ClassVar = ["retry"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProductImage]:
        return queue.with_state(super().get_queryset(request)).order_by("-pk")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ProductImage | None = None) -> bool:
        return False

    @display(description=_("image"))
    def thumbnail(self, image: ProductImage) -> SafeString | str:
        return thumbnail(image)

    @display(description=_("embedding"), label={STATUSES[s]: LABEL_COLOURS[s] for s in STATUSES})
    def embedding(self, image: ProductImage) -> str:
        return str(STATUSES.get(image.state, "-"))  # type: ignore[attr-defined]

    @admin.display(description=_("attempts"))
    def attempts(self, image: ProductImage) -> int:
        return image.attempts  # type: ignore[attr-defined]

    @admin.display(description=_("failure"))
    def failure(self, image: ProductImage) -> str:
        return image.failure or "-"  # type: ignore[attr-defined]

    @admin.action(description=_("Retry failed images"), permissions=["change"])
    def retry(self, request: HttpRequest, queryset: QuerySet[ProductImage]) -> None:
        _retry(request, ProductImage.objects.filter(pk__in=queryset.values("pk")))


@admin.register(EmbeddingModel)
class EmbeddingModelAdmin(ModelAdmin):
    """Lists the models; ``manage.py embedding_model`` changes them, after checks."""

    list_display = ("name", "slot", "state", "created", "embedded", "problem")

    def get_queryset(self, request: HttpRequest) -> QuerySet[EmbeddingModel]:
        return super().get_queryset(request).order_by("state", "-created")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @admin.display(description=_("embedded images"))
    def embedded(self, model: EmbeddingModel) -> str:
        if model.state == EmbeddingModel.State.RETIRED:
            return "-"
        done = model.embeddings.filter(status=ImageEmbedding.Status.EMBEDDED).count()
        return f"{done} / {ProductImage.objects.count()}"

    @admin.display(description=_("problem"))
    def problem(self, model: EmbeddingModel) -> str:
        return "" if model.state == EmbeddingModel.State.RETIRED else unusable_reason(model)


class GarmentForm(forms.ModelForm):
    garment = forms.ChoiceField(
        label=_("garment"), choices=lambda: [(name, NAMES[name]) for name in garments()]
    )

    class Meta:
        model = CategoryGarment
        fields = ("category", "garment", "share")


@admin.register(CategoryGarment)
class CategoryGarmentAdmin(ModelAdmin):
    """Lets staff correct the garments of a category; the classifier then never changes them."""

    form = GarmentForm
    list_display = ("category", "garment", "share", "images", "corrected")
    list_filter = ("corrected",)
    list_select_related = ("category",)
    search_fields = ("category__name", "garment")

    def save_model(
        self, request: HttpRequest, obj: CategoryGarment, form: Any, change: bool
    ) -> None:
        lock_category(obj.category_id)
        obj.corrected = True
        super().save_model(request, obj, form, change)


@admin.register(DiscreetCategory)
class DiscreetCategoryAdmin(ModelAdmin):
    list_display = ("category",)
    list_select_related = ("category",)
