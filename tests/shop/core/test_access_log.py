from __future__ import annotations

import logging
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(settings: Any) -> Client:
    settings.ACCESS_LOG = True
    return Client()


def _lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name == "access"]


@pytest.mark.parametrize(
    "address",
    [
        "/photo-search/3f1d2c9a-secret/",
        "/account/password/reset/key/1-secret/",
        "/search/?q=secret",
        "/secret/",
    ],
)
def test_private_links_and_searches_are_not_logged(
    client: Client, caplog: pytest.LogCaptureFixture, address: str
) -> None:
    caplog.set_level(logging.INFO, "access")
    client.get(address)
    (line,) = _lines(caplog)
    assert line.startswith("GET ")
    assert "secret" not in line


def test_a_line_has_route_status_and_the_client_behind_our_proxies(
    client: Client, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.PROXIES = 1
    caplog.set_level(logging.INFO, "access")
    url = reverse("catalogue:product", args=[make_product().slug])
    client.get(url, headers={"x-forwarded-for": "198.51.100.1, 203.0.113.5"})
    (line,) = _lines(caplog)
    assert line.startswith("GET /products/<slug:slug>/ 200 ")
    assert line.endswith(" ms 203.0.113.5")


def test_nothing_is_logged_by_default(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "access")
    Client().get("/")
    assert _lines(caplog) == []
