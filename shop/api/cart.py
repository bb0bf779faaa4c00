"""Serve the cart of a signed-in customer."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.contrib.auth.models import User
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from shop.api.idempotency import idempotent
from shop.api.schema import CREATE_ERRORS, IDEMPOTENCY, NOT_MODIFIED, PROBLEM
from shop.cart.models import MAX_QUANTITY, Cart, CartLine
from shop.cart.session import CartError, add
from shop.catalogue.models import Variant


class CartLineSerializer(serializers.ModelSerializer[CartLine]):
    sku = serializers.CharField(source="variant.sku", read_only=True)
    name = serializers.CharField(source="variant", read_only=True)
    unit_price = serializers.DecimalField(
        source="variant.unit_price",
        max_digits=10,
        decimal_places=2,
        read_only=True,
        allow_null=True,
    )
    currency = serializers.CharField(source="variant.product.currency", read_only=True)
    total = serializers.DecimalField(max_digits=12, decimal_places=2, read_only=True)
    available = serializers.IntegerField(read_only=True)

    class Meta:
        model = CartLine
        fields: ClassVar = [
            *("id", "variant", "sku", "name", "quantity", "unit_price", "currency", "total"),
            "available",
        ]


class CartSerializer(serializers.Serializer[Any]):
    lines = CartLineSerializer(many=True)
    total = serializers.DecimalField(max_digits=20, decimal_places=2)


class AddSerializer(serializers.Serializer[Any]):
    variant = serializers.PrimaryKeyRelatedField(
        queryset=Variant.objects.filter(product__listed=True).select_related("product")
    )
    quantity = serializers.IntegerField(min_value=1, max_value=MAX_QUANTITY, default=1)


class QuantitySerializer(serializers.Serializer[Any]):
    quantity = serializers.IntegerField(min_value=1, max_value=MAX_QUANTITY)


def cart_data(cart: Cart) -> dict[str, Any]:
    lines = cart.lines_for_page()
    return dict(
        CartSerializer({"lines": lines, "total": sum((line.total for line in lines), 0)}).data
    )


class CustomerView(APIView):
    permission_classes = (IsAuthenticated,)

    @property
    def user(self) -> User:
        return cast(User, self.request.user)

    def cart(self) -> Cart:
        return Cart.objects.get_or_create(user=self.user)[0]


class CartView(CustomerView):
    @extend_schema(operation_id="cart_retrieve", responses={200: CartSerializer, 304: NOT_MODIFIED})
    def get(self, request: Request) -> Response:
        return Response(cart_data(self.cart()))


class CartLineList(CustomerView):
    @extend_schema(
        operation_id="cart_lines_create",
        parameters=[IDEMPOTENCY],
        request=AddSerializer,
        responses={201: CartSerializer, **CREATE_ERRORS},
        examples=[
            OpenApiExample("Two pieces", value={"variant": 17, "quantity": 2}, request_only=True)
        ],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Add an item to the cart; returns the complete cart."""
        serializer = AddSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        cart = self.cart()
        add(cart, serializer.validated_data["variant"], serializer.validated_data["quantity"])
        return Response(cart_data(cart), status=201)


class CartLineDetail(CustomerView):
    def line(self, pk: int) -> CartLine:
        lines = CartLine.objects.select_related("variant__product")
        return get_object_or_404(lines, pk=pk, cart__user=self.user)

    @extend_schema(
        operation_id="cart_lines_update",
        request=QuantitySerializer,
        responses={200: CartSerializer, 409: PROBLEM},
    )
    def patch(self, request: Request, pk: int) -> Response:
        line = self.line(pk)
        serializer = QuantitySerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        quantity = serializer.validated_data["quantity"]
        if quantity > line.available:
            raise CartError(f"Only {line.available} of “{line.variant}” are left.")
        if not CartLine.objects.filter(pk=pk).update(quantity=quantity):
            raise Http404  # the line was ordered or removed in the meantime
        return Response(cart_data(line.cart))

    @extend_schema(operation_id="cart_lines_destroy", responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        self.line(pk).delete()
        return Response(status=204)
