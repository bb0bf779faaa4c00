"""Define parts of the OpenAPI document that several operations share."""

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


PROBLEM = OpenApiResponse(ProblemSerializer, description="Problem details (RFC 9457).")
NOT_FOUND = OpenApiResponse(ProblemSerializer, description="Not found.")
NOT_MODIFIED = OpenApiResponse(description="Not modified.")
CREATE_ERRORS = {400: PROBLEM, 409: PROBLEM, 413: PROBLEM, 422: PROBLEM}
BUSY = OpenApiResponse(ProblemSerializer, description="Busy; see Retry-After.")
IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Any text you choose, at most 255 characters. A request repeated with the "
    "same key within 24 hours is executed once.",
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
    """Adds the common errors, as problem details, to every operation."""

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
    "400": "Bad request.",
    "401": "Missing or invalid credentials.",
    "403": "Permission denied.",
    "404": "Not found.",
    "406": "Not acceptable; responses are JSON.",
    "415": "Unsupported media type.",
    "429": "Too many requests; see Retry-After.",
    "500": "Internal server error.",
}
