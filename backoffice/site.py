"""Define the admin site, which uses the shop's sign-in with its rate limits and second factor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account.decorators import secure_admin_login
from allauth.account.utils import get_next_redirect_url
from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_update
from django.contrib import messages
from django.contrib.admin.exceptions import NotRegistered
from django.contrib.contenttypes.models import ContentType
from django.contrib.contenttypes.views import shortcut
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from unfold.sites import UnfoldAdminSite

from shop.accounts.second_factor import acts_as_staff

# Unfold's Alpine.js evaluates expressions in attributes, and Unfold's pages have style elements and
# attributes. Inline scripts remain forbidden.
ALLOWED_BY_UNFOLD = {"script-src": [UNSAFE_EVAL], "style-src": [SELF, UNSAFE_INLINE]}


class StaffSite(UnfoldAdminSite):  # type: ignore[misc]
    """Replaces the admin's sign-in form with the shop's."""

    def has_permission(self, request: HttpRequest) -> bool:
        """Return whether the user is active staff, with a second factor if it is required."""
        return bool(request.user.is_active and acts_as_staff(request.user))

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        """Wrap a view so that its page, unlike others, gets a CSP that allows what Unfold needs."""
        wrapped: Callable[..., Any] = csp_update(ALLOWED_BY_UNFOLD)(
            super().admin_view(view, cacheable)
        )
        return wrapped

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """Return the admin's URLs, with a "View on site" that asks for the permission to view."""
        link = "r/<path:content_type_id>/<path:object_id>/"
        view_on_site = path(link, self.admin_view(self.view_on_site), name="view_on_site")
        return [view_on_site, *super().get_urls()]

    def view_on_site(
        self, request: HttpRequest, content_type_id: str, object_id: str
    ) -> HttpResponse:
        """Redirect to the page of an object that the user may view in the admin.

        Django redirects all staff, also to secret links such as that of an order.
        """
        try:
            kind = ContentType.objects.get_for_id(int(content_type_id))
            model_admin = self.get_model_admin(kind.model_class())
        except (ValueError, ContentType.DoesNotExist, NotRegistered) as error:
            raise Http404 from error
        if not model_admin.has_view_permission(request):
            raise PermissionDenied
        return shortcut(request, content_type_id, object_id)

    @method_decorator(secure_admin_login)
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Redirect staff to the page they asked for, or to the setup of a missing second factor."""
        if self.has_permission(request):
            return redirect(get_next_redirect_url(request) or "admin:index")
        messages.info(
            request, _("Set up two-factor authentication first. Staff accounts require it.")
        )
        return redirect("mfa_activate_totp")
