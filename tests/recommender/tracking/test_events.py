from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from recommender.models import Event
from recommender.tracking.events import BlockPerformance, delete_old_events, performance
from tests.factories import make_product

pytestmark = pytest.mark.django_db


def _send(client: Client, *events: str, **headers: str) -> int:
    return client.post("/events/", {"event": events}, headers=headers).status_code


def test_impressions_and_clicks_are_counted_by_row(client: Client) -> None:
    product = make_product()
    _send(client, "similar,seen,", "similar,seen,", f"similar,followed,{product.pk}")
    _send(client, "photo,seen,", f"similar,added,{product.pk}")
    photo, similar = BlockPerformance("photo", 1, 0, 0), BlockPerformance("similar", 2, 1, 1)
    assert performance(7) == [photo, similar]
    assert [(row.click_rate, row.cart_rate) for row in (photo, similar)] == [
        (0.0, None),
        (0.5, 1.0),
    ]
    assert performance(7, ago=7) == []
    Event.objects.update(at=timezone.now() - timedelta(days=8))
    assert (performance(7), performance(7, ago=7)) == ([], [photo, similar])


@pytest.mark.parametrize(
    "event",
    [
        *("", ",", "none,seen,", "similar,none,", "similar,followed,x", "similar,followed,999999"),
        *("similar,followed," + "9" * 30, "similar,followed,²", "a,b,c,d,e", "\x00,seen,"),
    ],
)
def test_an_invalid_event_is_ignored(client: Client, event: str) -> None:
    assert _send(client, event) == 204
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    "headers", [{"DNT": "1"}, {"Sec-GPC": "1"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_a_visitor_who_opted_out_is_not_counted(client: Client, headers: dict[str, str]) -> None:
    assert _send(client, "similar,seen,", **headers) == 204
    assert not Event.objects.exists()


def test_the_button_opts_out_and_in_again(client: Client) -> None:
    client.post("/privacy/counting/")
    assert "Opt in to analytics" in client.get("/privacy/").content.decode()
    _send(client, "similar,seen,")
    assert not Event.objects.exists()
    client.post("/privacy/counting/")
    _send(client, "similar,seen,")
    assert Event.objects.count() == 1


def test_one_request_counts_at_most_twenty_events(client: Client) -> None:
    _send(client, *["similar,seen,"] * 50)
    assert Event.objects.count() == 20


def test_old_events_are_deleted(client: Client) -> None:
    _send(client, "similar,seen,", "photo,seen,")
    old = Event.objects.filter(block="photo")
    old.update(at=timezone.now() - timedelta(days=91))
    assert delete_old_events() == 1
    assert Event.objects.get().block == "similar"
