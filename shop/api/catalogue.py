"""Serve products, reviews, categories and facets to anybody."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from shop.api.pagination import NewestFirst
from shop.api.schema import NOT_FOUND, NOT_MODIFIED, PROBLEM, page_of
from shop.api.serializers import (
    CategorySerializer,
    FacetSerializer,
    ProductDetailSerializer,
    ProductSerializer,
    ReviewSerializer,
)
from shop.catalogue.browsing.facets import count, facets
from shop.catalogue.browsing.filters import FACETS, Filters
from shop.catalogue.browsing.search import search_products
from shop.catalogue.models import Category, Product
from shop.catalogue.querysets import ProductQuerySet
from shop.reviews.published import published

FILTERS = [
    OpenApiParameter("q", str, description="Words, synonyms or an article number."),
    OpenApiParameter("gender", str, many=True, enum=Product.Gender.values),
    OpenApiParameter("colour", str, many=True, description="Base colour, as facets name it."),
    OpenApiParameter("type", str, many=True, description="Path of a category."),
    OpenApiParameter("price_from", OpenApiTypes.DECIMAL),
    OpenApiParameter("price_to", OpenApiTypes.DECIMAL),
]
LIST_FILTERS = [
    *FILTERS,
    OpenApiParameter("brand", str, many=True),
    OpenApiParameter("size", str, many=True, description="Available in one of these sizes."),
    OpenApiParameter("in_stock", str, enum=["1"], description="Only what can be bought."),
]
CURSOR = [
    OpenApiParameter("cursor", str, description="From `next` or `previous`."),
    OpenApiParameter("page_size", int, description="At most 100; 24 by default."),
]
EXAMPLE = OpenApiExample(
    "A shirt",
    value={
        "id": 1163,
        "name": "Nike Sahara Team India Fanwear Round Neck Jersey",
        "brand": "Nike",
        "category": "apparel/topwear/tshirts",
        "gender": "Men",
        "base_colour": "Blue",
        "season": "Summer",
        "year": 2026,
        "usage": "Sports",
        "price": "24.95",
        "currency": "EUR",
        "stock": 12,
        "rating": 4.3,
        "rating_count": 12,
        "url": "https://shop.example/products/nike-sahara-1163/",
        "images": [],
    },
)


def filtered_products(request: Request, products: ProductQuerySet) -> ProductQuerySet:
    """Return the products that match the search text and filters of the query string."""
    text = request.query_params.get("q", "").strip()[:200]
    if text:
        products = search_products(products, text).products
    return products.filter(Filters.from_query(request.query_params).q())


class ProductList(APIView):
    @extend_schema(
        operation_id="products_list",
        parameters=[*LIST_FILTERS, *CURSOR],
        responses={200: page_of(ProductSerializer), 304: NOT_MODIFIED, 404: PROBLEM},
        examples=[EXAMPLE],
    )
    def get(self, request: Request) -> Response:
        """List products, newest first."""
        products = filtered_products(request, Product.objects.listed()).with_card_data()
        paginator = NewestFirst()
        page = paginator.paginate_queryset(products, request, self)
        rows = ProductSerializer(page, many=True, context={"request": request}).data
        return paginator.get_paginated_response(rows)


class ProductDetail(APIView):
    @extend_schema(
        operation_id="products_retrieve",
        responses={200: ProductDetailSerializer, 304: NOT_MODIFIED, 404: NOT_FOUND},
    )
    def get(self, request: Request, pk: int) -> Response:
        """Return a product with its variants."""
        products = Product.objects.listed().with_card_data().prefetch_related("variants")
        product = get_object_or_404(products, pk=pk)
        return Response(ProductDetailSerializer(product, context={"request": request}).data)


class ReviewList(APIView):
    @extend_schema(
        operation_id="products_reviews_list",
        parameters=CURSOR,
        responses={200: page_of(ReviewSerializer), 304: NOT_MODIFIED, 404: NOT_FOUND},
    )
    def get(self, request: Request, pk: int) -> Response:
        """List the published reviews of a product, newest first."""
        product = get_object_or_404(Product.objects.listed().only("pk"), pk=pk)
        paginator = NewestFirst()
        page = paginator.paginate_queryset(published(product), request, self)
        return paginator.get_paginated_response(ReviewSerializer(page, many=True).data)


class CategoryList(APIView):
    @extend_schema(
        operation_id="categories_list",
        responses={200: CategorySerializer(many=True), 304: NOT_MODIFIED},
    )
    def get(self, request: Request) -> Response:
        """List all categories, sorted by path."""
        context: dict[str, Any] = {"request": request}
        categories = CategorySerializer(
            Category.objects.order_by("path"), many=True, context=context
        )
        return Response(categories.data)


class FacetList(APIView):
    @extend_schema(
        operation_id="facets_list",
        parameters=LIST_FILTERS,
        responses={200: FacetSerializer(many=True), 304: NOT_MODIFIED},
    )
    def get(self, request: Request) -> Response:
        """List the filter options with counts; each facet ignores its own selection."""
        text = request.query_params.get("q", "").strip()[:200]
        products = Product.objects.listed()
        if text:
            products = search_products(products, text).products
        chosen = {name: request.query_params.getlist(name) for name in FACETS}
        counts = count(products, Filters.from_query(request.query_params))
        return Response(FacetSerializer(facets(counts, chosen), many=True).data)
