"""Generate requests from the OpenAPI document with schemathesis and validate the responses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from config.wsgi import application
from shop.accounts.models import ApiToken
from shop.catalogue.models import Product
from shop.orders.models import ShippingMethod
from tests.factories import embed, make_customer, make_order, make_stored_image, make_variant
from tests.factories import make_product as _make_product

pytestmark = pytest.mark.slow

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
CALLS = 12


def test_the_openapi_document_is_valid_and_complete(tmp_path: Path) -> None:
    from django.core.management import call_command

    file = tmp_path / "schema.yml"
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(file))
    assert file.read_text().startswith("openapi: 3.1.1")


@pytest.mark.django_db
def test_the_documentation_page_shows_the_document(client: Any) -> None:
    assert client.get("/api/v1/schema/").status_code == 200
    page = client.get("/api/v1/docs/")
    assert page.status_code == 200
    assert "swagger-ui" in page.content.decode()


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Keep the connection open, which a WSGI request closes but the test's transaction needs."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def shop(django_user_model: Any) -> dict[str, str]:
    """Create one row of each kind, and return the headers of each kind of caller."""
    ShippingMethod.objects.update_or_create(name="Standard", defaults={"price": 5})
    with connection.cursor() as cursor:  # so that created rows do not collide with the ids below
        for table in ("orders_order", "catalogue_product"):
            sequence = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, 9)"
            cursor.execute(sequence, [table])
    customer = make_customer("alice@example.com")
    admin = django_user_model.objects.create_superuser("admin")
    make_order(user=customer, pk=1)
    Product.objects.all().delete()
    for number in range(3):
        product = _make_product(pk=number + 1, gender="Men", base_colour="Blue")
        make_variant(product, pk=number + 1_000_000, sku=f"V{number}", size="M")
        embed(make_stored_image(product, "red"), 1, number / 10)
    return {
        "anonymous": "",
        "customer": f"Token {ApiToken.issue(customer)[1]}",
        "admin": f"Token {ApiToken.issue(admin)[1]}",
    }


@pytest.mark.parametrize("caller", ["anonymous", "customer", "admin"])
@pytest.mark.django_db
def test_every_response_conforms_to_the_document(
    caller: str, shop: dict[str, str], one_connection: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.photo_search.photos.enqueue", lambda *values: None)
    monkeypatch.setattr("recommender.api.MAX_WAIT_SECONDS", 0.01)
    for name in ("AnonThrottle", "UserThrottle", "ScopedThrottle"):
        monkeypatch.setattr(f"shop.api.throttling.{name}.allow_request", lambda *values: True)
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema/?format=json", application)
    headers = {"Accept-Encoding": "identity"}  # schemathesis does not unpack
    if shop[caller]:
        headers["Authorization"] = shop[caller]
    problems: list[str] = []
    calls = 0
    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(
            max_examples=CALLS,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def call(case: Any) -> None:
            nonlocal calls
            calls += 1
            response = case.call(headers=headers)
            try:
                case.validate_response(response, checks=CHECKS)
            except (Exception, BaseExceptionGroup) as error:
                problems.append(f"{case.operation.label}: {_words(error)}")

        call()
    assert problems == []
    assert calls > 200


def _words(error: BaseException) -> str:
    parts = getattr(error, "exceptions", [error])
    return "; ".join(str(part) for part in parts)
