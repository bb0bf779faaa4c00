from __future__ import annotations

from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image

from recommender import tasks
from recommender.models import QueryPhoto
from recommender.photo_search import photos
from tests.factories import make_lookalike, make_product, make_stored_image, picture_bytes, point
from tests.html import one_line

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enqueue no tasks, and do not wait for them."""
    monkeypatch.setattr("recommender.photo_search.photos.enqueue", lambda *args: None)
    monkeypatch.setattr("recommender.photo_search.views.MAX_WAIT_SECONDS", 0)


def _send(client: Client, content: bytes, name: str = "photo.jpg"):  # type: ignore[no-untyped-def]
    return client.post("/photo-search/", {"photo": SimpleUploadedFile(name, content)})


def _huge_png() -> bytes:
    buffer = BytesIO()
    Image.new("1", (12_000, 12_000)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The file is empty"),
        (b"this is text", "can’t read this file"),
        (b"x" * (11 * 1024 * 1024), "larger than 10 MB"),
        (_huge_png, "12000 × 12000 pixels; at most 50 million"),
        (lambda: picture_bytes(size=(300, 300), quality=95)[:-200], "damaged or incomplete"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG drawings are not supported"),
        (b"%PDF-1.7 ...", "This is a PDF"),
    ],
    ids=["empty", "text", "too big", "too many pixels", "truncated", "SVG", "PDF"],
)
def test_an_invalid_photo_is_refused_with_a_reason(
    client: Client, content: Any, message: str
) -> None:
    response = _send(client, content() if callable(content) else content)
    assert response.status_code == 422
    assert message in response.content.decode()
    assert QueryPhoto.objects.count() == 0


def test_a_form_without_a_file_is_refused(client: Client) -> None:
    response = client.post("/photo-search/", {})
    assert response.status_code == 422
    assert "Choose a photo first" in response.content.decode()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF"])
def test_every_common_format_is_accepted(client: Client, kind: str) -> None:
    response = _send(client, picture_bytes(size=(64, 64), kind=kind))
    assert response.status_code == 302
    photo = QueryPhoto.objects.get()
    assert response["Location"] == f"/photo-search/{photo.pk}/"
    assert (photo.width, photo.height) == (64, 64)


def test_metadata_is_removed_and_the_photo_is_upright(client: Client) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a private note"
    _send(client, picture_bytes(size=(80, 40), exif=exif))
    photo = QueryPhoto.objects.get()
    assert (photo.width, photo.height) == (40, 80)
    assert b"private note" not in bytes(photo.content)
    assert not Image.open(BytesIO(bytes(photo.content))).getexif()


def test_every_orientation_is_stored_as_the_same_photo() -> None:
    upright = Image.new("RGB", (90, 60), "white")
    upright.paste("red", (10, 5, 50, 40))
    transpositions = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    pixels = set()
    for orientation, transposition in transpositions.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        buffer = BytesIO()
        (upright if transposition is None else upright.transpose(transposition)).save(
            buffer, "PNG", exif=exif
        )
        photo = photos.store_photo(buffer.getvalue())
        pixels.add(bytes(photo.content))
    assert len(pixels) == 1


def test_the_page_polls_until_the_photo_is_embedded(client: Client) -> None:
    response = client.get(_send(client, picture_bytes())["Location"])
    assert response.context["state"] == "waiting"
    assert 'hx-trigger="load delay:300ms"' in response.content.decode()


def test_the_page_of_a_stale_photo_says_that_the_shop_is_busy(client: Client) -> None:
    url = _send(client, picture_bytes())["Location"]
    QueryPhoto.objects.update(created=timezone.now() - timedelta(seconds=30))
    assert "still searching" in client.get(url).content.decode()


def test_five_similar_products_are_shown_beside_the_photo(client: Client) -> None:
    for step in range(7):
        make_lookalike(1, step)
    url = _send(client, picture_bytes())["Location"]
    tasks.embed_query_photo(QueryPhoto.objects.get().pk)
    content = client.get(url).content.decode()
    assert 'data-block="photo"' in content
    assert content.count("data-product-id=") == 5
    assert f'src="{url}photo"' in content


def test_the_page_says_when_the_photo_is_deleted(client: Client) -> None:
    until = datetime(2099, 1, 2, 15, 4, tzinfo=timezone.get_current_timezone())
    photo = QueryPhoto.objects.create(
        content=picture_bytes(), width=60, height=80, embedding=point(1), expires=until
    )
    page = client.get(photo.get_absolute_url()).content.decode()
    assert "We’ll delete it on 2 January 2099 at 15:04." in page


def test_the_results_can_be_filtered(client: Client) -> None:
    make_lookalike(1, gender="Men")
    url = _send(client, picture_bytes())["Location"]
    tasks.embed_query_photo(QueryPhoto.objects.get().pk)
    assert "No similar items" in client.get(f"{url}?gender=Women").content.decode()


def test_filters_are_loaded_after_the_results_unless_they_are_in_use(
    client: Client,
) -> None:
    make_lookalike(1, gender="Men")
    make_product(gender="Women")  # one choice alone is not offered
    url = _send(client, picture_bytes())["Location"]
    tasks.embed_query_photo(QueryPhoto.objects.get().pk)
    page = client.get(url).content.decode()
    assert 'id="choices"' in page
    assert 'href="?facets=1"' in page
    assert 'name="gender"' not in page
    for query in ("?facets=1", "?gender=Women"):
        page = one_line(client.get(url + query).content.decode())
        assert 'id="choices"' not in page
        assert 'name="gender" value="Men"' in page
    late = client.get(url, headers={"HX-Request": "true", "HX-Target": "choices"}).content.decode()
    assert 'name="gender" value="Men"' in one_line(late)
    assert "data-product-id" not in late


@pytest.mark.parametrize(
    ("headers", "full_page"),
    [
        ({}, True),
        ({"HX-Request": "true"}, False),
        ({"HX-Request": "true", "HX-Boosted": "true"}, True),
        ({"HX-Request": "true", "HX-History-Restore-Request": "true"}, True),
    ],
    ids=["alone", "asking again", "from the form", "going back"],
)
def test_htmx_gets_a_fragment_only_where_it_polls(
    client: Client, headers: dict[str, str], full_page: bool
) -> None:
    url = _send(client, picture_bytes())["Location"]
    assert ("<h1>" in client.get(url, headers=headers).content.decode()) is full_page


def test_a_sample_is_searched_like_a_photo(client: Client) -> None:
    image = make_stored_image(make_product())
    response = client.post("/photo-search/", {"sample": str(image.pk)})
    assert response["Location"] == QueryPhoto.objects.get().get_absolute_url()


@pytest.mark.parametrize("sample", ["999999", "1" * 30])
def test_an_unknown_sample_is_refused(client: Client, sample: str) -> None:
    assert client.post("/photo-search/", {"sample": sample}).status_code in {404, 422}
    assert QueryPhoto.objects.count() == 0


def test_a_photo_is_private_and_not_indexed(client: Client) -> None:
    url = _send(client, picture_bytes())["Location"]
    response = client.get(f"{url}photo")
    assert response["Content-Type"] == "image/jpeg"
    assert response["Cache-Control"] == "private, no-store"
    assert client.get("/photo-search/AAAAAAAAAAAAAAAAAAAAAA/photo").status_code == 404


def test_expired_photos_are_deleted_without_loading_their_content(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos, "DELETE_BATCH", 2)
    for _photo in range(5):
        _send(client, picture_bytes())
    kept = QueryPhoto.objects.first()
    assert kept is not None
    expired = timezone.now() - timedelta(seconds=1)
    QueryPhoto.objects.exclude(pk=kept.pk).update(expires=expired)
    with CaptureQueriesContext(connection) as queries:
        assert photos.delete_expired() == 4
    assert not any("content" in query["sql"] for query in queries)
    assert QueryPhoto.objects.get() == kept


def test_an_expired_photo_is_gone_and_deleted(client: Client) -> None:
    url = _send(client, picture_bytes())["Location"]
    QueryPhoto.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert client.get(url).status_code == 410
    assert client.get(f"{url}photo").status_code == 404
    tasks.delete_expired_query_photos()
    assert QueryPhoto.objects.count() == 0
    assert client.get(url).status_code == 404


def test_too_many_searches_are_refused(client: Client, settings: Any) -> None:
    settings.PHOTO_SEARCHES_PER_HOUR = 2
    codes = [
        client.post("/photo-search/", {}, REMOTE_ADDR="192.0.2.77").status_code for _ in range(3)
    ]
    assert codes[-1] == 429


def test_the_form_needs_its_csrf_token() -> None:
    assert _send(Client(enforce_csrf_checks=True), picture_bytes()).status_code == 403
