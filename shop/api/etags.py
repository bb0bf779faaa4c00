"""``ETag``: what was read before and has not changed is not sent again, nor overwritten."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.http import parse_etags
from rest_framework.request import Request
from rest_framework.response import Response

from shop.api.problems import PreconditionFailed


def etag_of(data: Any) -> str:
    text = json.dumps(data, cls=DjangoJSONEncoder, sort_keys=True)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def answer(request: Request, data: Any) -> Response:
    """200 with its ``ETag``, or 304 if the client has this already."""
    etag = etag_of(data)
    known = _tags(request, "If-None-Match")
    if etag in known or known == ["*"]:
        return Response(status=304, headers={"ETag": etag})
    return Response(data, headers={"ETag": etag})


def check_unchanged(request: Request, data: Any) -> None:
    """Raises ``PreconditionFailed`` if ``If-Match`` names another version than this one."""
    wanted = _tags(request, "If-Match")
    if wanted and wanted != ["*"] and etag_of(data) not in wanted:
        raise PreconditionFailed


def _tags(request: Request, header: str) -> list[str]:
    """Strong: compressing an answer weakens its tag, and the client sends back what it got."""
    return [tag.removeprefix("W/") for tag in parse_etags(request.headers.get(header, ""))]
