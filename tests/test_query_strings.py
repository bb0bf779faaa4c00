"""No query string causes a server error on any page that lists rows."""

from __future__ import annotations

import itertools
import string
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.throttling import SimpleRateThrottle

from tests.factories import make_lookalike, make_order, make_photo, picture_bytes

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
LETTERS = ["a", "Z", "é", "ß", "ı", "ſ", "İ", "字", "ع", "א", "ก", "ᚠ", "𝒜", "ǅ", "ﬁ", "ß" * 300]
NUMBERS = [
    *("0", "-1", "1.5", "1e400", "-1e-20000", "1e-20000", "NaN", "-inf", "Infinity", "0x10", "1_0"),
    *("9" * 19, "9" * 400, "2147483648", "9223372036854775808", "²", "٣", "½", "Ⅷ", "1,5", "+1"),
]
SPACE = [" ", "\t", "\r\n", "\u00a0", "\u2003", "\u200b", "\u202e", "\ufeff", "\x0b", "\x1f", ""]
EMOJI = [
    "👗",
    "👩‍👩‍👧",
    "🇩🇪",
    "👍🏽",
    "❤️",
    "\u0301",
    "a\u0301" * 50,
    "\ue000",
    "\uffff",
    "\U0010ffff",
]
SYNTAX = [
    *(
        "' OR 1=1 --",
        '"; DROP TABLE x; --',
        "a:*",
        "a & !b",
        "a <-> b",
        ":*",
        "| &",
        "!",
        "(",
        "a'b",
    ),
    *("%", "_", "\\", "\\'", "%s", "%(x)s", "{0}", "{{ 7*7 }}", "${x}", "$$", "<script>", "<!--"),
    *("../../etc/passwd", "C:\\x", "//x", "http://x", "javascript:x", "&amp;", "a=b", "a;b", "#x"),
    *(
        "null",
        "None",
        "true",
        "[]",
        "{}",
        "[0]",
        "a,b",
        "a/b",
        "/",
        "..",
        "-",
        "--",
        "-price",
        "-pk",
    ),
    *("newest", "relevance", "price", "Women", "Blue", "apparel/topwear/shirts", "last", "cD0x"),
    *("cD1hYmM=", "cj0xJnA9OTk5", "bz05OTk5OTk5OTk5OTk5OTk5", "cD0lMDA=", "everything", "0,0,1,1"),
    *(
        "NULL",
        "NOT",
        "^a$",
        "(?:",
        "\\d+",
        "a\nb",
        "SELECT",
        "é'",
        "<->",
        "a|b",
        "a!",
        "~a",
        "E'a'",
    ),
    *("0; SELECT 1", "::int", "a\tb", "\x7f", "\x01", "%00", "%27", "%ff", "+", "\u2028"),
]
INVALID = [
    b"\xff",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xe2\x82",
    b"\x80" * 9,
    b"a\xff",
]
LONG = ["x" * 10_000, "a " * 5_000, "'" * 10_000, "👗" * 2_500, "9" * 10_000, b"\xff" * 10_000]
NUL = ["\0", "a\0b", "\0" * 10_000]
_TEXTS: Iterable[str | bytes] = itertools.chain(
    (count * mark for count in (1, 2) for mark in string.punctuation),
    itertools.chain(LETTERS, NUMBERS, SPACE, EMOJI, SYNTAX, INVALID, LONG),
)
OTHERS = list(dict.fromkeys(_TEXTS))
LISTING = ["q", "page", "sort", "gender", "colour", "type", "price_from", "price_to"]
VISUAL = ["q", "gender", "colour", "type", "price_from", "price_to", "not_colour", "not_type"]
CURSOR = ["cursor", "page_size"]
PARAMETERS = {
    "/search/": LISTING,
    "/products/": LISTING,
    "/categories/apparel/": LISTING,
    "/products/{slug}/similar/": VISUAL,
    "/photo-search/{photo}/": [*VISUAL, "garment", "count", "facets"],
    "/photo-search/part/": ["image", "photo", "region"],
    "/account/orders/": ["page"],
    "/api/v1/products/": [*LISTING, *CURSOR],
    "/api/v1/facets/": LISTING,
    "/api/v1/products/{product}/similar/": [*VISUAL, "count"],
    "/api/v1/image-searches/{photo}/": [*VISUAL, "garment", "count", "wait"],
    "/api/v1/orders/": CURSOR,
    "/api/v1/staff/products/": [*LISTING, *CURSOR],
    "/admin/search/": ["s"],
    "/admin/autocomplete/": ["term", "p", "app_label", "model_name", "field_name"],
    "/admin/catalogue/product/copies/": ["page", "show"],
    "/admin/catalogue/product/": ["q", "o", "p", "e", "price_from", "price_to", "listed__exact"],
    "/admin/orders/order/": ["q", "o", "p", "state__exact", "placed__year", "placed__gte"],
}


def _requests(names: list[str]) -> list[str]:
    """Return query strings that put each text into each parameter.

    NUL is refused wherever it stands, so that it would hide what the other parameters do.
    """
    rows = [
        {name: OTHERS[(number + 41 * place) % len(OTHERS)] for place, name in enumerate(names)}
        for number in range(len(OTHERS))
    ]
    return [urlencode(row) for row in rows] + [
        urlencode({name: text}) for text in NUL for name in names
    ]


def test_there_are_two_hundred_texts() -> None:
    assert len(OTHERS) + len(NUL) >= 200


@pytest.fixture
def shop(client: Client, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Create a row for every list, and sign in an administrator."""
    monkeypatch.setattr(SimpleRateThrottle, "allow_request", lambda *args: True)
    admin = User.objects.create_superuser("admin")
    client.force_login(admin, "django.contrib.auth.backends.ModelBackend")
    product = make_lookalike(1, name="It's a shirt", gender="Women", base_colour="Blue")
    photo = make_photo(1, content=picture_bytes())
    variant = product.variants.get()
    make_order(user=admin)
    client.post("/cart/add/", {"variant": variant.pk})
    return {"product": product.pk, "slug": product.slug, "photo": photo.pk}


@pytest.mark.parametrize("path", PARAMETERS)
def test_no_query_string_causes_a_server_error(
    path: str, client: Client, shop: dict[str, Any]
) -> None:
    client.raise_request_exception = False
    wrong = {}
    for query in _requests(PARAMETERS[path]):
        status = client.get(path.format(**shop), QUERY_STRING=query).status_code
        if status >= 500:
            wrong[query[:200]] = status
    assert wrong == {}


@pytest.mark.parametrize("text", ["'", "''", "…", "👗", "-", '"', "_", "% %"])
def test_a_query_without_letters_finds_nothing(text: str, client: Client, shop: Any) -> None:
    page = client.get("/search/", {"q": text, "sort": "relevance"})
    assert page.status_code == 200
    assert page.context["listing"].page.paginator.count == 0
    assert client.get("/api/v1/products/", {"q": text}).json()["results"] == []
