"""Tell browsers and proxies what to keep to themselves: answers, cameras, positions."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from shop.core.problems import is_api

# Pages that show what belongs to one person.
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
# A photo is chosen in a form, which needs no permission.
FORBIDDEN = (
    *("accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer"),
    *("microphone", "midi", "payment", "usb"),
)
PERMISSIONS_POLICY = ", ".join(f"{feature}=()" for feature in FORBIDDEN)


class BrowserHeadersMiddleware:
    """Lets nobody store personal answers, and pages use no device."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Permissions-Policy"] = PERMISSIONS_POLICY
        if is_personal(request):
            response["Cache-Control"] = "private, no-store"
        return response


def is_personal(request: HttpRequest) -> bool:
    """Return whether the answer may show what belongs to one person.

    Every answer of the API may if the call carries a token or a session.
    """
    has_session = settings.SESSION_COOKIE_NAME in request.COOKIES
    known = is_api(request) and (has_session or "HTTP_AUTHORIZATION" in request.META)
    return known or request.path.startswith(PERSONAL_PATHS)
