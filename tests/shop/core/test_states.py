"""Error pages and status codes for visitors."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.db import OperationalError, close_old_connections, connection, transaction
from django.template.loader import render_to_string
from django.test import Client, RequestFactory

from shop.core import rate_limit
from shop.core.views import server_error
from tests.factories import make_product

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("name", "sentences"),
    [
        ("500", ("Something went wrong", "Etwas ist schiefgegangen")),
        ("503", ("We’re busy", "Gerade ist viel los")),
        ("413", ("At most 14 MB can be sent", "Höchstens 14 MB können")),
    ],
)
def test_static_error_pages_are_styled_and_bilingual(
    name: str, sentences: tuple[str, str], django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        page = render_to_string(f"{name}.html", {"megabytes": 14})
    assert all(sentence in page for sentence in sentences)
    assert 'href="/static/css/site.css"' in page
    assert '<div lang="de">' in page


def test_a_server_error_needs_no_database(
    rf: RequestFactory, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        response = server_error(rf.get("/products/"))
    assert response.status_code == 500
    assert "Etwas ist schiefgegangen" in response.content.decode()


def test_an_unknown_page_offers_the_search_and_the_menu(client: Client) -> None:
    make_product(gender="Women")
    response = client.get("/nothing/here/")
    main = response.content.decode().split("<main")[1].split("</main>")[0]
    assert response.status_code == 404
    assert 'action="/search/"' in main
    assert '<a href="/products/?gender=Women">Women</a>' in main


def test_too_many_requests_say_when_to_try_again(rf: RequestFactory) -> None:
    request = rf.get("/", REMOTE_ADDR="192.0.2.78")
    request.user, request.session = AnonymousUser(), SessionStore()
    assert rate_limit.too_many_requests(request, "other", 1)["Retry-After"] == "60"
    assert rate_limit.allows(request, "other", 1)
    response = rate_limit.too_many_requests(request, "other", 1)
    assert 60 <= int(response["Retry-After"]) <= 3600
    assert int(response["Retry-After"]) % 60 == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/products/", "/api/v1/products/"])
def test_a_database_restart_gives_status_503(path: str) -> None:
    client = Client(raise_request_exception=False)
    client.get(path)
    backend = connection.connection.info.backend_pid
    with closing(connection.copy()) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])
    response = client.get(path)
    assert (response.status_code, response["Retry-After"]) == (503, "10")
    # As a server does after each request; the test client leaves it out.
    close_old_connections()
    assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    ("path", "type_"), [("/photo-search/", "text/html"), ("/api/v1/x/", "application/problem+json")]
)
def test_a_full_disk_gives_status_503(path: str, type_: str, rf: RequestFactory) -> None:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; END $$")
    except OperationalError:
        response = server_error(rf.get(path))
    assert (response.status_code, response["Content-Type"].split(";")[0]) == (503, type_)
