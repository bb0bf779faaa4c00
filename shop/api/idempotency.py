"""Execute a repeated write with the same ``Idempotency-Key`` only once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from shop.api.models import IdempotencyRecord
from shop.api.problems import Unprocessable
from shop.core.rate_limit import client_address

HEADER = "Idempotency-Key"
LIFETIME = timedelta(hours=24)
Handler = Callable[..., Response]


def idempotent(handler: Handler) -> Handler:
    """Execute a view's method once per ``Idempotency-Key``, in one transaction.

    Call other services after the method, not in it, because the transaction holds locks. An error
    leaves no record, so that the corrected request can reuse the key.
    """

    @wraps(handler)
    def wrapper(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get(HEADER, "")
        if not key:
            return handler(view, request, *args, **kwargs)
        if len(key) > 255 or "\x00" in key:
            raise ValidationError({HEADER: [_("At most 255 characters.")]})
        with transaction.atomic():
            return _once(key, handler, view, request, *args, **kwargs)

    return wrapper


def _once(
    key: str, handler: Handler, view: Any, request: Request, *args: Any, **kwargs: Any
) -> Response:
    """Call the handler and record its response, or return the recorded one."""
    fingerprint = _fingerprint(request)
    # A simultaneous repeat blocks here until the first request has committed or failed.
    record, is_new = IdempotencyRecord.objects.get_or_create(
        owner=_owner(request), key=key, defaults={"fingerprint": fingerprint}
    )
    if not is_new:
        if record.fingerprint != fingerprint:
            raise Unprocessable(_("This Idempotency-Key was used for another request."))
        return Response(record.content, status=record.status)
    response = handler(view, request, *args, **kwargs)
    record.status = response.status_code
    record.content = json.loads(json.dumps(response.data, cls=DjangoJSONEncoder))
    record.save(update_fields=["status", "content"])
    return response


def _owner(request: Request) -> str:
    if request.user.is_authenticated:
        return _owner_name(request.user)
    return f"address {client_address(request._request)}"


def _owner_name(user: Any) -> str:
    return f"user {user.pk}"


def delete_records_of(user: Any) -> None:
    """Delete the recorded responses to the user's writes."""
    IdempotencyRecord.objects.filter(owner=_owner_name(user)).delete()


def _fingerprint(request: Request) -> str:
    digest = hashlib.sha256(f"{request.method} {request.path}\n".encode())
    data = request.data
    if not hasattr(data, "lists"):
        digest.update(json.dumps(data, sort_keys=True, default=str).encode())
        return digest.hexdigest()
    for name, values in sorted(data.lists()):
        for value in values:
            digest.update(f"{name}=".encode())
            digest.update(_content(value))
    return digest.hexdigest()


def _content(value: Any) -> bytes:
    if not isinstance(value, UploadedFile):
        return str(value).encode("utf-8", "surrogatepass")
    digest = hashlib.sha256()
    for chunk in value.chunks():
        digest.update(chunk)
    value.seek(0)
    return digest.digest()


def delete_expired() -> int:
    """Delete records older than ``LIFETIME``, so that keys can be reused; return the count."""
    old = IdempotencyRecord.objects.filter(created__lt=timezone.now() - LIFETIME)
    return old.delete()[0]
