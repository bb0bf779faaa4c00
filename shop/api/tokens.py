"""Issue and revoke API tokens."""

from __future__ import annotations

from typing import Any, cast

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.utils import is_mfa_enabled
from django.contrib.auth.models import User
from django.forms import ValidationError
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, Throttled
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from shop.accounts import sign_in_limit
from shop.accounts.models import ApiToken
from shop.api.throttling import ScopedThrottle


class CredentialsSerializer(serializers.Serializer[Any]):
    login = serializers.CharField(max_length=254, help_text="Email, or username of staff.")
    password = serializers.CharField(max_length=200, trim_whitespace=False)
    code = serializers.CharField(
        max_length=20,
        required=False,
        help_text="From the authenticator app, or a recovery code; required with a second factor.",
    )
    scope = serializers.ChoiceField(
        ApiToken.Scope.choices, default=ApiToken.Scope.WRITE, help_text="`read` allows GET only."
    )


class TokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="Returned only once.")
    scope = serializers.ChoiceField(ApiToken.Scope.choices)
    expires = serializers.DateTimeField()


class TokenView(APIView):
    throttle_classes = (ScopedThrottle,)
    throttle_scope = "tokens"

    def get_permissions(self) -> list[Any]:
        return [] if self.request.method == "POST" else [IsAuthenticated()]

    def get_authenticators(self) -> list[Any]:
        # POST has no authenticators, because session authentication would require a CSRF token.
        post = self.request is not None and self.request.method == "POST"
        return [] if post else super().get_authenticators()

    @extend_schema(
        operation_id="tokens_create",
        auth=[],
        request=CredentialsSerializer,
        responses={201: TokenSerializer},
    )
    def post(self, request: Request) -> Response:
        """Issue a token, valid until it expires or the password changes; at most 20 per user."""
        credentials = CredentialsSerializer(data=request.data)
        credentials.is_valid(raise_exception=True)
        values = credentials.validated_data
        user = _authenticate(request, values["login"], values["password"])
        _check_second_factor(user, values.get("code", ""))
        row, token = ApiToken.issue(user, values["scope"])
        data = {"token": token, "scope": row.scope, "expires": row.expires}
        return Response(TokenSerializer(data).data, status=201)

    @extend_schema(operation_id="tokens_destroy", responses={204: None})
    def delete(self, request: Request) -> Response:
        """Revoke the token of the request; with a session, all tokens of its user."""
        if isinstance(request.auth, ApiToken):
            request.auth.delete()
        else:
            ApiToken.objects.filter(user=cast(User, request.user)).delete()
        return Response(status=204)


def _authenticate(request: Request, login: str, password: str) -> User:
    """Return the user with this login and password; counts as a sign-in attempt."""
    django_request = request._request
    try:
        user: User | None = get_adapter().authenticate(
            django_request, username=login, password=password
        )
    except ValidationError as error:
        wait = sign_in_limit.retry_after(django_request, login)
        raise Throttled(wait, "Too many sign-in attempts.") from error
    if user is None or not user.is_active:
        raise PermissionDenied("Wrong login or password.")
    confirmed = EmailAddress.objects.filter(user=user, verified=True).exists()
    if not (confirmed or user.is_staff):
        raise PermissionDenied("Confirm your email address first.")
    return user


def _check_second_factor(user: User, code: str) -> None:
    """Reject a wrong code if the account has a second factor; allauth limits the guesses."""
    if is_mfa_enabled(user) and not AuthenticateForm({"code": code}, user=user).is_valid():
        raise PermissionDenied("Send a code from your authenticator app as `code`.")
