"""Support ``ETag`` and ``If-Match``, so that staff do not overwrite unseen changes.

Only writes need this module, because ``ConditionalGetMiddleware`` handles ``If-None-Match``.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.http import parse_etags
from rest_framework.request import Request
from rest_framework.response import Response

from shop.api.problems import PreconditionFailed


def with_etag(data: Any, status: int = 200) -> Response:
    """Return a response with the data and the ETag that ``check_if_match`` compares."""
    return Response(data, status=status, headers={"ETag": _etag(data)})


def check_if_match(request: Request, current: Any) -> None:
    """Raise ``PreconditionFailed`` if ``If-Match`` does not match the current version."""
    # Drop ``W/``: GZipMiddleware weakens our ETags and clients echo the weak form.
    tags = [tag.removeprefix("W/") for tag in parse_etags(request.headers.get("If-Match", ""))]
    if tags and tags != ["*"] and _etag(current) not in tags:
        raise PreconditionFailed


def _etag(data: Any) -> str:
    text = json.dumps(data, cls=DjangoJSONEncoder, sort_keys=True)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
