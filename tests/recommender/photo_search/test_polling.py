from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from config import gunicorn
from recommender import tasks
from recommender.models import EmbeddingModel, QueryPhoto
from recommender.photo_search import photos, polling
from shop.core import waiting
from tests.factories import picture_bytes, point

pytestmark = pytest.mark.django_db
HOURS = 10_000.0


def make_photo(seconds: float = 0, **values: object) -> QueryPhoto:
    """Make a photo that was sent ``seconds`` ago."""
    photo = QueryPhoto.objects.create(
        id=f"p{seconds}", content=picture_bytes(), width=60, height=80, **values
    )
    QueryPhoto.objects.update(created=timezone.now() - timedelta(seconds=seconds))
    photo.refresh_from_db()
    return photo


def test_a_stale_photo_is_not_waited_for() -> None:
    photo = make_photo(seconds=7)
    polling.wait_for_vector(photo, HOURS)
    assert photo.embedding is None


@pytest.mark.parametrize(
    ("seconds", "values", "missed"),
    [
        (3, {}, True),
        (0, {}, False),
        (3, {"failure": "Cannot be decoded"}, False),
        (3, {"embedding": point(1)}, False),
        (86_400, {"expires": timezone.now()}, False),
    ],
    ids=["lost", "just sent", "failed", "embedded", "expired"],
)
def test_beat_embeds_photos_whose_task_was_lost(
    monkeypatch: pytest.MonkeyPatch, seconds: float, values: dict[str, object], missed: bool
) -> None:
    photo = make_photo(seconds, **values)
    found: list[str] = []
    monkeypatch.setattr(photos, "embed_photo", found.append)
    tasks.embed_missed_query_photos()
    assert found == ([photo.pk] if missed else [])


def test_a_photo_embedded_by_an_earlier_model_is_analysed_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = EmbeddingModel.objects.create(name="other", slot="green", state="previous")
    photo = make_photo(seconds=3600, embedding=point(1), embedding_model=other)
    active = EmbeddingModel.objects.active()
    analysis = {"garments": [["Shirts", 0.9]], "colour": [50.0, 1.0, 2.0]}

    def embed(*_task_and_pk: object) -> bool:
        QueryPhoto.objects.update(embedding_model=active, whole_embedding=point(2), **analysis)
        return True

    monkeypatch.setattr(polling, "send", embed)
    assert polling.wait_for_vector(photo, HOURS) == active
    assert photo.embedding_model_id == active.pk
    assert photo.garments == analysis["garments"]
    assert list(photo.colour) == analysis["colour"]
    assert photo.whole_embedding is not None


def test_no_request_waits_if_too_many_do_already(busy: None) -> None:
    photo = make_photo()
    polling.wait_for_vector(photo, HOURS)
    polling.wait_for_vector(photo, HOURS, even_if_stale=True)
    assert photo.embedding is None


def test_the_server_has_twice_as_many_threads_as_requests_may_wait() -> None:
    assert gunicorn.threads == 2 * waiting.MAX_WAITERS


def test_a_failed_wait_frees_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**options: object) -> None:
        raise ZeroDivisionError

    photo = make_photo()
    monkeypatch.setattr(photo, "refresh_from_db", fail)
    for _attempt in range(waiting.MAX_WAITERS + 1):
        with pytest.raises(ZeroDivisionError):
            polling.wait_for_vector(photo, HOURS)


def test_a_page_polls_less_often_for_a_stale_photo(client: Client, busy: None) -> None:
    photo = make_photo()
    for seconds, trigger, refresh in ((0, "300ms", "2"), (7, "4s", "6")):
        QueryPhoto.objects.update(created=timezone.now() - timedelta(seconds=seconds))
        page = client.get(photo.get_absolute_url()).content.decode()
        assert f'hx-trigger="load delay:{trigger}"' in page
        assert f'http-equiv="refresh" content="{refresh}"' in page
