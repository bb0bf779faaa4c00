"""Serve the orders of a signed-in customer, and the available checkout options."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import Throttled, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from shop.api.cart import CustomerView
from shop.api.catalogue import CURSOR
from shop.api.idempotency import idempotent
from shop.api.pagination import NewestFirst
from shop.api.schema import CREATE_ERRORS, IDEMPOTENCY, NOT_MODIFIED, page_of
from shop.cart.models import Cart
from shop.core.countries import find_country
from shop.orders.checkout import place_order
from shop.orders.limits import (
    Counter,
    TooManyOrdersError,
    VoucherError,
    find_voucher,
    order_counters,
)
from shop.orders.models import Order, OrderEvent, OrderLine, ShippingMethod, Voucher
from shop.orders.payment import METHODS, PaymentError, method_of

CONTACT = ["email", "name", "street", "postcode", "city", "country", "phone"]


class ShippingMethodSerializer(serializers.ModelSerializer[ShippingMethod]):
    class Meta:
        model = ShippingMethod
        fields: ClassVar = ["id", "name", "description", "price", "free_from"]


class PaymentMethodSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]


class CheckoutOptionsSerializer(serializers.Serializer[Any]):
    shipping_methods = ShippingMethodSerializer(many=True)
    payment_methods = PaymentMethodSerializer(many=True)


class CheckoutOptions(APIView):
    @extend_schema(
        operation_id="checkout_options_retrieve",
        responses={200: CheckoutOptionsSerializer, 304: NOT_MODIFIED},
    )
    def get(self, request: Request) -> Response:
        """List the shipping and payment methods."""
        options = {
            "shipping_methods": ShippingMethod.objects.filter(active=True),
            "payment_methods": METHODS.values(),
        }
        return Response(CheckoutOptionsSerializer(options).data)


class OrderLineSerializer(serializers.ModelSerializer[OrderLine]):
    class Meta:
        model = OrderLine
        fields: ClassVar = ["sku", "name", "unit_price", "quantity"]


class OrderEventSerializer(serializers.ModelSerializer[OrderEvent]):
    class Meta:
        model = OrderEvent
        fields: ClassVar = ["state", "at"]


class OrderSerializer(serializers.ModelSerializer[Order]):
    number = serializers.CharField(read_only=True)
    lines = OrderLineSerializer(many=True, read_only=True)
    history = OrderEventSerializer(source="events", many=True, read_only=True)
    url = serializers.SerializerMethodField()
    payment_url = serializers.SerializerMethodField()

    class Meta:
        model = Order
        fields: ClassVar = [
            *("id", "number", "state", "placed", *CONTACT, "currency", "goods", "discount"),
            *("voucher_code", "shipping", "shipping_name", "tax", "tax_rate", "total"),
            *("payment", "payment_url", "paid_at", "tracking", "lines", "history", "url"),
        ]

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_url(self, order: Order) -> str:
        return str(self.context["request"].build_absolute_uri(order.get_absolute_url()))

    @extend_schema_field({"type": ["string", "null"], "format": "uri"})
    def get_payment_url(self, order: Order) -> str | None:
        """Return None; only the response to placing an order says where to pay."""
        return None


class NewOrderSerializer(serializers.ModelSerializer[Order]):
    shipping_method = serializers.PrimaryKeyRelatedField(
        queryset=ShippingMethod.objects.filter(active=True)
    )
    payment = serializers.CharField(max_length=20)
    voucher = serializers.CharField(max_length=40, required=False, default="", allow_blank=True)

    class Meta:
        model = Order
        fields: ClassVar = [*CONTACT, "shipping_method", "payment", "voucher"]

    def validate_country(self, text: str) -> str:
        if code := find_country(text):
            return code
        raise ValidationError(f"Choose one of: {', '.join(settings.DELIVERY_COUNTRIES)}.")

    def validate_payment(self, code: str) -> str:
        if code not in METHODS:
            raise ValidationError(f"Choose one of: {', '.join(METHODS)}.")
        return code

    def validate_voucher(self, code: str) -> Voucher | None:
        if not code.strip():
            return None
        request = self.context["request"]
        try:
            return find_voucher(request._request, code.strip().upper(), f"user {request.user.pk}")
        except VoucherError as error:
            raise ValidationError(str(error)) from error


class OrderList(CustomerView):
    @extend_schema(
        operation_id="orders_list",
        parameters=CURSOR,
        responses={200: page_of(OrderSerializer), 304: NOT_MODIFIED},
    )
    def get(self, request: Request) -> Response:
        """List the customer's orders, newest first."""
        orders = Order.objects.filter(user=self.user).prefetch_related("lines", "events")
        paginator = NewestFirst()
        page = paginator.paginate_queryset(orders, request, self)
        rows = OrderSerializer(page, many=True, context={"request": request}).data
        return paginator.get_paginated_response(rows)

    @extend_schema(
        operation_id="orders_create",
        parameters=[IDEMPOTENCY],
        request=NewOrderSerializer,
        responses={201: OrderSerializer, **CREATE_ERRORS},
        examples=[
            OpenApiExample(
                "Payment by invoice",
                request_only=True,
                value={
                    "email": "alice@example.com",
                    "name": "Alice Doe",
                    "street": "1 High Street",
                    "postcode": "12345",
                    "city": "Springfield",
                    "country": "DE",
                    "shipping_method": 1,
                    "payment": "invoice",
                },
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Place an order for the cart. A repeated request gets a fresh payment URL."""
        response = self._order(request)
        # The URL is fetched after the commit, so that the stock is not locked while the provider
        # responds.
        response.data["payment_url"] = _payment_url(Order.objects.get(pk=response.data["id"]))
        return response

    @idempotent
    def _order(self, request: Request) -> Response:
        serializer = NewOrderSerializer(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        counters = order_counters(request._request, values["email"])
        try:
            order = self._place(dict(values), counters)
        except TooManyOrdersError as error:
            raise Throttled(error.seconds) from error
        return Response(OrderSerializer(order, context={"request": request}).data, status=201)

    @transaction.atomic
    def _place(self, values: dict[str, Any], counters: list[Counter]) -> Order:
        cart = Cart.objects.select_for_update().get(pk=self.cart().pk)
        # The key has the id of the cart's newest line, so that the same contents are ordered once.
        newest = cart.lines.order_by("-pk").values_list("pk", flat=True).first()
        return place_order(
            cart,
            key=f"{cart.pk}-api-{newest}",
            method=values.pop("shipping_method"),
            voucher=values.pop("voucher"),
            payment=values.pop("payment"),
            user=self.user,
            contact={name: values.get(name, "") for name in CONTACT},
            counters=counters,
        )


def _payment_url(order: Order) -> str | None:
    try:
        return method_of(order).start(order)
    except PaymentError:
        return None  # the order's page offers the payment again


class OrderDetail(CustomerView):
    @extend_schema(
        operation_id="orders_retrieve", responses={200: OrderSerializer, 304: NOT_MODIFIED}
    )
    def get(self, request: Request, pk: int) -> Response:
        orders = Order.objects.filter(user=self.user).prefetch_related("lines", "events")
        order = get_object_or_404(orders, pk=pk)
        return Response(OrderSerializer(order, context={"request": request}).data)
