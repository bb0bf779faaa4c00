"""Let staff manage the catalogue through the API, as far as the user's groups permit."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Model
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from shop.api.catalogue import CURSOR, LIST_FILTERS, filtered_products
from shop.api.etags import check_if_match, with_etag
from shop.api.idempotency import idempotent
from shop.api.pagination import NewestFirst
from shop.api.permissions import StaffPermission
from shop.api.problems import Conflict
from shop.api.schema import (
    BUSY,
    CREATE_ERRORS,
    IDEMPOTENCY,
    IF_MATCH,
    NOT_MODIFIED,
    PROBLEM,
    page_of,
)
from shop.api.serializers import (
    ImageSerializer,
    ImageUploadSerializer,
    StaffProductSerializer,
    StockSerializer,
    VariantSerializer,
)
from shop.catalogue.images.pictures import read_picture
from shop.catalogue.locks import lock_products
from shop.catalogue.models import Product, ProductImage, StockAdjustment, Variant
from shop.catalogue.stock import stock_limit_error


class StaffView(APIView):
    permission_classes = (StaffPermission,)
    required_permissions: ClassVar[dict[str, tuple[str, ...]]] = {}

    def data_of(self, product: Product) -> Any:
        return StaffProductSerializer(product, context={"request": self.request}).data

    def log(self, changed: Model, action: int, fields: Any = ()) -> None:
        """Record the change in the audit log, which the admin shows as the object's history."""
        LogEntry.objects.log_actions(
            user_id=cast(User, self.request.user).pk,
            queryset=[changed],
            action_flag=action,
            change_message=f"API: {', '.join(fields)}" if fields else "API",
            single_object=True,
        )


class StaffProductList(StaffView):
    required_permissions: ClassVar = {
        "GET": ("catalogue.view_product",),
        "POST": ("catalogue.add_product", "catalogue.add_variant"),
    }

    @extend_schema(
        operation_id="staff_products_list",
        parameters=[*LIST_FILTERS, *CURSOR],
        responses={200: page_of(StaffProductSerializer), 304: NOT_MODIFIED},
    )
    def get(self, request: Request) -> Response:
        """List all products, including unlisted ones, newest first."""
        products = filtered_products(request, Product.objects.unmerged()).with_card_data()
        paginator = NewestFirst()
        page = paginator.paginate_queryset(products.prefetch_related("variants"), request, self)
        rows = StaffProductSerializer(page, many=True, context={"request": request}).data
        return paginator.get_paginated_response(rows)

    @extend_schema(
        operation_id="staff_products_create",
        parameters=[IDEMPOTENCY],
        request=StaffProductSerializer,
        responses={201: StaffProductSerializer, **CREATE_ERRORS},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Create a product with its first variant."""
        new = StaffProductSerializer(data=request.data, context={"request": request})
        new.is_valid(raise_exception=True)
        with transaction.atomic():
            product = new.save()
            self.log(product, ADDITION)
        return with_etag(self.data_of(product), status=201)


class StaffProductDetail(StaffView):
    required_permissions: ClassVar = {
        "GET": ("catalogue.view_product",),
        "PATCH": ("catalogue.change_product",),
    }

    @extend_schema(
        operation_id="staff_products_retrieve",
        responses={200: StaffProductSerializer, 304: NOT_MODIFIED},
    )
    def get(self, request: Request, pk: int) -> Response:
        products = Product.objects.unmerged().with_card_data().prefetch_related("variants")
        return with_etag(self.data_of(get_object_or_404(products, pk=pk)))

    @extend_schema(
        operation_id="staff_products_update",
        parameters=[IF_MATCH],
        request=StaffProductSerializer,
        responses={200: StaffProductSerializer, 412: PROBLEM},
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Update a product. Send ``If-Match`` to avoid overwriting a change you have not seen."""
        with transaction.atomic():
            locked = Product.objects.unmerged().select_for_update(of=("self",)).defer("search")
            product = get_object_or_404(locked, pk=pk)
            check_if_match(request, self.data_of(product))
            context = {"request": request}
            change = StaffProductSerializer(
                product, data=request.data, partial=True, context=context
            )
            change.is_valid(raise_exception=True)
            product = change.save()
            self.log(product, CHANGE, change.validated_data)
        return with_etag(self.data_of(product))


class StaffProductImages(StaffView):
    required_permissions: ClassVar = {"POST": ("catalogue.add_productimage",)}
    parser_classes = (MultiPartParser,)

    @extend_schema(
        operation_id="staff_products_images_create",
        parameters=[IDEMPOTENCY],
        request={"multipart/form-data": ImageUploadSerializer},
        responses={201: ImageSerializer, **CREATE_ERRORS, 503: BUSY},
    )
    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Add an image to a product. A worker computes its embedding soon after."""
        product = get_object_or_404(Product.objects.unmerged().defer("search"), pk=pk)
        upload = ImageUploadSerializer(data=request.data)
        upload.is_valid(raise_exception=True)
        values = upload.validated_data
        picture = read_picture(values["file"].read())
        with transaction.atomic():
            # The product is locked before the file, as in the importer, to prevent deadlocks.
            lock_products([product.pk])
            image = ProductImage(product=product, alt=values["alt"], position=values["position"])
            image.replace_file(picture)
            image.save()
            self.log(image, ADDITION)
        return Response(ImageSerializer(image, context={"request": request}).data, status=201)


class StaffImageDetail(StaffView):
    required_permissions: ClassVar = {"DELETE": ("catalogue.delete_productimage",)}

    @extend_schema(operation_id="staff_images_destroy", responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        image = get_object_or_404(ProductImage, pk=pk)
        with transaction.atomic():
            self.log(image, DELETION)
            image.delete()
        return Response(status=204)


class StaffStock(StaffView):
    required_permissions: ClassVar = {"PATCH": ("catalogue.change_variant",)}

    @extend_schema(
        operation_id="staff_stock_update",
        parameters=[IDEMPOTENCY],
        request=StockSerializer,
        responses={200: VariantSerializer, 409: PROBLEM, 422: PROBLEM},
    )
    @idempotent
    def patch(self, request: Request, sku: str) -> Response:
        """Set or change a variant's stock, recorded as a stock adjustment as in the admin."""
        serializer = StockSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        with transaction.atomic():
            variants = Variant.objects.select_for_update(of=("self",)).select_related("product")
            variant = get_object_or_404(variants, sku=sku, product__merged_into=None)
            change = values["stock"] - variant.stock if "stock" in values else values["change"]
            if variant.stock + change < 0:
                raise Conflict(f"Only {variant.stock} are in stock.")
            if problem := stock_limit_error(variant.product.stock + change):
                raise Conflict(problem)
            if change:
                Variant.objects.filter(pk=variant.pk).update(stock=F("stock") + change)
                self._record_change(request, variant, change, values["note"])
                self.log(variant, CHANGE, ["stock"])
        variant.refresh_from_db(fields=["stock"])
        return Response(VariantSerializer(variant).data)

    def _record_change(self, request: Request, variant: Variant, change: int, note: str) -> None:
        reason = StockAdjustment.Reason.OTHER
        StockAdjustment.objects.create(
            variant=variant,
            change=change,
            reason=reason,
            note=note or "API",
            by=cast(User, request.user),
        )
