from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from recommender.search import replica
from recommender.search.replica import Positions, State, Watch, read_with_fallback
from recommender.search.similar import similar_to_product
from tests.factories import make_lookalike


def test_a_replica_is_as_far_behind_as_the_last_position_that_it_passed() -> None:
    positions = Positions()
    positions.note(10.0, 500)
    assert positions.lag(10.5, 400) is None  # since when, nobody knows
    positions.note(11.0, 600)
    positions.note(12.0, 700)
    assert positions.lag(12.5, 550) == 2.5
    assert positions.lag(13.0, 550) == 3.0
    assert positions.lag(13.0, 600) == 2.0
    assert positions.lag(13.5, 700) == 0.0
    positions.note(14.0, 700)
    assert positions.lag(14.5, 700) == 0.0


@pytest.fixture
def watch(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """As if there were a replica."""
    monkeypatch.setitem(settings.DATABASES, "replica", settings.DATABASES["default"])
    monkeypatch.setattr(Watch, "_start", lambda watch: None)
    monkeypatch.setattr(replica, "watch", Watch())
    return replica.watch


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("state", "told", "tile"),
    [
        (
            State(True, 0.0421, "", measured=float("inf")),
            {"serving": True, "lag_seconds": 0.042, "problem": ""},
            ("0.0 s behind", "serves the searches"),
        ),
        (
            State(False, 75.26, "too far behind"),
            {"serving": False, "lag_seconds": 75.26, "problem": "too far behind"},
            ("75.3 s behind", "not used: too far behind"),
        ),
        (
            State(True, 0.0, "", measured=0.0),  # long ago: the check hangs
            {"serving": False, "lag_seconds": None, "problem": "does not answer"},
            ("–", "not used: does not answer"),
        ),
    ],
)
def test_machines_and_staff_are_told_how_the_replica_is(
    watch: Watch, admin_client: Client, state: State, told: dict[str, Any], tile: tuple[str, str]
) -> None:
    watch._become(state)
    assert admin_client.get("/health/ready").status_code == 200
    status = admin_client.get("/health/status").json()
    assert status["replica"] == told
    assert ("replica" in status["problems"]) is not told["serving"]
    tiles = {tile["label"]: tile for tile in admin_client.get("/admin/").context["tiles"]}
    assert (tiles["Replica"]["value"], tiles["Replica"]["note"]) == tile


@pytest.mark.django_db
def test_within_a_transaction_a_search_stays_where_its_changes_are(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Watch, "serving", lambda watch: True)
    servers: list[str] = []
    assert read_with_fallback(lambda server: servers.append(server) or [1]) == [1]
    assert servers == ["default"]


@pytest.mark.django_db
def test_without_a_replica_nothing_is_asked_of_one() -> None:
    source, other = make_lookalike(1, 0), make_lookalike(1, 0.5)
    with CaptureQueriesContext(connection) as queries:
        assert similar_to_product(source) == [other]
    assert not any("pg_is_in_recovery" in query["sql"] for query in queries)
    assert not replica.configured()
