from __future__ import annotations

from base64 import b64encode
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from shop.catalogue.models import Product
from tests.factories import make_category, make_product, make_stored_image, make_variant

pytestmark = pytest.mark.django_db


def _names(api: APIClient, query: str) -> list[str]:
    return [row["name"] for row in api.get(f"/api/v1/products/?{query}").json()["results"]]


def test_a_product_has_all_that_its_page_shows(api: APIClient) -> None:
    product = make_product(name="Blue Shirt", price=Decimal("19.50"), stock=2, base_colour="Blue")
    make_variant(product, sku="XL-1", size="XL", price=Decimal("22.00"), stock=3)
    make_stored_image(product)
    data = api.get(f"/api/v1/products/{product.pk}/").json()
    assert (data["name"], data["price"], data["currency"], data["stock"]) == (
        *("Blue Shirt", "19.50", "EUR"),
        5,
    )
    assert data["category"] == "apparel/topwear/shirts"
    assert [(v["size"], v["price"], v["stock"]) for v in data["variants"]] == [
        ("", "19.50", 2),
        ("XL", "22.00", 3),
    ]
    assert data["url"] == f"http://testserver{product.get_absolute_url()}"
    assert api.get(data["images"][0]["urls"]["card"]).status_code == 200


def test_unlisted_products_are_not_found(api: APIClient) -> None:
    product = make_product(listed=False)
    assert api.get(f"/api/v1/products/{product.pk}/").status_code == 404
    assert _names(api, "") == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Birch", "Aster"]),
        ("gender=Women", ["Birch"]),
        ("colour=Blue", ["Aster"]),
        ("price_from=15", ["Birch"]),
        ("type=apparel/topwear/shirts", ["Birch", "Aster"]),
        ("q=aster", ["Aster"]),
        ("q=unicorn", []),
    ],
)
def test_products_are_filtered_and_searched(
    api: APIClient, query: str, expected: list[str]
) -> None:
    make_product(name="Aster", gender="Men", base_colour="Blue", price=Decimal("10"))
    make_product(name="Birch", gender="Women", base_colour="Red", price=Decimal("20"))
    assert _names(api, query) == expected


def test_the_cursor_returns_every_product_once(api: APIClient) -> None:
    made = [make_product().pk for _number in range(7)]
    seen, url = [], "/api/v1/products/?page_size=3"
    while url:
        page = api.get(url).json()
        seen += [row["id"] for row in page["results"]]
        make_product()  # a product added meanwhile shifts nothing
        url = page["next"]
    assert seen == sorted(made, reverse=True)


@pytest.mark.parametrize("query", ["cursor=x", "cursor=%F0%9F", "page_size=0", "page_size=x"])
def test_an_odd_page_parameter_is_no_server_error(api: APIClient, query: str) -> None:
    assert api.get(f"/api/v1/products/?{query}").status_code in (200, 404)


def test_facets_and_categories_are_listed(api: APIClient) -> None:
    make_product(gender="Men", base_colour="Blue")
    make_product(gender="Women", base_colour="Blue", category=make_category("Shoes"))
    facets = {f["name"]: f["options"] for f in api.get("/api/v1/facets/?gender=Men").json()}
    assert {o["value"]: o["products"] for o in facets["gender"]} == {"Men": 1, "Women": 1}
    assert [o["selected"] for o in facets["gender"] if o["value"] == "Men"] == [True]
    paths = [row["path"] for row in api.get("/api/v1/categories/").json()]
    assert paths == ["apparel", "apparel/topwear", "apparel/topwear/shirts", "shoes"]


@pytest.mark.parametrize("path", ["products/", "categories/", "facets/", "product"])
def test_an_unchanged_response_is_not_sent_again(api: APIClient, path: str) -> None:
    product = make_product()
    url = f"/api/v1/products/{product.pk}/" if path == "product" else f"/api/v1/{path}"
    etag = api.get(url)["ETag"]
    again = api.get(url, headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    Product.objects.update(name="New", base_colour="Red")
    make_category("New")
    cache.clear()  # clears the cached counts of the facets
    assert api.get(url, headers={"If-None-Match": etag}).status_code == 200


def test_an_unchanged_compressed_response_is_not_sent_again(api: APIClient) -> None:
    for _number in range(5):
        make_product()
    url, gzip = "/api/v1/products/", {"Accept-Encoding": "gzip"}
    plain, compressed = api.get(url)["ETag"], api.get(url, headers=gzip)
    assert (compressed["Content-Encoding"], compressed["ETag"]) == ("gzip", f"W/{plain}")
    again = api.get(url, headers=gzip | {"If-None-Match": compressed["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", plain)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/products/999999/", 404),
        ("/api/v1/products/99999999999999999999999/", 404),
        ("/api/v1/none/", 404),
        ("/api/v1/", 404),
        ("/api/v1/cart/", 401),
        ("/api/v1/staff/products/", 401),
        ("/api/v1/products/?q=%00", 400),
    ],
)
def test_errors_are_problem_details(api: APIClient, path: str, status: int) -> None:
    response = api.get(path)
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert (problem["status"], problem["instance"]) == (status, path.split("?")[0])


def test_a_wrong_method_or_media_type_gets_problem_details(
    api: APIClient, customer: APIClient
) -> None:
    assert api.post("/api/v1/products/").json()["status"] == 405
    answer = customer.post("/api/v1/cart/lines/", "<a/>", content_type="application/xml")
    assert answer.json()["status"] == 415
    broken = customer.post("/api/v1/cart/lines/", "{", content_type="application/json")
    assert broken.json()["status"] == 400
    assert api.get("/api/v1/products/", headers={"Accept": "text/csv"}).json()["status"] == 406


def test_a_throttled_client_is_told_when_to_retry(api: APIClient, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    from shop.api.throttling import AnonThrottle

    monkeypatch.setattr(AnonThrottle, "THROTTLE_RATES", {"anon": "2/hour"})
    answers = [api.get("/api/v1/categories/", REMOTE_ADDR="192.0.2.9") for _n in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2]["Content-Type"] == "application/problem+json"
    assert 0 < int(answers[2]["Retry-After"]) <= 3600


@pytest.mark.parametrize(("path", "most"), [("products/", 2), ("products/{pk}/", 3)])
def test_each_list_takes_a_constant_number_of_queries(api: APIClient, path: str, most: int) -> None:
    for _number in range(24):
        make_stored_image(make_product())
    pk = Product.objects.values_list("pk", flat=True)[0]
    with CaptureQueriesContext(connection) as queries:
        assert api.get(f"/api/v1/{path}".format(pk=pk)).status_code == 200
    assert len(queries) == most, [query["sql"][:120] for query in queries]


@pytest.mark.parametrize("position", ["abc", "1.5", "-1", "²", "9" * 19, "9" * 5000, "A\x00"])
def test_an_invalid_cursor_is_not_found(api: APIClient, position: str) -> None:
    cursor = b64encode(urlencode({"p": position}).encode()).decode()
    answer = api.get("/api/v1/products/", {"cursor": cursor})
    assert (answer.status_code, answer.json()["detail"]) == (404, "Invalid cursor")


@pytest.mark.parametrize("price", ["1e30", "1e20000", "1" * 5000, "NaN", "sNaN", "Infinity", "-1"])
@pytest.mark.parametrize("name", ["price_from", "price_to"])
def test_an_invalid_price_is_ignored(api: APIClient, name: str, price: str) -> None:
    make_product(name="Aster", price=Decimal("10"))
    assert _names(api, f"{name}={price}") == ["Aster"]


@pytest.mark.parametrize("price", ["1e-20000", "0e20000", f"0.{'0' * 5000}1"])
def test_a_tiny_price_counts_as_zero(api: APIClient, price: str) -> None:
    make_product(name="Aster", price=Decimal("10"))
    assert (_names(api, f"price_from={price}"), _names(api, f"price_to={price}")) == (["Aster"], [])
