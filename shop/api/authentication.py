from __future__ import annotations

from django.contrib.auth.models import User
from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from shop.accounts.models import ApiToken


class TokenAuthentication(authentication.TokenAuthentication):
    """Looks up tokens by their hash, and limits read-only tokens to safe methods."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return the token's user and the token; ``None`` if the request has no token."""
        found: tuple[User, ApiToken] | None = super().authenticate(request)
        if found is None:
            return None
        if found[1].scope != ApiToken.Scope.WRITE and request.method not in SAFE_METHODS:
            raise PermissionDenied("This token is read-only.")
        found[1].record_use()
        return found

    def authenticate_credentials(self, key: str) -> tuple[User, ApiToken]:
        """Return the user of a valid token, and the token."""
        tokens = ApiToken.objects.valid().select_related("user")
        token = tokens.filter(digest=ApiToken.digest_of(key), user__is_active=True).first()
        if token is None:
            raise AuthenticationFailed("This token is not valid.")
        return token.user, token
