from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from rest_framework.test import APIClient

from recommender.models import EmbeddingModel, QueryPhoto
from tests.factories import make_lookalike, make_photo, picture_bytes, point

pytestmark = pytest.mark.django_db
URL = "/api/v1/image-searches/"


@pytest.fixture
def api() -> APIClient:
    return APIClient()


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Embed each photo at (1, 0) as soon as its task is enqueued."""

    def embed(_task: Any, photo_id: str) -> None:
        model = EmbeddingModel.objects.active()
        values = {"embedding": point(1), "whole_embedding": point(1), "colour": [25, 0, 0]}
        QueryPhoto.objects.filter(pk=photo_id).update(**values, embedding_model=model)

    monkeypatch.setattr("recommender.photo_search.photos.enqueue", embed)


def _photo() -> SimpleUploadedFile:
    return SimpleUploadedFile("a.jpg", picture_bytes(), "image/jpeg")


@pytest.mark.parametrize("path", [URL, "/api/v1/tokens/"], ids=["photo", "token"])
def test_a_request_body_that_is_too_large_is_refused(
    api: APIClient, settings: Any, path: str
) -> None:
    settings.PICTURE_MAX_BYTES = 3000
    text = json.dumps({"photo": "A" * (2**20 + 4001)})
    response = api.post(path, text, content_type="application/json")
    assert response.status_code == 413
    assert response.json()["detail"] == "At most 1 MB are read."
    assert response["Content-Type"] == "application/problem+json"
    assert QueryPhoto.objects.count() == 0


def test_a_photo_of_the_largest_size_is_accepted_in_base64(api: APIClient, settings: Any) -> None:
    settings.PICTURE_MAX_BYTES = 3 * 2**20
    content = picture_bytes() + bytes(3 * 2**20 - len(picture_bytes()))
    sent = {"photo": base64.b64encode(content).decode()}
    assert api.post(URL, sent, format="json").status_code == 201


def test_a_deeply_nested_request_body_is_refused(api: APIClient) -> None:
    response = api.post(URL, "[" * 100_000, content_type="application/json")
    assert response.status_code == 400


def test_similar_products_are_listed_nearest_first(api: APIClient) -> None:
    source = make_lookalike(1, name="source")
    make_lookalike(1, 0.5, name="far", gender="Men")
    make_lookalike(1, 0.1, name="near", gender="Women")
    url = f"/api/v1/products/{source.pk}/similar/"
    assert [row["name"] for row in api.get(url).json()] == ["near", "far"]
    assert [row["name"] for row in api.get(f"{url}?gender=Men").json()] == ["far"]
    assert api.get("/api/v1/products/999999/similar/").status_code == 404


def test_brand_size_and_stock_are_filters_of_lists_only(api: APIClient) -> None:
    source, other = make_lookalike(1), make_lookalike(1, 0.1, brand="Acme")
    query = "?brand=Other&size=XS&in_stock=1"
    similar = api.get(f"/api/v1/products/{source.pk}/similar/{query}").json()
    assert [row["id"] for row in similar] == [other.pk]
    photo = make_photo(1)
    found = api.get(f"{URL}{photo.pk}/{query}").json()["products"]
    assert {row["id"] for row in found} == {source.pk, other.pk}
    page = api.get(f"/photo-search/{photo.pk}/{query}")
    assert not page.context["filters"]
    refined = api.get(f"{source.get_absolute_url()}similar/{query}")
    assert not refined.context["filters"]


def test_the_schema_says_to_ask_again_while_a_search_is_waiting(api: APIClient) -> None:
    schema = api.get("/api/v1/schema/?format=json").json()
    described = schema["paths"]["/api/v1/image-searches/{photo_id}/"]["get"]["description"]
    assert described == "Return the search; ask again while ``state`` is waiting."


def test_a_photo_search_is_waiting_until_the_photo_is_embedded(
    api: APIClient, worker: None, django_capture_on_commit_callbacks: Any
) -> None:
    near, far = make_lookalike(1, 0.1), make_lookalike(1, 0.5)
    with django_capture_on_commit_callbacks(execute=True):
        made = api.post(URL, {"photo": _photo()}, format="multipart")
    assert (made.status_code, made.json()["state"]) == (201, "waiting")
    assert made["Location"] == made.json()["url"]
    ready = api.get(f"{made.json()['url']}?wait=5").json()
    assert ready["state"] == "ready"
    assert [row["id"] for row in ready["products"]] == [near.pk, far.pk]
    assert api.get(ready["page"]).status_code == 200


def test_a_photo_is_accepted_in_base64(api: APIClient) -> None:
    text = base64.b64encode(picture_bytes()).decode()
    made = api.post(URL, {"photo": text}, format="json")
    assert (made.status_code, QueryPhoto.objects.count()) == (201, 1)


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"photo": "no base64!"}, 400),
        ({"photo": base64.b64encode(b"no picture").decode()}, 422),
        ({"photo": ""}, 400),
        ({}, 400),
        ([], 400),
    ],
)
def test_an_invalid_photo_is_refused(api: APIClient, values: Any, status: int) -> None:
    assert api.post(URL, values, format="json").status_code == status
    assert not QueryPhoto.objects.exists()


@pytest.mark.parametrize("wait", ["-1", "11", "x", "nan", "inf"])
def test_an_invalid_wait_is_refused(api: APIClient, wait: str) -> None:
    made = api.post(f"{URL}?wait={wait}", {"photo": _photo()}, format="multipart")
    assert made.status_code == 400
    assert not QueryPhoto.objects.exists()


def test_a_photo_can_be_deleted_and_expires(api: APIClient) -> None:
    url = api.post(URL, {"photo": _photo()}, format="multipart").json()["url"]
    assert api.delete(url).status_code == 204
    assert api.get(url).status_code == 404
    url = api.post(URL, {"photo": _photo()}, format="multipart").json()["url"]
    QueryPhoto.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert api.get(url).status_code == 404


def test_requests_with_one_idempotency_key_store_one_photo(api: APIClient) -> None:
    urls = {
        api.post(
            URL, {"photo": _photo()}, format="multipart", headers={"Idempotency-Key": "k"}
        ).json()["url"]
        for _time in range(2)
    }
    assert (len(urls), QueryPhoto.objects.count()) == (1, 1)


def test_only_the_region_of_a_photo_is_stored(api: APIClient) -> None:
    assert api.post(URL, {"photo": _photo(), "region": "0,0,1,0.5"}).status_code == 201
    photo = QueryPhoto.objects.get()
    assert (photo.width, photo.height) == (60, 40)


@pytest.mark.parametrize("region", ["1,2", "0,0,2,1", "0,0,0.01,1", "0,0,0.1,1"])
def test_an_invalid_region_is_refused(api: APIClient, region: str) -> None:
    refused = api.post(URL, {"photo": _photo(), "region": region})
    assert refused.status_code == 400
    assert "region" in refused.json()["errors"]
    assert QueryPhoto.objects.count() == 0


def test_similar_products_are_filtered(api: APIClient) -> None:
    source = make_lookalike(1, name="source", base_colour="Red")
    make_lookalike(1, 0.1, name="red", base_colour="Red")
    make_lookalike(1, 0.5, name="blue linen", base_colour="Blue")
    url = f"/api/v1/products/{source.pk}/similar/"
    for query in ("not_colour=Red", "q=linen"):
        assert [row["name"] for row in api.get(f"{url}?{query}").json()] == ["blue linen"]
