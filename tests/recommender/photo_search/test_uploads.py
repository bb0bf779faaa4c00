"""Test photos that take long to decode or break decoders, sent to the page and to the API."""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from recommender.models import QueryPhoto
from shop.catalogue.images.pictures import store_file
from shop.catalogue.models import ProductImage
from shop.core.waiting import MAX_WAITERS, waiting_slot
from tests.factories import make_image, make_product, picture_bytes
from tests.shop.catalogue.images.crafted import BROKEN_EXIF, scans, with_exif

pytestmark = pytest.mark.django_db
API = "/api/v1/image-searches/"
PAGE = "/photo-search/"
Send = Callable[[Client, bytes], Any]


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recommender.photo_search.photos.enqueue", lambda *args: None)


def by_page(client: Client, data: bytes) -> Any:
    return client.post(PAGE, {"photo": SimpleUploadedFile("photo", data)})


def by_api(client: Client, data: bytes) -> Any:
    return client.post(API, {"photo": SimpleUploadedFile("photo", data)})


def in_base64(client: Client, data: bytes) -> Any:
    sent = {"photo": base64.b64encode(data).decode()}
    return client.post(API, sent, content_type="application/json")


SENDERS = [by_page, by_api, in_base64]


@pytest.mark.parametrize("send", SENDERS)
def test_a_scan_bomb_is_refused(client: Client, send: Send) -> None:
    response = send(client, scans(2000, (1000, 1000)))
    assert response.status_code == 422
    assert "takes too long to read" in response.content.decode()
    assert not QueryPhoto.objects.exists()


@pytest.mark.parametrize("send", SENDERS)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF"])
def test_a_photo_with_broken_exif_is_accepted(client: Client, send: Send, kind: str) -> None:
    response = send(client, with_exif(kind, BROKEN_EXIF["short"]))
    assert response.status_code == (302 if send is by_page else 201)
    photo = QueryPhoto.objects.get()
    assert (photo.width, photo.height) == (60, 80)


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("send", SENDERS)
def test_an_upload_is_refused_while_too_many_requests_wait(client: Client, send: Send) -> None:
    response = send(client, picture_bytes(kind="GIF"))
    assert (response.status_code, response["Retry-After"]) == (503, "10")
    if send is by_page:
        assert "There is a lot going on at the moment." in response.content.decode()
    else:
        assert response["Content-Type"] == "application/problem+json"
        assert response.json()["status"] == 503
    assert not QueryPhoto.objects.exists()


@pytest.mark.usefixtures("busy")
def test_other_requests_are_served_while_too_many_wait(client: Client) -> None:
    assert by_page(client, picture_bytes()).status_code == 302
    assert client.get("/").status_code == 200


def test_an_idempotency_key_can_be_used_again_after_a_refusal(client: Client) -> None:
    sent = {"photo": base64.b64encode(picture_bytes(kind="GIF")).decode()}
    headers = {"Idempotency-Key": "k"}
    with ExitStack() as held:
        for _slot in range(MAX_WAITERS):
            held.enter_context(waiting_slot())
        refused = client.post(API, sent, "application/json", headers=headers)
    accepted = client.post(API, sent, "application/json", headers=headers)
    assert (refused.status_code, accepted.status_code) == (503, 201)
    assert QueryPhoto.objects.count() == 1


def _stored(data: bytes) -> ProductImage:
    """Store a product image without checks, as an earlier version may have done."""
    image = make_image(make_product())
    store_file(image.file, data)
    return image


@pytest.mark.parametrize("data", [scans(2000), picture_bytes()[:200]], ids=["bomb", "torn"])
def test_an_invalid_stored_image_breaks_no_page(client: Client, data: bytes) -> None:
    image = _stored(data)
    crop = {"image": str(image.pk), "region": "0,0,1,0.5"}
    assert client.post(f"{PAGE}part/", crop).status_code == 422
    assert client.post(PAGE, {"sample": str(image.pk)}).status_code == 422
    assert client.get(f"/pictures/{image.file.removesuffix('.jpg')}-60.webp").status_code == 404
    assert not QueryPhoto.objects.exists()


def test_a_server_error_is_a_problem_document_by_the_api_and_a_page_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*args: Any, **options: Any) -> None:
        raise RuntimeError("Secret of the server")

    monkeypatch.setattr("recommender.api.store_photo", fail)
    monkeypatch.setattr("recommender.photo_search.views.store_photo", fail)
    client = Client(raise_request_exception=False)
    answer = by_api(client, picture_bytes())
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert answer.json() == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "Something went wrong. We have been notified.",
        "instance": API,
    }
    page = by_page(client, picture_bytes())
    assert (page.status_code, page["Content-Type"]) == (500, "text/html; charset=utf-8")
    assert b"Secret" not in page.content
