from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client

from tests.factories import make_category, make_product, make_stored_image, make_variant
from tests.html import one_line

pytestmark = pytest.mark.django_db
NAMES = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}


def _addresses(client: Client, path: str) -> list[str]:
    response = client.get(path)
    assert response.status_code == 200
    root = ElementTree.fromstring(response.content)  # noqa: S314 - our own answer
    return [node.text or "" for node in root.findall(".//s:loc", NAMES)]


def _data(client: Client, path: str) -> list[dict]:  # type: ignore[type-arg]
    text = client.get(path).content.decode()
    found = re.findall(r'<script type="application/ld\+json">(.*?)</script>', text, re.DOTALL)
    return [json.loads(part) for part in found]


def test_the_sitemap_has_listed_products_only(client: Client) -> None:
    shirt = make_product(name="Shirt")
    hidden = make_product(name="Hidden", listed=False)
    assert _addresses(client, "/sitemap.xml") == [
        f"http://testserver/sitemap-{name}.xml" for name in ("pages", "categories", "products")
    ]
    products = _addresses(client, "/sitemap-products.xml")
    assert products == [f"http://testserver{shirt.get_absolute_url()}"]
    assert hidden.get_absolute_url() not in str(products)
    assert "http://testserver/categories/apparel/topwear/shirts/" in _addresses(
        client, "/sitemap-categories.xml"
    )


def test_robots_txt_names_the_sitemap(client: Client) -> None:
    response = client.get("/robots.txt")
    assert response["Content-Type"] == "text/plain"
    assert "Sitemap: http://testserver/sitemap.xml" in response.content.decode()


def test_the_canonical_address_has_no_filters(client: Client) -> None:
    make_product()
    page = one_line(client.get("/products/?gender=Men&sort=price").content.decode())
    assert '<link rel="canonical" href="http://testserver/products/">' in page


def test_a_second_page_is_its_own_canonical_address(client: Client) -> None:
    for _number in range(25):
        make_product()
    page = one_line(client.get("/products/?page=2&sort=price").content.decode())
    assert '<link rel="canonical" href="http://testserver/products/?page=2">' in page


def test_a_product_page_has_structured_data(client: Client) -> None:
    name = "Shirt </script><script>alert(1)</script> & more"
    product = make_product(name=name, price=Decimal("19.50"), stock=2, brand="Acme")
    make_variant(product, size="XL", price=Decimal("22.00"), stock=0)
    make_stored_image(product)
    make_category("Apparel", "Topwear", "Tshirts")
    make_category("Apparel", "Bottomwear", "Skirts")
    data, crumbs = _data(client, product.get_absolute_url())
    assert (data["@type"], data["name"], data["brand"]["name"]) == ("Product", name, "Acme")
    assert [(o["price"], o["availability"].rsplit("/", 1)[1]) for o in data["offers"]] == [
        ("19.50", "InStock"),
        ("22.00", "OutOfStock"),
    ]
    assert client.get(data["image"][0]).status_code == 200
    assert [item["name"] for item in crumbs["itemListElement"]] == ["Clothing", "Tops", "Shirts"]
    page = client.get(product.get_absolute_url()).content.decode()
    assert '<meta property="product:price:amount" content="19.50">' in page
    assert f'<meta property="og:image" content="{data["image"][0]}">' in page


def test_a_category_has_breadcrumbs(client: Client) -> None:
    category = make_category("Footwear", "Shoes", "Sports Shoes")
    make_category("Footwear", "Shoes", "Heels")
    make_category("Footwear", "Sandal", "Sandals")
    make_category("Footwear", "Sandal", "Sports Sandals")
    (crumbs,) = _data(client, category.get_absolute_url())
    assert [item["name"] for item in crumbs["itemListElement"]] == ["Shoes", "Trainers"]


def test_breadcrumbs_skip_categories_with_one_child(client: Client) -> None:
    make_category("Apparel", "Topwear", "Shirts")
    category = make_category("Apparel", "Saree", "Sarees")
    (crumbs,) = _data(client, category.get_absolute_url())
    assert [item["name"] for item in crumbs["itemListElement"]] == ["Clothing", "Sarees"]


def test_a_category_with_one_child_offers_its_grandchildren() -> None:
    sets = make_category("Apparel", "Apparel Set", "Kurta Sets")
    apparel = make_category("Apparel")
    assert apparel.branches == []
    other = make_category("Apparel", "Apparel Set", "Clothing Set")
    assert make_category("Apparel").branches == [other, sets]


def test_search_results_are_not_indexed(client: Client) -> None:
    assert 'content="noindex, follow"' in client.get("/search/?q=shirt").content.decode()


def test_the_privacy_page_names_every_cookie(client: Client) -> None:
    page = client.get("/privacy/").content.decode()
    for cookie in ("sessionid", "csrftoken", "recent", "django_language", "no_counting"):
        assert f"<code>{cookie}</code>" in page


@pytest.mark.parametrize(
    ("hours", "days", "language", "sentences"),
    [
        (168, 400, "en", ("them after 168 hours.", "after 400 days. B", "after 400 days, and")),
        (1, 1, "en", ("them after 1 hour.", "after 1 day. B", "after 1 day, and")),
        (168, 400, "de", ("nach 168 Stunden", "nach 400 Tagen. B", "nach 400 Tagen und")),
        (1, 1, "de", ("nach 1 Stunde l", "nach 1 Tag. B", "nach 1 Tag und")),
    ],
)
def test_the_privacy_page_states_the_configured_lifetimes(
    client: Client, settings: Any, hours: int, days: int, language: str, sentences: tuple[str, ...]
) -> None:
    settings.PHOTO_LIFETIME_HOURS, settings.EVENT_LIFETIME_DAYS = hours, days
    page = client.get("/privacy/", headers={"Accept-Language": language}).content.decode()
    assert [sentence for sentence in sentences if sentence not in page] == []
