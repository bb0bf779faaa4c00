"""Shapes that several operations share in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

MEDIA_TYPE = "application/problem+json"


class ProblemSerializer(serializers.Serializer[Any]):
    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    errors = serializers.DictField(required=False)  # type: ignore[assignment]


PROBLEM = OpenApiResponse(ProblemSerializer, description="Why not (RFC 9457).")
NOT_FOUND = OpenApiResponse(ProblemSerializer, description="There is nothing here.")
NOT_MODIFIED = OpenApiResponse(description="You have it already.")
CREATE_ERRORS = {400: PROBLEM, 409: PROBLEM, 413: PROBLEM, 422: PROBLEM}
BUSY = OpenApiResponse(ProblemSerializer, description="Busy; try again when Retry-After says.")
IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Any text of your own, at most 255 characters. A call that is repeated with the "
    "same key within 24 hours happens once.",
)
IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="The ETag of the version that you read."
)


def page_of(serializer: type[serializers.BaseSerializer[Any]]) -> Any:
    name = serializer.__name__.removesuffix("Serializer")
    return inline_serializer(
        f"{name}Page",
        {
            "next": serializers.URLField(allow_null=True),
            "previous": serializers.URLField(allow_null=True),
            "results": serializer(many=True),
        },
    )


class Schema(AutoSchema):
    """Every operation may be throttled, refused or called wrongly, and says so in one shape."""

    def _get_response_bodies(self, *args: Any, **kwargs: Any) -> Any:
        responses = super()._get_response_bodies(*args, **kwargs)
        content = {MEDIA_TYPE: {"schema": self._problem()}}
        for status, text in _COMMON.items():
            responses.setdefault(status, {"description": text})
        for status, response in responses.items():
            if int(status) >= 400:
                response["content"] = content
        return responses

    def _problem(self) -> Any:
        component = self.resolve_serializer(ProblemSerializer, "response")
        return component.ref


_COMMON = {
    "400": "Something in the call is wrong.",
    "401": "Sign in, or send a token that is known.",
    "403": "You may not do this.",
    "404": "There is nothing here.",
    "406": "Only JSON is spoken here.",
    "415": "The body has a media type that is not read here.",
    "429": "Too many calls; wait as long as Retry-After says.",
    "500": "Something went wrong. It is our fault.",
}
