"""A process of the web server draws its first pages before a shopper asks for one.

What Python does once only (compile templates, read translations and addresses, import what a view
needs) took 0.4 s of somebody's first page.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.util import setup_testing_defaults

from django.conf import settings
from django.db import Error

from shop.catalogue.models import Product

logger = logging.getLogger(__name__)
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def warm_up(application: Application) -> list[str]:
    """Each kind of page in each language; none of them writes anything. Returns their statuses.

    With the database away there is none: the process must start all the same.
    """
    try:
        newest = Product.objects.listed().in_stock().newest_first().only("slug").first()
    except Error:
        logger.warning("The database is away; the first pages will be slow")
        return []
    pages = ["/", "/products/", "/search/", "/photo-search/"]
    pages += [newest.get_absolute_url()] if newest else []
    return [_ask(application, page, code) for code, _name in settings.LANGUAGES for page in pages]


def _ask(application: Application, path: str, language: str) -> str:
    host = next((name for name in settings.ALLOWED_HOSTS if name != "*"), "localhost")
    environ: dict[str, Any] = {
        "PATH_INFO": path,
        "HTTP_HOST": host.lstrip("."),
        "HTTP_X_FORWARDED_PROTO": "https" if settings.HTTPS else "http",
        "HTTP_ACCEPT_LANGUAGE": language,
        "HTTP_ACCEPT_ENCODING": "gzip",
    }
    setup_testing_defaults(environ)
    statuses: list[str] = []
    response = application(environ, lambda status, *_headers: statuses.append(status))
    list(response)
    response.close()  # type: ignore[attr-defined]  # Django's has it, and ends the request so
    return statuses[0]
