"""Serve similar products and photo searches through the HTTP API."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from django.conf import settings
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from recommender.garments.classifier import garments
from recommender.models import EmbeddingModel, QueryPhoto
from recommender.photo_search.answers import EVERYTHING, MAX_COUNT, Answer, answer_photo
from recommender.photo_search.crops import Region, RegionError
from recommender.photo_search.photos import start_search, state_of, store_photo
from recommender.photo_search.polling import wait_for_vector
from recommender.recommendations.newest import has_embedding, newest_like
from recommender.search.candidates import parse_filters
from recommender.search.similar import ROW_SIZE, similar_to_product
from shop.api.catalogue import FILTERS
from shop.api.idempotency import idempotent
from shop.api.parsers import JSONParser
from shop.api.schema import BUSY, CREATE_ERRORS, IDEMPOTENCY, NOT_MODIFIED
from shop.api.serializers import ProductSerializer
from shop.api.throttling import ScopedThrottle
from shop.catalogue.models import Product

MAX_WAIT_SECONDS = 10
STATES = ("waiting", "ready", "failed", "unavailable")
VISUAL_FILTERS = [
    *FILTERS,
    OpenApiParameter("not_colour", str, many=True, description="A base colour to exclude."),
    OpenApiParameter("not_type", str, many=True, description="Path of a category to exclude."),
]
REGION_HELP = "Search this region only: left,top,right,bottom, each from 0 to 1."
WAIT = OpenApiParameter("wait", float, description="Seconds to wait for the products, at most 10.")
GARMENT = OpenApiParameter(
    "garment",
    str,
    enum=[*garments(), EVERYTHING],
    description="Search for this garment instead of the one that was detected.",
)
COUNT = OpenApiParameter(
    "count", int, description=f"Number of products, at most {MAX_COUNT}; default 5."
)
BASIS = OpenApiParameter(
    "Similarity-Basis",
    str,
    OpenApiParameter.HEADER,
    enum=["image", "newest"],
    response=True,
    description="newest: the product has no embedding yet; these are new in its category.",
)


class GarmentProbabilitySerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    probability = serializers.FloatField()


class ImageSearchSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    state = serializers.ChoiceField(STATES)
    url = serializers.URLField()
    page = serializers.URLField()
    expires = serializers.DateTimeField()
    failure = serializers.CharField(allow_blank=True)
    garments = GarmentProbabilitySerializer(
        many=True, help_text="The likeliest garments, most likely first."
    )
    searched = serializers.ListField(
        child=serializers.CharField(), help_text="The garments that the search was limited to."
    )
    products = ProductSerializer(many=True)


class RegionField(serializers.CharField):
    """Parses and validates a region: four fractions of the picture's width and height."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            return Region.parse(super().to_internal_value(data))
        except RegionError as error:
            raise serializers.ValidationError(str(error)) from error


class PhotoUploadSerializer(serializers.Serializer[Any]):
    photo = serializers.FileField()
    region = RegionField(required=False, help_text=REGION_HELP)


class Base64PhotoSerializer(serializers.Serializer[Any]):
    region = RegionField(required=False, help_text=REGION_HELP)
    photo = serializers.CharField(help_text="The file's bytes in base64.")


class SimilarProducts(APIView):
    @extend_schema(
        operation_id="products_similar_list",
        parameters=[COUNT, *VISUAL_FILTERS, BASIS],
        responses={200: ProductSerializer(many=True), 304: NOT_MODIFIED},
    )
    def get(self, request: Request, pk: int) -> Response:
        """List the products most similar to this one, nearest first."""
        product = get_object_or_404(Product.objects.listed().defer("search"), pk=pk)
        filters = parse_filters(request.query_params)
        count, basis = _count(request), "image"
        products = similar_to_product(product, filters, count=count)
        if not products and not filters and not has_embedding(product):
            ids, basis = newest_like(product, count), "newest"
            found = Product.objects.with_card_data().in_bulk(ids)
            products = [found[pk] for pk in ids if pk in found]
        context: dict[str, Any] = {"request": request}
        data = ProductSerializer(products, many=True, context=context).data
        return Response(data, headers={"Similarity-Basis": basis})


class ImageSearchList(APIView):
    parser_classes = (MultiPartParser, JSONParser)
    throttle_classes = (ScopedThrottle,)
    throttle_scope = "image-searches"

    @extend_schema(
        operation_id="image_searches_create",
        parameters=[WAIT, GARMENT, COUNT, IDEMPOTENCY, *VISUAL_FILTERS],
        request={
            "multipart/form-data": PhotoUploadSerializer,
            "application/json": Base64PhotoSerializer,
        },
        responses={201: ImageSearchSerializer, **CREATE_ERRORS, 503: BUSY},
        examples=[
            OpenApiExample(
                "In base64",
                value={"photo": "/9j/4AAQSkZJRg…"},
                request_only=True,
                media_type="application/json",
            )
        ],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Search by a photo, which is deleted after a day; keep the returned id secret."""
        seconds = _wait_seconds(request)
        photo = _store_upload(request)
        start_search(request._request, photo)
        if not request.headers.get("Idempotency-Key"):
            # A request with this header commits the photo together with its response. No worker can
            # embed the photo before that, so waiting would be in vain.
            wait_for_vector(photo, seconds, even_if_stale=True)
        data = _representation(request, photo)
        return Response(data, status=201, headers={"Location": data["url"]})


class ImageSearchDetail(APIView):
    @extend_schema(
        operation_id="image_searches_retrieve",
        parameters=[WAIT, GARMENT, COUNT, *VISUAL_FILTERS],
        responses={200: ImageSearchSerializer},
    )
    def get(self, request: Request, photo_id: str) -> Response:
        """Return the search; ask again while ``state`` is waiting."""
        seconds = _wait_seconds(request)
        live = QueryPhoto.objects.live().defer("content")
        photo = get_object_or_404(live, pk=photo_id)
        wait_for_vector(photo, seconds, even_if_stale=True)
        return Response(_representation(request, photo))

    @extend_schema(operation_id="image_searches_destroy", responses={204: None})
    def delete(self, request: Request, photo_id: str) -> Response:
        """Delete the photo now."""
        get_object_or_404(QueryPhoto.objects.live().defer("content"), pk=photo_id).delete()
        return Response(status=204)


def _store_upload(request: Request) -> QueryPhoto:
    as_file = request.content_type.startswith("multipart/")
    sent = (PhotoUploadSerializer if as_file else Base64PhotoSerializer)(data=request.data)
    sent.is_valid(raise_exception=True)
    photo = sent.validated_data["photo"]
    content = photo.read(settings.PICTURE_MAX_BYTES + 1) if as_file else _from_base64(photo)
    try:
        return store_photo(content, sent.validated_data.get("region"))
    except RegionError as error:
        raise ValidationError({"region": [str(error)]}) from error


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValidationError({"photo": ["This is not valid base64."]}) from None


def _count(request: Request) -> int:
    try:
        count = int(request.query_params.get("count", ROW_SIZE))
    except ValueError:
        count = 0
    if not 1 <= count <= MAX_COUNT:
        raise ValidationError({"count": [f"A whole number from 1 to {MAX_COUNT}."]})
    return count


def _wait_seconds(request: Request) -> float:
    try:
        seconds = float(request.query_params.get("wait", "0"))
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MAX_WAIT_SECONDS:
        raise ValidationError({"wait": [f"A number from 0 to {MAX_WAIT_SECONDS}."]})
    return seconds


def _representation(request: Request, photo: QueryPhoto) -> dict[str, Any]:
    state = state_of(photo, EmbeddingModel.objects.active())
    query = request.query_params
    answer = Answer()
    if state == "ready":
        garment = query.get("garment", "")
        answer = answer_photo(photo, parse_filters(query), garment, _count(request))
    address = reverse("recommender-api:image-search", args=[photo.pk])
    return {
        "id": photo.pk,
        "state": state,
        "url": request.build_absolute_uri(address),
        "page": request.build_absolute_uri(photo.get_absolute_url()),
        "expires": photo.expires,
        "failure": photo.failure,
        "garments": [
            {"name": name, "probability": probability} for name, probability in photo.garments or ()
        ],
        "searched": list(answer.searched),
        "products": ProductSerializer(
            answer.products, many=True, context={"request": request}
        ).data,
    }
