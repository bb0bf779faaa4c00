from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from recommender import runtime, tasks
from recommender.models import EmbeddingModel


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
