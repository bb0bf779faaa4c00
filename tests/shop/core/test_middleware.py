from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from shop.catalogue.images.renditions import rendition_url
from shop.core.middleware import HEALTH_PATHS
from tests.factories import make_customer, make_product, make_stored_image

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path",
    [
        *("/search/?q=a%00b", "/products/?colour=%00", "/products/?%00=1", "/orders/%00/"),
        *("/categories/a%00b/", "/photo-search/%00/", "/pictures/%00.webp"),
    ],
)
def test_a_url_with_nul_is_refused(client: Client, path: str) -> None:
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
def test_a_body_with_nul_is_refused(client: Client, path: str, sent: dict[str, str]) -> None:
    response = client.post(path, sent)
    assert response.status_code == 400
    assert b"NUL" in response.content


class Unread:
    """Fails the test when the body is read."""

    def read(self, *args: Any) -> bytes:
        raise AssertionError("The body was read.")

    readline = read


HUGE = {"CONTENT_LENGTH": str(300 * 2**20), "wsgi.input": Unread()}
FORM = "multipart/form-data; boundary=x"
EVERYBODY = [
    *("/photo-search/", "/photo-search/part/", "/api/v1/image-searches/", "/api/v1/tokens/"),
    *("/account/login/", "/events/", "/payments/stripe/webhook/", "/checkout/", "/none/", "/"),
    *("/api/v1/staff/products/1/images/", "/account/addresses/new/"),
]
STAFF = ["/admin/imports/upload/new/", "/admin/login/", "/admin/catalogue/product/add/"]


@pytest.fixture
def browser() -> Client:
    """Return a client with CSRF checks, for which Django would read the body."""
    client = Client(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = "x" * 32
    return client


@pytest.mark.parametrize("path", [*EVERYBODY, *STAFF])
def test_a_body_of_300_megabytes_is_refused_before_it_is_read(browser: Client, path: str) -> None:
    response = browser.generic("POST", path, content_type=FORM, **HUGE)
    assert response.status_code == 413
    kind = "application/problem+json" if path.startswith("/api/") else "text/html; charset=utf-8"
    assert response["Content-Type"] == kind
    assert "14 MB" in response.content.decode()


def test_a_signed_in_customer_has_the_same_limit(browser: Client) -> None:
    browser.force_login(make_customer("alice@example.com"))
    for path in (*EVERYBODY, *STAFF):
        assert browser.generic("POST", path, content_type=FORM, **HUGE).status_code == 413


@pytest.mark.parametrize("length", [2 * 1024**3 + 15 * 2**20, 10**19])
def test_staff_may_upload_a_catalogue_but_no_more(browser: Client, length: int) -> None:
    browser.force_login(User.objects.create_user("carol", is_staff=True))
    # Let through to the view, for which the token is missing.
    assert browser.generic("POST", STAFF[0], content_type=FORM, **HUGE).status_code == 403
    for path in EVERYBODY:
        assert browser.generic("POST", path, content_type=FORM, **HUGE).status_code == 413
    more = HUGE | {"CONTENT_LENGTH": f"{length}"}
    assert browser.generic("POST", STAFF[0], content_type=FORM, **more).status_code == 413


@pytest.mark.parametrize("path", ["/photo-search/", "/api/v1/tokens/", "/admin/login/"])
@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_TRANSFER_ENCODING": "chunked"},
        {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": "5"},
        *({"CONTENT_LENGTH": length} for length in ("-1", "x", "1e3", "٣", "²")),
    ],
)
def test_a_body_without_a_length_is_refused(
    client: Client, path: str, headers: dict[str, str]
) -> None:
    body: dict[str, Any] = {"wsgi.input": Unread(), **headers}
    response = client.generic("POST", path, content_type=FORM, **body)
    assert response.status_code == 411
    assert "Content-Length" in response.content.decode()


def test_text_is_compressed_and_pictures_are_not(client: Client) -> None:
    image = make_stored_image(make_product())
    for address, encoding in ((rendition_url(image.file, 60), None), ("/privacy/", "gzip")):
        response = client.get(address, headers={"accept-encoding": "gzip"})
        assert response.status_code == 200
        assert response.get("Content-Encoding") == encoding
        assert ("Accept-Encoding" in response.get("Vary", "")) == (encoding == "gzip")


def test_health_checks_work_by_ip_address_and_without_tls(client: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["shop.example.com"]
    settings.SECURE_SSL_REDIRECT = True
    for path in HEALTH_PATHS:
        assert client.get(path, headers={"host": "127.0.0.1:8000"}).status_code in (200, 503)
        assert client.post(path, headers={"host": "127.0.0.1:8000"}).status_code == 405
    assert client.get("/", headers={"host": "127.0.0.1:8000"}).status_code == 400
    moved = client.get("/", headers={"host": "shop.example.com"})
    assert (moved.status_code, moved["Location"]) == (301, "https://shop.example.com/")
