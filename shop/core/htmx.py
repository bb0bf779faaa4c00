"""Recognise the requests of htmx."""

from __future__ import annotations

from django.http import HttpRequest


def is_htmx_fragment(request: HttpRequest) -> bool:
    """Return whether htmx swaps the answer into a part of the page.

    A boosted form and a step back in the browser's history need the whole page.
    """
    htmx = request.htmx  # type: ignore[attr-defined]
    return bool(htmx and not htmx.boosted and not htmx.history_restore_request)
