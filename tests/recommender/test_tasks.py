from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.db import connection

from recommender import pending, runtime, tasks
from recommender.models import EmbeddingModel
from shop.catalogue.models import ProductImage
from tests.factories import make_product, make_stored_image, point


@pytest.mark.parametrize(
    ("queues", "rung"), [(["search"], [tasks.warm_up]), (["catalogue"], []), (["uploads"], [])]
)
def test_only_the_worker_for_photos_is_told_to_load_its_network(
    queues: list[str], rung: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(tasks, "ring", told.append)
    consumed = dict.fromkeys(queues)
    app = SimpleNamespace(amqp=SimpleNamespace(queues=SimpleNamespace(consume_from=consumed)))
    tasks.spare_the_first_photo_the_wait(SimpleNamespace(app=app))  # type: ignore[arg-type]
    assert told == rung


@pytest.mark.django_db
def test_a_warm_worker_has_the_active_models_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_loaded", {})
    tasks.warm_up()
    assert list(runtime._loaded) == [(EmbeddingModel.objects.active().name, 1)]


@pytest.mark.django_db
def test_cells_are_divided_slice_by_slice_and_then_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    left = iter([True, False])

    def divide(model: EmbeddingModel, seconds: float) -> bool:
        done.append(f"{model.name} for {seconds} s")
        return next(left)

    monkeypatch.setattr(tasks.cells, "divide", divide)
    monkeypatch.setattr(tasks.cells, "mend", lambda: done.append("mend"))
    monkeypatch.setattr(tasks.divide_into_cells, "delay", lambda: done.append("again"))
    tasks.divide_into_cells()
    assert done == ["fashion for 60 s", "again"]
    tasks.divide_into_cells()
    assert done[2:] == ["fashion for 60 s", "mend"]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What ``embed_pending_images`` asks for."""
    asked: list[str] = []
    for name in ("embed_pending_images", "divide_into_cells", "find_copies"):
        task = getattr(tasks, name)
        monkeypatch.setattr(task, "delay", lambda name=name: asked.append(name))
    monkeypatch.setattr(tasks.remembered, "forget", lambda: asked.append("forget"))
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
    assert told == ["forget", "divide_into_cells", "find_copies"]
    told.clear()
    tasks.embed_pending_images()
    assert turns[3:] == ["fashion"]
    assert told == ["forget", "divide_into_cells", "find_copies"]
