"""Require permissions on the staff endpoints; staff get them from groups, as in the admin."""

from __future__ import annotations

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from shop.accounts.second_factor import acts_as_staff


class StaffPermission(BasePermission):
    """Requires the view's ``required_permissions`` for the HTTP method; refuses other methods."""

    message = "Your groups do not grant this permission."

    def has_permission(self, request: Request, view: APIView) -> bool:
        needed = getattr(view, "required_permissions", {})
        user = request.user
        if request.method == "OPTIONS":
            return acts_as_staff(user)
        names = needed.get("GET" if request.method == "HEAD" else request.method)
        return bool(names and acts_as_staff(user) and user.has_perms(names))
