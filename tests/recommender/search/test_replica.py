from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from recommender.search import replica
from recommender.search.replica import PositionHistory, ReplicaMonitor, State, read_with_fallback
from recommender.search.similar import similar_to_product
from tests.factories import make_lookalike


def test_the_lag_is_counted_from_the_last_position_that_was_replayed() -> None:
    positions = PositionHistory()
    positions.add(10.0, 500)
    assert positions.lag(10.5, 400) is None  # no position was replayed yet
    positions.add(11.0, 600)
    positions.add(12.0, 700)
    assert positions.lag(12.5, 550) == 2.5
    assert positions.lag(13.0, 550) == 3.0
    assert positions.lag(13.0, 600) == 2.0
    assert positions.lag(13.5, 700) == 0.0
    positions.add(14.0, 700)
    assert positions.lag(14.5, 700) == 0.0


@pytest.fixture
def monitor(settings: Any, monkeypatch: pytest.MonkeyPatch) -> ReplicaMonitor:
    """Configure a replica and return the monitor of its state, which checks nothing itself."""
    monkeypatch.setitem(settings.DATABASES, "replica", settings.DATABASES["default"])
    monkeypatch.setattr(ReplicaMonitor, "_start", lambda self: None)
    monkeypatch.setattr(replica, "monitor", ReplicaMonitor())
    return replica.monitor


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("state", "status", "tile"),
    [
        (
            State(True, 0.0421, "", checked_at=float("inf")),
            {"serving": True, "lag_seconds": 0.042, "problem": ""},
            ("0.0 s behind", "serving searches"),
        ),
        (
            State(False, 75.26, "too far behind"),
            {"serving": False, "lag_seconds": 75.26, "problem": "too far behind"},
            ("75.3 s behind", "not in use: too far behind"),
        ),
        (
            State(True, 0.0, "", checked_at=0.0),  # long ago: the check hangs
            {"serving": False, "lag_seconds": None, "problem": "does not answer"},
            ("–", "not in use: does not answer"),
        ),
    ],
)
def test_the_status_document_and_the_dashboard_show_the_state_of_the_replica(
    monitor: ReplicaMonitor,
    admin_client: Client,
    state: State,
    status: dict[str, Any],
    tile: tuple[str, str],
) -> None:
    monitor._set_state(state)
    assert admin_client.get("/health/ready").status_code == 200
    document = admin_client.get("/health/status").json()
    assert document["replica"] == status
    assert ("replica" in document["problems"]) is not status["serving"]
    tiles = {tile["label"]: tile for tile in admin_client.get("/admin/").context["tiles"]}
    assert (tiles["Replica"]["value"], tiles["Replica"]["note"]) == tile


@pytest.mark.django_db
def test_a_search_within_a_transaction_reads_the_primary(
    monitor: ReplicaMonitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ReplicaMonitor, "serving", lambda self: True)
    servers: list[str] = []
    assert read_with_fallback(lambda server: servers.append(server) or [1]) == [1]
    assert servers == ["default"]


@pytest.mark.django_db
def test_a_search_without_a_configured_replica_does_not_check_one() -> None:
    source, other = make_lookalike(1, 0), make_lookalike(1, 0.5)
    with CaptureQueriesContext(connection) as queries:
        assert similar_to_product(source) == [other]
    assert not any("pg_is_in_recovery" in query["sql"] for query in queries)
    assert not replica.configured()
