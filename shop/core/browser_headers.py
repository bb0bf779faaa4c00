"""Set headers that protect personal pages from caches and disable device features."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from shop.core.problems import is_api

# Paths of pages with personal data.
PERSONAL_PATHS = (
    "/account/",
    "/admin/",
    "/api/v1/image-searches/",
    "/cart/",
    "/checkout/",
    "/orders/",
    "/photo-search/",
    "/recently-viewed/",
    "/reviews/",
    "/saved/",
    "/wishlists/",
)
# The camera is forbidden, too: photos are taken through a file input, which needs no permission.
FORBIDDEN = (
    *("accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer"),
    *("microphone", "midi", "payment", "usb"),
)
PERMISSIONS_POLICY = ", ".join(f"{feature}=()" for feature in FORBIDDEN)


class BrowserHeadersMiddleware:
    """Keeps caches from storing personal responses, and pages from using device features."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Permissions-Policy"] = PERMISSIONS_POLICY
        if is_personal(request):
            response["Cache-Control"] = "private, no-store"
        return response


def is_personal(request: HttpRequest) -> bool:
    """Return whether the response may contain personal data.

    Every response of the API to a request with a token or a session counts as personal.
    """
    has_session = settings.SESSION_COOKIE_NAME in request.COOKIES
    identified = is_api(request) and (has_session or "HTTP_AUTHORIZATION" in request.META)
    return identified or request.path.startswith(PERSONAL_PATHS)
