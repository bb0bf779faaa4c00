"""Return errors as ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, exception_handler

from shop.api.schema import MEDIA_TYPE
from shop.cart.session import CartError
from shop.catalogue.images.pictures import PictureError
from shop.core.waiting import RETRY_AFTER_SECONDS, TooBusy
from shop.orders.checkout import CheckoutError


class Conflict(exceptions.APIException):
    status_code = 409
    default_code = "conflict"


class Unprocessable(exceptions.APIException):
    status_code = 422
    default_code = "unprocessable"


class PreconditionFailed(exceptions.APIException):
    status_code = 412
    default_code = "precondition_failed"
    default_detail = "The resource has changed since you read it. Read it again."


class ServiceUnavailable(exceptions.APIException):
    status_code = 503
    default_code = "unavailable"
    default_detail = "The server is busy; see Retry-After."
    wait = RETRY_AFTER_SECONDS


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return any error as problem details; the shop's own exceptions become 409, 422 and 503."""
    if isinstance(error, CartError | CheckoutError):
        error = Conflict(str(error))
    elif isinstance(error, PictureError):
        error = Unprocessable(str(error))
    elif isinstance(error, TooBusy):
        error = ServiceUnavailable()
    response = exception_handler(error, context)
    if response is None:
        return None
    request: Request = context["request"]
    response.data = _problem(error, response.status_code, request)
    response.content_type = MEDIA_TYPE
    return response


def _problem(error: Exception, status: int, request: Request) -> dict[str, Any]:
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": _detail(error),
        "instance": request.path,
    }
    if isinstance(error, exceptions.ValidationError):
        detail = error.detail
        problem["errors"] = detail if isinstance(detail, dict) else {"non_field_errors": detail}
    return problem


def _detail(error: Exception) -> str:
    if isinstance(error, exceptions.ValidationError):
        return "Some values are invalid; see errors."
    if isinstance(error, Http404):
        return "Not found."
    if isinstance(error, PermissionDenied):
        return "Permission denied."
    return str(getattr(error, "detail", error))


class NotFoundView(APIView):
    """Returns 404 for every unknown path under the API."""

    schema = None
    permission_classes = ()
    throttle_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise exceptions.NotFound("Not found.")
