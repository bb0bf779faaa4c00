"""Health checks with real heartbeats, and without the servers they need."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from backoffice.tasks import heartbeat, heartbeat_key
from config import health
from config.beat_schedule import CELERY_BEAT_SCHEDULE, QUEUES
from recommender.models import EmbeddingModel
from tests.factories import make_image, make_lookalike, make_product

pytestmark = pytest.mark.django_db


def _status(client: Client) -> tuple[int, dict[str, Any]]:
    response = client.get("/health/status")
    return response.status_code, response.json()


@pytest.fixture
def all_workers() -> None:
    for queue in QUEUES:
        heartbeat(queue)


def test_a_process_is_alive_and_ready(client: Client) -> None:
    assert client.get("/health/live").json() == {"live": True}
    assert client.get("/health/ready").json() == {"database": True}


def test_without_the_database_the_site_is_alive_but_not_ready(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_database_answers", lambda: False)
    assert client.get("/health/live").status_code == 200
    assert client.get("/health/ready").status_code == 503
    code, told = _status(client)
    assert (code, told["problems"]) == (503, ["database", *(f"queue {name}" for name in QUEUES)])


@pytest.mark.usefixtures("all_workers")
def test_the_status_is_ok_when_every_queue_has_a_worker(client: Client) -> None:
    make_lookalike(1)
    make_image(make_product())
    code, told = _status(client)
    assert (code, told["status"], told["problems"]) == (200, "ok", [])
    assert set(told["queues"]) == set(QUEUES)
    active = EmbeddingModel.objects.active().name
    embeddings = {"model": active, "images": 2, "embedded": 1, "coverage": 0.5}
    assert told["embeddings"] == embeddings


@pytest.mark.usefixtures("all_workers")
def test_the_status_names_a_queue_without_a_worker(client: Client) -> None:
    cache.set(heartbeat_key("search"), 0, timeout=None)
    code, told = _status(client)
    assert (code, told["status"], told["problems"]) == (503, "degraded", ["queue search"])
    cache.delete(heartbeat_key("search"))
    assert _status(client)[1]["queues"]["search"]["heartbeat_age_seconds"] is None


@pytest.mark.usefixtures("all_workers")
def test_the_status_names_a_disk_that_is_nearly_full(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health.shutil, "disk_usage", lambda _path: SimpleNamespace(free=1000))
    code, told = _status(client)
    assert (code, told["problems"], told["disk_free_bytes"]) == (503, ["disk"], 1000)


def test_every_queue_gets_a_heartbeat_a_minute() -> None:
    scheduled = CELERY_BEAT_SCHEDULE.values()
    beats = [each for each in scheduled if each["task"] == heartbeat.name]
    assert {each["options"]["queue"] for each in beats} == set(QUEUES)
    assert {each["schedule"] for each in beats} == {60}
