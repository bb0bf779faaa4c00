from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from config.warming import warm_up
from config.wsgi import application
from shop.catalogue.models import Product
from tests.factories import make_lookalike

pytestmark = pytest.mark.django_db(transaction=True)


def test_five_kinds_of_pages_are_drawn_in_both_languages_and_nothing_is_written() -> None:
    make_lookalike(1)
    with CaptureQueriesContext(connection) as queries:
        assert warm_up(application) == ["200 OK"] * 10
    assert {query["sql"].split()[0] for query in queries} <= {"SELECT", "WITH"}


@pytest.mark.parametrize("hosts", [["*"], [".shop.example"], ["shop.example", "*"]])
def test_it_is_let_in_under_whatever_name_the_shop_has(settings: Any, hosts: list[str]) -> None:
    settings.ALLOWED_HOSTS = hosts
    assert warm_up(application) == ["200 OK"] * 8


def test_an_https_shop_draws_its_pages_too(settings: Any) -> None:
    settings.HTTPS = settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert warm_up(application) == ["200 OK"] * 8


def test_the_process_starts_without_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError

    monkeypatch.setattr(Product.objects, "listed", away)
    assert warm_up(application) == []
