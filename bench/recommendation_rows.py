"""Measure what the rows of recommendations add to a page, in queries and milliseconds.

    python bench/recommendation_rows.py [--pages 300]

Builds and renders the recommendation rows of product pages, carts and the home page. Also renders
whole product pages, once with all rows and once with similar items only. Prints one JSON object and
writes it to bench/results/recommendation_rows.json. Needs an embedded catalogue, which it only
reads.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.setup import set_up_django  # noqa: E402

set_up_django()

from django.conf import settings  # noqa: E402
from django.contrib.auth.models import AnonymousUser  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.template.loader import render_to_string  # noqa: E402
from django.test import Client, RequestFactory  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from bench.arguments import argument_parser  # noqa: E402
from bench.environment import environment  # noqa: E402
from recommender.recommendations.outfits import role_of  # noqa: E402
from recommender.recommendations.rows import (  # noqa: E402
    RecommendationRow,
    cart_rows,
    picked_rows,
    product_rows,
)
from recommender.search.similar import similar_to_product  # noqa: E402
from shop.cart.models import CartLine  # noqa: E402
from shop.catalogue.models import Product, Variant  # noqa: E402

WARM_UP = 30
LIMIT_MS = 20
NOT_CACHED = patch("recommender.recommendations.cache.configured", lambda: True)


def sample_products(count: int) -> list[Product]:
    listed = Product.objects.listed().in_stock().select_related("category").defer("search")
    ids = np.array(listed.order_by("pk").values_list("pk", flat=True))
    chosen = np.random.default_rng(3).choice(ids, min(count, len(ids)), replace=False)
    found = listed.in_bulk([int(pk) for pk in chosen])
    return [found[int(pk)] for pk in chosen]


def render_rows(rows: Sequence[RecommendationRow]) -> int:
    """Render the rows' HTML as the pages do and return the number of rows."""
    request = RequestFactory().get("/")
    context = {"rows": rows, "request": request, "saved_ids": frozenset()}
    render_to_string("recommender/includes/rows.html", context)
    return len(rows)


def time_rows(render: Callable[[Any], int], subjects: list[Any]) -> dict[str, Any]:
    """Time ``render`` on each subject; also count its database queries and rows per page.

    ``render`` returns the number of rows it has rendered.
    """
    for subject in subjects[:WARM_UP]:
        render(subject)
    times, rows = [], 0
    for subject in subjects:
        started = time.perf_counter()
        rows += render(subject)
        times.append((time.perf_counter() - started) * 1000)
    with CaptureQueriesContext(connection) as queries:
        render(subjects[0])
    p50, p99 = np.percentile(times, [50, 99])
    return {
        "p50_ms": round(float(p50), 2),
        "p99_ms": round(float(p99), 2),
        "rows_per_page": round(rows / len(subjects), 2),
        "queries": len(queries),
    }


def request_of_visitor(history: list[Product]) -> Any:
    """Return a request of a visitor whose cookie lists these products as recently viewed."""
    request = RequestFactory().get("/")
    request.COOKIES["recent"] = ".".join(str(product.pk) for product in history)
    request.user, request.session = AnonymousUser(), {}  # type: ignore[assignment]
    return request


def cart_of(products: list[Product]) -> list[CartLine]:
    return [CartLine(variant=Variant(product=product), quantity=1) for product in products]


def similar_row_only(product: Product) -> list[RecommendationRow]:
    """Return only the row of similar items, instead of all rows of a product page."""
    row = RecommendationRow("similar", "Similar items", [], products=similar_to_product(product))
    return [row]


def time_pages(products: list[Product]) -> dict[str, Any]:
    """Time each page with similar items only, with all rows, and with all rows from the cache.

    The three variants of a page are timed in succession, so that other work on the machine slows
    all of them alike.
    """
    client = Client(SERVER_NAME="localhost")
    urls = [product.get_absolute_url() for product in products]
    for url in urls[:WARM_UP]:
        client.get(url)
    without_rows: list[float] = []
    with_rows: list[float] = []
    cached: list[float] = []
    for url in urls:
        with NOT_CACHED:
            with patch("recommender.recommendations.rows.product_rows", similar_row_only):
                without_rows.append(_milliseconds(client, url))
            with_rows.append(_milliseconds(client, url))
        client.get(url)
        cached.append(_milliseconds(client, url))
    added = np.array(with_rows) - np.array(without_rows)
    return {
        name: {f"p{p}_ms": round(float(np.percentile(times, p)), 2) for p in (50, 99)}
        for name, times in (
            ("without", without_rows),
            ("with", with_rows),
            ("added", added),
            ("cached", cached),
        )
    }


def _milliseconds(client: Client, url: str) -> float:
    started = time.perf_counter()
    client.get(url)
    return (time.perf_counter() - started) * 1000


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--pages", type=int, default=300)
    pages = parser.parse_args().pages
    call_command("collectstatic", verbosity=0, interactive=False)
    settings.SECURE_SSL_REDIRECT = False
    products = sample_products(pages)
    garments = [product for product in products if role_of(product)]
    step = max(1, len(products) // pages)
    histories = [products[i : i + 12] for i in range(0, len(products) - 12, step)]
    with NOT_CACHED:
        searched = time_rows(lambda p: render_rows(product_rows(p)), products)
    for product in products:
        product_rows(product)
    result: dict[str, Any] = {
        "environment": environment(),
        "products": Product.objects.count(),
        "pages": len(products),
        "limit_ms_per_row": LIMIT_MS,
        "product_page_rows": searched,
        "product_page_rows_cached": time_rows(lambda p: render_rows(product_rows(p)), products),
        "cart_two_sources": time_rows(
            lambda i: render_rows(cart_rows(cart_of(garments[i : i + 2]))),
            range(len(garments) - 2),
        ),
        "personalised_twelve_views": time_rows(
            lambda history: render_rows(picked_rows(request_of_visitor(history))), histories
        ),
        "product_page": time_pages(products),
    }
    text = json.dumps(result, indent=1)
    (ROOT / "bench" / "results" / "recommendation_rows.json").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
