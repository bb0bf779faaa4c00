from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from shop.catalogue.images.renditions import rendition_url
from shop.core.middleware import HEALTH_PATHS
from tests.factories import make_product, make_stored_image

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path",
    [
        *("/search/?q=a%00b", "/products/?colour=%00", "/products/?%00=1", "/orders/%00/"),
        *("/categories/a%00b/", "/photo-search/%00/", "/pictures/%00.webp"),
    ],
)
def test_an_address_with_nul_is_refused(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 400
    assert b"NUL" in response.content


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/photo-search/part/", {"photo": "\x00"}),
        ("/stock-alerts/", {"product": "\x00"}),
    ],
)
def test_nul_that_is_posted_is_refused(client: Client, path: str, sent: dict[str, str]) -> None:
    response = client.post(path, sent)
    assert response.status_code == 400
    assert b"NUL" in response.content


def test_text_is_compressed_and_pictures_are_not(client: Client) -> None:
    image = make_stored_image(make_product())
    for address, encoding in ((rendition_url(image.file, 60), None), ("/privacy/", "gzip")):
        response = client.get(address, headers={"accept-encoding": "gzip"})
        assert response.status_code == 200
        assert response.get("Content-Encoding") == encoding
        assert ("Accept-Encoding" in response.get("Vary", "")) == (encoding == "gzip")


def test_who_watches_may_call_by_address_and_without_tls(client: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["shop.example.com"]
    settings.SECURE_SSL_REDIRECT = True
    for path in HEALTH_PATHS:
        assert client.get(path, headers={"host": "127.0.0.1:8000"}).status_code in (200, 503)
        assert client.post(path, headers={"host": "127.0.0.1:8000"}).status_code == 405
    assert client.get("/", headers={"host": "127.0.0.1:8000"}).status_code == 400
    moved = client.get("/", headers={"host": "shop.example.com"})
    assert (moved.status_code, moved["Location"]) == (301, "https://shop.example.com/")
