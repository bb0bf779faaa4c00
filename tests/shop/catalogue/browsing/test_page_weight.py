"""What a page weighs and how it is sent."""

from __future__ import annotations

import gzip
import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from shop.catalogue.browsing.colours import HEX, TINTS, tint_of
from tests.factories import embed, make_image, make_lookalike, make_product

pytestmark = pytest.mark.django_db
LIMIT = 40 * 1024


def _product_page(client: Client, **headers: str) -> str:
    product = make_product(name="Blue Linen Shirt")
    embed(make_image(product, width=1680, height=2240), 1)
    for step in range(1, 8):
        make_lookalike(1, step / 10)
    return client.get(product.get_absolute_url(), headers=headers).content.decode()


def test_the_styles_and_scripts_of_a_product_page_weigh_at_most_40_kb(client: Client) -> None:
    content = _product_page(client)
    files = re.findall(r'(?:href|src)="/static/([^"?]+\.(?:css|js))"', content)
    assert sorted(files) == [
        "css/site.css",
        "django_htmx/htmx-2.min.js",
        "js/cart.js",
        "js/events.js",
        "js/gallery.js",
        "js/menu.js",
        "js/requests.js",
        "js/suggestions.js",
    ]
    weight = 0
    for file in files:
        with open(finders.find(file), "rb") as opened:
            weight += len(gzip.compress(opened.read()))
    assert weight <= LIMIT


def test_scripts_do_not_block_rendering(client: Client) -> None:
    scripts = re.findall(r"<script[^>]*src=[^>]*>", _product_page(client))
    assert [script for script in scripts if " defer" not in script] == []


def test_the_main_picture_loads_eagerly_and_others_lazily(
    client: Client,
) -> None:
    pictures = re.findall(r"<img\s[^>]*>", _product_page(client))
    assert len(pictures) == 1 + 5
    assert 'fetchpriority="high"' in pictures[0]
    assert "-840.webp 840w" in pictures[0]
    assert 'loading="lazy"' not in pictures[0]
    assert [p for p in pictures[1:] if 'loading="lazy"' not in p or "fetchpriority" in p] == []


def test_the_first_row_of_a_list_loads_eagerly(client: Client) -> None:
    for _number in range(6):
        make_image(make_product())
    pictures = re.findall(r"<img\s[^>]*>", client.get("/products/").content.decode())
    assert ['loading="lazy"' in picture for picture in pictures] == [False] * 4 + [True] * 2


def test_a_picture_that_fills_its_card_is_tinted_while_it_loads(client: Client) -> None:
    for colour, width in (("Navy Blue", 60), ("Red", 40), ("Multi", 60)):
        make_image(make_product(base_colour=colour), width=width, height=80)
    pictures = re.findall(r"<img\s[^>]*>", client.get("/products/").content.decode())
    assert [re.findall(r'data-tint="(\w+)"', picture) for picture in pictures] == [[], [], ["blue"]]


def test_every_colour_of_the_shop_has_a_tint_with_a_style() -> None:
    assert {tint_of(colour) for colour in HEX} == set(TINTS)
    with open(finders.find("css/site.css")) as css:
        assert set(re.findall(r"\[data-tint=(\w+)\]", css.read())) == set(TINTS)


@pytest.mark.parametrize("path", ["/", "/products/", "/search/?q=shirt"])
def test_pages_are_compressed_for_clients_that_accept_it(client: Client, path: str) -> None:
    plain = client.get(path)
    packed = client.get(path, headers={"Accept-Encoding": "gzip, deflate, br"})
    assert "Content-Encoding" not in plain
    assert packed["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed["Vary"]
    assert b"</html>" in gzip.decompress(packed.content)
