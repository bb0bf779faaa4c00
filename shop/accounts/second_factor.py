"""Require a second factor (a code from an authenticator app) of staff if the settings say so."""

from __future__ import annotations

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User


def acts_as_staff(user: User | AnonymousUser) -> bool:
    """Return whether the user is staff, with a second factor if ``STAFF_REQUIRE_MFA`` is set."""
    return user.is_staff and (not settings.STAFF_REQUIRE_MFA or is_mfa_enabled(user))
