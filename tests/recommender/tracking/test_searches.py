from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from recommender.models import EmptySearch
from recommender.tracking.events import delete_old_events
from recommender.tracking.searches import empty_searches
from tests.factories import make_product

pytestmark = pytest.mark.django_db


def _search(client: Client, text: str, **headers: str) -> None:
    assert client.get("/search/", {"q": text}, headers=headers).status_code == 200


def _counted() -> dict[str, int]:
    return dict(EmptySearch.objects.values_list("text", "searches"))


def test_searches_without_result_are_counted_by_text_and_day(client: Client) -> None:
    make_product(name="Blue Shirt")
    for text in ("Qwxz  Zzyx", "qwxz zzyx", "shirt", "", "!"):
        _search(client, text)
    assert _counted() == {"qwxz zzyx": 2, "!": 1}
    assert EmptySearch.objects.get(searches=2).day == timezone.localdate()


@pytest.mark.parametrize(
    "text", ["qwxz@example.com", "qwxz 0170 12345", "+49 (30) 1-23-45", "q" * 61]
)
def test_a_text_that_may_be_personal_is_not_counted(client: Client, text: str) -> None:
    _search(client, text)
    assert _counted() == {}


@pytest.mark.parametrize("headers", [{"DNT": "1"}, {"Sec-GPC": "1"}])
def test_a_visitor_who_opted_out_is_not_counted(client: Client, headers: dict[str, str]) -> None:
    _search(client, "qwxz", **headers)
    assert _counted() == {}


def test_searches_above_the_hourly_limit_are_not_counted(client: Client, settings: Any) -> None:
    settings.EVENTS_PER_HOUR = 1
    for text in ("qwxz", "zzyx"):
        client.get("/search/", {"q": text}, REMOTE_ADDR="192.0.2.81")
    assert _counted() == {"qwxz": 1}


def _row(text: str, searches: int, days_ago: int) -> None:
    day = timezone.localdate() - timedelta(days=days_ago)
    EmptySearch.objects.create(text=text, searches=searches, day=day)


def test_the_report_compares_with_the_days_before_and_omits_rare_texts() -> None:
    for text, searches, days_ago in (
        *(("hat", 2, 0), ("hat", 3, 29), ("hat", 7, 30), ("hat", 9, 60)),
        *(("veil", 2, 5), ("a name", 1, 5), ("old", 5, 40)),
    ):
        _row(text, searches, days_ago)
    assert empty_searches(30, 10) == [
        {"text": "hat", "now": 5, "before": 7},
        {"text": "veil", "now": 2, "before": 0},
    ]
    assert [row["text"] for row in empty_searches(30, 1)] == ["hat"]


def test_old_searches_are_deleted(settings: Any) -> None:
    settings.EVENT_LIFETIME_DAYS = 90
    _row("old", 1, 91)
    _row("kept", 1, 90)
    delete_old_events()
    assert _counted() == {"kept": 1}
