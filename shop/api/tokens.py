"""Tokens for programs."""

from __future__ import annotations

from typing import Any, cast

from allauth.account.models import EmailAddress
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from shop.api.throttling import ScopedThrottle


class CredentialsSerializer(serializers.Serializer[Any]):
    login = serializers.CharField(max_length=254, help_text="E-mail, or user name of the staff.")
    password = serializers.CharField(max_length=200, trim_whitespace=False)


class TokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField()


class TokenView(APIView):
    throttle_classes = (ScopedThrottle,)
    throttle_scope = "tokens"

    def get_permissions(self) -> list[Any]:
        return [] if self.request.method == "POST" else [IsAuthenticated()]

    def get_authenticators(self) -> list[Any]:
        # A session must not make signing in need a CSRF token.
        post = self.request is not None and self.request.method == "POST"
        return [] if post else super().get_authenticators()

    @extend_schema(
        operation_id="tokens_create",
        auth=[],
        request=CredentialsSerializer,
        responses={201: TokenSerializer},
    )
    def post(self, request: Request) -> Response:
        """One token a person; asking again gives the same one."""
        credentials = CredentialsSerializer(data=request.data)
        credentials.is_valid(raise_exception=True)
        user = _authenticate(request, **credentials.validated_data)
        token, _new = Token.objects.get_or_create(user=user)
        return Response({"token": token.key}, status=201)

    @extend_schema(operation_id="tokens_destroy", responses={204: None})
    def delete(self, request: Request) -> Response:
        """From now on the token opens nothing."""
        Token.objects.filter(user=cast(User, request.user)).delete()
        return Response(status=204)


def _authenticate(request: Request, login: str, password: str) -> User:
    name = "email" if "@" in login else "username"
    user = authenticate(request._request, **{name: login, "password": password})
    if user is None:
        raise PermissionDenied("This login and password do not match.")
    confirmed = EmailAddress.objects.filter(user=user, verified=True).exists()
    if not (confirmed or user.is_staff):
        raise PermissionDenied("Confirm your e-mail address first.")
    return user
