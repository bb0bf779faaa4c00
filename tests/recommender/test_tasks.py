from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.core.cache import cache
from django.db import connection

from config.beat_schedule import CELERY_BEAT_SCHEDULE, ROUTES
from config.celery import app
from recommender import tasks
from recommender.embedding import inference as runtime
from recommender.embedding import worker as pending
from recommender.models import EmbeddingModel
from shop.catalogue.models import ProductImage
from tests.factories import make_product, make_stored_image, point


@pytest.mark.parametrize(
    ("queues", "rung"),
    [(["search"], ["recommender.tasks.warm_up"]), (["catalogue"], []), (["uploads"], [])],
)
def test_only_the_worker_for_photos_is_told_to_load_its_network(
    queues: list[str], rung: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(tasks, "send", told.append)
    consumed = dict.fromkeys(queues)
    app = SimpleNamespace(amqp=SimpleNamespace(queues=SimpleNamespace(consume_from=consumed)))
    tasks.spare_the_first_photo_the_wait(SimpleNamespace(app=app))  # type: ignore[arg-type]
    assert told == rung


@pytest.mark.django_db
def test_a_warm_worker_has_the_active_models_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_loaded", {})
    tasks.warm_up()
    assert list(runtime._loaded) == [(EmbeddingModel.objects.active().name, 1)]


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What the dividing does: two turns are needed."""
    done: list[str] = []
    left = iter([True, False, False])

    def divide(model: EmbeddingModel, seconds: float) -> bool:
        done.append(f"{model.name} for {seconds} s")
        return next(left)

    monkeypatch.setattr(tasks.cells, "divide", divide)
    monkeypatch.setattr(tasks.cells, "mend", lambda: done.append("mend"))
    monkeypatch.setattr(tasks, "send", lambda name, begun: done.append(begun))
    yield done
    cache.delete(f"turns:{tasks.divide_into_cells.name}")


@pytest.mark.django_db
def test_cells_are_divided_turn_by_turn_and_then_mended(turns: list[str]) -> None:
    tasks.divide_into_cells()
    slice_, begun = turns
    assert slice_ == "fashion for 10 s"
    tasks.divide_into_cells(begun)
    assert turns[2:] == ["fashion for 10 s", "mend"]
    tasks.divide_into_cells()  # another time
    assert turns[4:] == ["fashion for 10 s", "mend"]


@pytest.mark.django_db
def test_who_begins_beside_another_leaves_it_to_that(turns: list[str]) -> None:
    tasks.divide_into_cells()
    tasks.divide_into_cells()
    tasks.divide_into_cells("a message of a run that was given up")
    assert len(turns) == 2
    tasks.divide_into_cells(turns[1])
    assert turns[2:] == ["fashion for 10 s", "mend"]


def test_bulk_work_ends_in_time_for_what_beat_rings_for() -> None:
    """At most one turn of each comes between, or the bell has expired when it is heard."""
    expires = CELERY_BEAT_SCHEDULE["embed-pending-images"]["options"]["expires"]
    put_off = [tasks.find_copies, tasks.divide_into_cells]
    assert len(put_off) * tasks.TURN_SECONDS < expires


def test_what_may_hang_is_ended() -> None:
    app.loader.import_default_modules()
    bulk = {name for name, route in ROUTES.items() if route["queue"] in ("search", "catalogue")}
    unlimited = {name for name in bulk if app.tasks[name].time_limit is None}
    assert unlimited == {"recommender.tasks.warm_up", "recommender.tasks.compute_affinities"}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What ``embed_pending_images`` asks for."""
    asked: list[str] = []
    monkeypatch.setattr(tasks, "send", lambda name: asked.append(name.rpartition(".")[2]))
    monkeypatch.setattr(tasks.related_cache, "invalidate", lambda: asked.append("invalidate"))
    return asked


@pytest.mark.django_db(transaction=True)
def test_a_picture_that_somebody_locks_is_left_to_beat_and_the_next_model_has_its_turn(
    told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    EmbeddingModel.objects.get_or_create(
        state="active", defaults={"name": "fashion", "slot": "blue"}
    )
    EmbeddingModel.objects.create(name="other", slot="green", state="filling")
    image = make_stored_image(make_product())
    turns: list[str] = []
    told.clear()

    def embed(model: EmbeddingModel, **_options: object) -> pending.Outcome:
        turns.append(model.name)
        return pending.Outcome(embedded=len(pending.Queue(model).claim()))

    monkeypatch.setattr(pending, "embed_pending", embed)
    with psycopg.connect(connection.connection.info.dsn) as other:
        other.execute("SELECT FROM catalogue_productimage WHERE id = %s FOR UPDATE", [image.pk])
        tasks.embed_pending_images()
        assert (turns, told) == (["fashion"], [])
        seen = make_stored_image(make_product(), embedding_blue=point(1))
        ProductImage.objects.filter(pk=seen.pk).update(claimed_until=None)
        told.clear()
        tasks.embed_pending_images()
    assert turns == ["fashion", "fashion", "other"]
    assert told == ["invalidate", "divide_into_cells", "find_copies"]
    told.clear()
    tasks.embed_pending_images()
    assert turns[3:] == ["fashion"]
    assert told == ["invalidate", "divide_into_cells", "find_copies"]
