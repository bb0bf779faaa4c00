"""Bodies that programs send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework import parsers
from rest_framework.exceptions import APIException, ParseError


class TooLarge(APIException):
    status_code = 413
    default_code = "too_large"


class JSONParser(parsers.JSONParser):
    """Refuses what is too large before any of it is read: DRF reads past Django's own limit.

    A picture of ``PICTURE_MAX_BYTES`` in base64 may pass.
    """

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        limit = settings.PICTURE_MAX_BYTES * 4 // 3 + 2**20
        # Without a length the server gives us nothing to read.
        if int((parser_context or {})["request"].META.get("CONTENT_LENGTH") or 0) > limit:
            raise TooLarge(f"At most {limit // 2**20} MB are read.")
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError("JSON parse error - too deeply nested") from None
