"""The shop works without Redis, and with a Redis that accepts calls but does not respond."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.cache import cache
from django.test import Client

from shop.core import cache as ours
from tests.factories import make_customer

PASSWORD = "correct-horse-7"


@pytest.fixture
def mute(settings: Any) -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        location = f"redis://127.0.0.1:{server.getsockname()[1]}?socket_timeout=0.1"
        settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": location}}
        yield server


@pytest.mark.django_db(transaction=True)
def test_without_redis_people_sign_up_and_in_and_reset_their_passwords(
    redis_away: None, client: Client
) -> None:
    make_customer("bob@example.com", PASSWORD)
    new = {"email": "new@example.com", "password1": PASSWORD, "password2": PASSWORD}
    sent = {
        "signup/": new,
        "password/reset/": {"email": "bob@example.com"},
        "login/": {"login": "bob@example.com", "password": PASSWORD},
    }
    reached = [client.post(f"/account/{path}", values)["Location"] for path, values in sent.items()]
    assert reached == ["/account/confirm-email/", "/account/password/reset/done/", "/account/"]
    assert User.objects.filter(email="new@example.com").exists()
    assert {message.to[0] for message in mail.outbox} == {"new@example.com", "bob@example.com"}
    assert client.get("/account/").status_code == 200


@pytest.mark.django_db
def test_without_redis_the_api_answers_and_the_site_is_ready_but_degraded(
    redis_away: None, client: Client, settings: Any
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1"
    assert client.get("/api/v1/products/").status_code == 200
    assert client.get("/health/ready").status_code == 200
    status = client.get("/health/status")
    assert (status.status_code, status.json()["problems"]) == (503, ["redis"])


def test_every_method_works_without_redis(redis_away: None) -> None:
    cache.set("a", 1)
    cache.set_many({"b": 2})
    cache.delete_many(["a", "b"])
    assert cache.add("a", 1) is True
    assert (cache.get("a"), cache.get("a", 3), cache.get_many(["a"])) == (None, 3, {})
    assert (cache.touch("a"), cache.delete("a"), "a" in cache, cache.clear()) == (False,) * 4
    assert cache.get_or_set("a", 4) == 4
    with pytest.raises(ValueError, match="not found"):
        cache.incr("a")


def test_a_redis_that_does_not_respond_is_not_called_for_a_while(
    mute: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(ours.time, "monotonic", lambda: now[0])
    for moment in (100.0, 100.0, 104.9, 105.0, 109.9):
        now[0] = moment
        assert cache.get("a", "miss") == "miss"
    calls = [mute.accept()[0], mute.accept()[0]]
    with pytest.raises(BlockingIOError):
        mute.accept()
    for call in calls:
        call.close()
