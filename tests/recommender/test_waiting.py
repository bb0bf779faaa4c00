from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from config import gunicorn
from recommender import waiting
from recommender.models import EmbeddingModel, QueryPhoto
from tests.factories import picture_bytes, point

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(60)]
HOURS = 10_000.0


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """For which photos; and one that hears of it gives the photo its vector."""
    heard: list[str] = []
    monkeypatch.setattr(waiting, "send", lambda task, pk: heard.append(pk) or True)
    return heard


@pytest.fixture
def full() -> Iterator[None]:
    """As many wait as may."""
    for _place in range(waiting.PLACES):
        assert waiting._places.acquire(blocking=False)
    yield
    for _place in range(waiting.PLACES):
        waiting._places.release()


def make_photo(seconds: float = 0, **values: object) -> QueryPhoto:
    """Sent so many seconds ago."""
    photo = QueryPhoto.objects.create(
        id=f"p{seconds}", content=picture_bytes(), width=60, height=80, **values
    )
    QueryPhoto.objects.update(created=timezone.now() - timedelta(seconds=seconds))
    photo.refresh_from_db()
    return photo


def test_a_slow_photo_holds_no_thread_and_is_rung_for_now_and_then(rung: list[str]) -> None:
    photo = make_photo(seconds=7)
    waiting.wait_for_vector(photo, 0)
    assert rung == [photo.pk]
    for _request in range(3):
        waiting.wait_for_vector(photo, HOURS)
    assert rung == [photo.pk]
    cache.delete(f"rung:{photo.pk}")  # some seconds later
    waiting.wait_for_vector(photo, 0)
    assert rung == [photo.pk] * 2


def test_one_that_was_just_sent_is_not_rung_for_again(rung: list[str]) -> None:
    waiting.wait_for_vector(make_photo(), 0)
    assert rung == []


def test_one_from_before_a_switch_of_models_is_waited_for(
    rung: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = EmbeddingModel.objects.create(name="other", slot="green", state="previous")
    photo = make_photo(seconds=3600, embedding=point(1), embedding_model=other)
    active = EmbeddingModel.objects.active()

    def look(*_task_and_pk: object) -> bool:
        QueryPhoto.objects.update(embedding_model=active)
        return True

    monkeypatch.setattr(waiting, "send", look)
    assert waiting.wait_for_vector(photo, HOURS) == active
    assert photo.embedding_model_id == active.pk


def test_no_more_wait_than_leave_threads_for_the_others(rung: list[str], full: None) -> None:
    photo = make_photo()
    waiting.wait_for_vector(photo, HOURS)
    waiting.wait_for_vector(photo, HOURS, in_vain=True)
    assert photo.embedding is None


def test_the_server_has_twice_as_many_threads_as_photos_may_wait() -> None:
    assert gunicorn.threads == 2 * waiting.PLACES


def test_a_place_is_given_back_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*values: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(waiting, "_look_again", fail)
    photo = make_photo()
    for _attempt in range(waiting.PLACES + 1):
        with pytest.raises(ZeroDivisionError):
            waiting.wait_for_vector(photo, HOURS)


def test_a_page_for_which_nobody_is_there_asks_more_seldom(
    client: Client, rung: list[str], full: None
) -> None:
    photo = make_photo()
    for seconds, trigger, refresh in ((0, "300ms", "2"), (7, "4s", "6")):
        QueryPhoto.objects.update(created=timezone.now() - timedelta(seconds=seconds))
        page = client.get(photo.get_absolute_url()).content.decode()
        assert f'hx-trigger="load delay:{trigger}"' in page
        assert f'http-equiv="refresh" content="{refresh}"' in page
