from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.utils import translation

from shop.core.waiting import MAX_WAITERS, waiting_slot
from shop.orders.models import ShippingMethod


def pytest_configure() -> None:
    # So that pages under test need no collected files.
    static = "django.contrib.staticfiles.storage.StaticFilesStorage"
    django_settings.STORAGES["staticfiles"]["BACKEND"] = static
    django_settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # WhiteNoise looks for it
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Real browsers and servers meet a slow machine now and then; the summary lists what ran again.
    for item in items:
        if item.get_closest_marker("browser") or item.get_closest_marker("faults"):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(autouse=True)
def _fresh() -> None:
    """Clear the cache, and reset the language that an earlier test activated in the thread."""
    cache.clear()
    translation.activate("en")


@pytest.fixture(autouse=True)
def _requests_answered(request: pytest.FixtureRequest) -> Iterator[None]:
    """Wait for the requests that the live server still handles when a test ends.

    The database is emptied next: a request that still reads it would deadlock with that, and one
    that still writes would leave rows to the next test.
    """
    if "live_server" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("transactional_db")
    yield
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:
            thread.join(timeout=30)


@pytest.fixture
def redis_away(settings: Any) -> None:
    """Take Redis away from the cache; tasks are sent by a connection of their own."""
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1"}}


@pytest.fixture
def busy() -> Iterator[None]:
    """Occupy all waiting slots for request threads."""
    with ExitStack() as held:
        for _slot in range(MAX_WAITERS):
            held.enter_context(waiting_slot())
        yield


@pytest.fixture
def method(db: None) -> ShippingMethod:
    """The standard shipping method, which costs 4.95 and is free from 60."""
    values = {"price": Decimal("4.95"), "free_from": Decimal(60)}
    return ShippingMethod.objects.update_or_create(name="Standard", defaults=values)[0]
