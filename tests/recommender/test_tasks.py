from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.db import connection

from config.beat_schedule import CELERY_BEAT_SCHEDULE, ROUTES
from config.celery import app
from recommender import tasks
from recommender.embedding import inference, worker
from recommender.embedding.queue import ClaimCursor
from recommender.models import BlueEmbedding, EmbeddingModel, GreenEmbedding
from tests.factories import embedding_of, make_image, make_product


@pytest.mark.parametrize(
    ("queues", "sent"),
    [(["search"], ["recommender.tasks.warm_up"]), (["catalogue"], []), (["uploads"], [])],
)
def test_only_a_worker_of_the_photo_queue_loads_its_networks_at_start(
    queues: list[str], sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    enqueued: list[Any] = []
    monkeypatch.setattr(tasks, "send", enqueued.append)
    consumed = dict.fromkeys(queues)
    app = SimpleNamespace(amqp=SimpleNamespace(queues=SimpleNamespace(consume_from=consumed)))
    tasks.load_networks_at_start(SimpleNamespace(app=app))  # type: ignore[arg-type]
    assert enqueued == sent


@pytest.mark.django_db
def test_warming_up_loads_the_network_of_the_active_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "_loaded", {})
    tasks.warm_up()
    assert list(inference._loaded) == [(EmbeddingModel.objects.active().name, 1)]


def test_embeddings_are_repaired_every_hour() -> None:
    entry = CELERY_BEAT_SCHEDULE["repair-embeddings"]
    assert entry["task"] == tasks.repair_embeddings.name
    assert 0 < entry["schedule"] <= 3600


@pytest.mark.django_db
def test_the_repair_adds_missing_rows() -> None:
    image = make_image(make_product())
    BlueEmbedding.objects.all().delete()
    tasks.repair_embeddings()
    assert embedding_of(image).status == "pending"


def test_tasks_that_may_hang_have_a_time_limit() -> None:
    app.loader.import_default_modules()
    bulk = {name for name, route in ROUTES.items() if route["queue"] in ("search", "catalogue")}
    unlimited = {name for name in bulk if app.tasks[name].time_limit is None}
    assert unlimited == {"recommender.tasks.warm_up", "recommender.tasks.compute_affinities"}


@pytest.fixture
def effects(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the tasks that ``embed_pending_images`` enqueues, and invalidations of the cache."""
    recorded: list[str] = []
    monkeypatch.setattr(tasks, "send", lambda name: recorded.append(name.rpartition(".")[2]))
    monkeypatch.setattr(tasks.cache, "invalidate", lambda: recorded.append("invalidate"))
    return recorded


@pytest.fixture
def slices(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the models that the task runs, each of which embeds one batch."""
    models: list[str] = []

    def embed(model: EmbeddingModel, **_options: object) -> worker.Outcome:
        claimed = [pk for pk, _file in ClaimCursor(model).claim()]
        models.append(model.name)
        return worker.Outcome(model.embeddings.filter(pk__in=claimed).update(status="embedded"))

    monkeypatch.setattr(worker, "embed_pending", embed)
    return models


@pytest.mark.django_db
def test_the_task_enqueues_itself_while_images_are_pending(
    effects: list[str], slices: list[str], settings: Any
) -> None:
    settings.EMBED_BATCH = 2
    EmbeddingModel.objects.create(name="other", slot="green", state="filling")
    for _number in range(3):
        make_image(make_product())
    tasks.embed_pending_images()
    assert (slices, effects) == (["fashion-3"], ["invalidate", "embed_pending_images"])
    tasks.embed_pending_images()
    assert slices == ["fashion-3", "fashion-3", "other"]
    assert effects[2:] == ["invalidate", "invalidate", "embed_pending_images"]
    tasks.embed_pending_images()
    assert (slices[3:], effects[5:]) == (["other"], ["invalidate"])
    tasks.embed_pending_images()
    assert (slices[4:], effects[6:]) == ([], [])


@pytest.mark.django_db(transaction=True)
def test_a_locked_image_is_left_to_beat_and_the_next_model_is_run(
    effects: list[str], slices: list[str]
) -> None:
    other = EmbeddingModel.objects.create(name="other", slot="green", state="filling")
    image = make_image(make_product())
    with psycopg.connect(connection.connection.info.dsn) as held:
        for table in (BlueEmbedding, GreenEmbedding):
            name = table._meta.db_table
            held.execute(f"SELECT FROM {name} WHERE image_id = %s FOR UPDATE", [image.pk])
        effects.clear()
        tasks.embed_pending_images()
        assert (slices, effects) == (["fashion-3", "other"], [])
    tasks.embed_pending_images()
    assert slices[2:] == ["fashion-3", "other"]
    assert effects == ["invalidate", "invalidate"]
    assert [embedding_of(image).status, embedding_of(image, other).status] == ["embedded"] * 2
