"""Let staff into their site by the shop's own sign-in, with its limits and second factor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account.decorators import secure_admin_login
from allauth.account.utils import get_next_redirect_url
from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_update
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from unfold.sites import UnfoldAdminSite

from shop.accounts.second_factor import acts_as_staff

# Unfold's Alpine.js evaluates the expressions in its attributes, and its pages have style elements
# and attributes. Inline scripts stay forbidden.
ALLOWED_BY_UNFOLD = {"script-src": [UNSAFE_EVAL], "style-src": [SELF, UNSAFE_INLINE]}


class StaffSite(UnfoldAdminSite):  # type: ignore[misc]
    """Has no sign-in form of its own."""

    def has_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may enter: as staff, with a second factor if demanded."""
        return bool(request.user.is_active and acts_as_staff(request.user))

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        """Wrap a page of the site; these alone may do what Unfold needs."""
        wrapped: Callable[..., Any] = csp_update(ALLOWED_BY_UNFOLD)(
            super().admin_view(view, cacheable)
        )
        return wrapped

    @method_decorator(secure_admin_login)
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lead staff on to where they were going, or first to set up their second factor."""
        if self.has_permission(request):
            return redirect(get_next_redirect_url(request) or "admin:index")
        messages.info(request, _("Staff must set up two-factor authentication first."))
        return redirect("mfa_activate_totp")
