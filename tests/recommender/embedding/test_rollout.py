from __future__ import annotations

import json
import threading
from io import BytesIO, StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from PIL import Image, ImageDraw

from recommender import tasks
from recommender.embedding import inference, rollout, worker
from recommender.embedding.model_folder import write_model
from recommender.embedding.queue import MAX_ATTEMPTS, ClaimCursor, claimable, failed, pending
from recommender.management.commands import embedding_model
from recommender.models import BlueEmbedding, EmbeddingModel, GreenEmbedding
from recommender.photo_search.photos import embed_photo, store_photo
from recommender.search import spread
from recommender.search.similar import similar_to_product
from shop.catalogue.images.pictures import read_picture
from shop.catalogue.models import Product, StoredFile
from shop.core.locks import AdvisoryLock, lock_until_commit
from tests.factories import (
    embedding_of,
    fail_embedding,
    make_image,
    make_lookalike,
    make_product,
    make_stored_image,
    picture_bytes,
    point,
)
from tests.recommender.embedding.conftest import SIDE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
ACTIVE = "fashion-3"


@pytest.fixture(autouse=True)
def _small(folders: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MODEL_FOLDERS = [folders, *settings.MODEL_FOLDERS]
    monkeypatch.setattr(rollout, "PAUSE_SECONDS", 0)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("embedding_model", *arguments, stdout=out)
    return out.getvalue()


def fill() -> None:
    for model in EmbeddingModel.objects.in_use():
        worker.embed_pending(model)


def warm_up() -> None:
    """Run the task, and wait for the thread that loads further networks."""
    tasks.warm_up()
    for thread in threading.enumerate():
        if thread.name == tasks.LOADER:
            thread.join(120)


def states() -> dict[str, str]:
    return dict(EmbeddingModel.objects.order_by("pk").values_list("name", "state"))


@pytest.fixture
def products() -> list[Product]:
    """Make and embed twelve products, whose images show different shapes and colours."""
    made = []
    for number in range(12):
        image = Image.new("RGB", (60, 80), (250 - 20 * number, 20 * number, (97 * number) % 256))
        x, y = 4 * (number % 4), 15 * (number // 4)
        ImageDraw.Draw(image).ellipse((x, y, x + 20 + number, y + 30), fill="orange")
        buffer = BytesIO()
        image.save(buffer, "JPEG", quality=95)
        picture = read_picture(buffer.getvalue())
        product = make_product(name=f"Shape {number}")
        make_image(product, file=picture.save())
        made.append(product)
    fill()
    return made


def similar(products: list[Product]) -> list[list[int]]:
    return [[other.pk for other in similar_to_product(product)] for product in products]


@pytest.mark.slow
def test_a_model_is_activated_rolled_back_and_removed(products: list[Product]) -> None:
    old = similar(products)
    run("add", "small")
    assert states() == {ACTIVE: "active", "small": "filling"}
    fill()
    assert similar(products) == old
    assert run("activate", "small") == "small is active.\n"
    assert states() == {ACTIVE: "previous", "small": "active"}
    new = similar(products)
    assert new != old
    late = make_stored_image(make_product(), "purple")
    fill()
    assert [embedding_of(late, model).status for model in EmbeddingModel.objects.in_use()] == [
        "embedded", "embedded"
    ]  # fmt: skip
    late.product.delete()
    assert run("rollback") == f"{ACTIVE} is active again.\n"
    assert similar(products) == old
    assert states() == {ACTIVE: "active", "small": "filling"}
    run("remove", "small")
    assert states() == {ACTIVE: "active", "small": "retired"}
    assert (BlueEmbedding.objects.count(), GreenEmbedding.objects.count()) == (12, 0)


def test_a_photo_worker_loads_an_added_network_before_it_is_activated(
    products: list[Product], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(embedding_model, "send", lambda name: sent.append(name) or True)
    run("add", "small")
    assert "recommender.tasks.warm_up" in sent
    loaded: dict[tuple[str, int], Any] = {}
    monkeypatch.setattr(inference, "_loaded", loaded)
    warm_up()
    fill()
    run("activate", "small")
    network = loaded["small", 1]
    photo = store_photo(picture_bytes())
    embed_photo(photo.pk)
    photo.refresh_from_db()
    assert photo.embedding_model == EmbeddingModel.objects.get(name="small")
    assert loaded["small", 1] is network


def test_an_added_network_that_cannot_be_loaded_does_not_disturb_the_active_one(
    folders: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    EmbeddingModel.objects.create(name="small", slot="green", state="filling", sha256="other")
    monkeypatch.setattr(inference, "_loaded", {})
    warm_up()
    assert list(inference._loaded) == [(ACTIVE, 1)]
    assert "The network of small (green, filling) cannot be loaded" in caplog.text


def test_the_list_shows_the_coverage_of_each_model(products: list[Product]) -> None:
    run("add", "small")
    assert run("list") == (
        f"{ACTIVE} (blue, active): 12 of 12 listed images, 0 failed\n"
        "small (green, filling): 0 of 12 listed images, 0 failed\n"
    )


def test_a_model_that_has_not_embedded_all_images_is_not_activated(products: list[Product]) -> None:
    run("add", "small")
    with pytest.raises(CommandError, match=r"(?s)0 of 12 images .* waiting for a worker"):
        run("activate")
    assert states() == {ACTIVE: "active", "small": "filling"}


def test_no_command_undoes_itself_when_run_twice(products: list[Product]) -> None:
    run("add", "small")
    fill()
    run("activate")
    with pytest.raises(CommandError, match="There is no other model; first run"):
        run("activate")
    with pytest.raises(CommandError, match="small is already active"):
        run("activate", "small")
    assert states() == {ACTIVE: "previous", "small": "active"}
    run("rollback")
    with pytest.raises(CommandError, match="There is no previous model"):
        run("rollback")
    assert states() == {ACTIVE: "active", "small": "filling"}
    run("activate")
    run("activate", ACTIVE)
    assert states() == {ACTIVE: "active", "small": "previous"}


def test_a_rollback_does_not_wait_for_pending_images_and_counts_them(
    products: list[Product],
) -> None:
    run("add", "small")
    fill()
    run("activate")
    make_stored_image(make_product(), "purple")
    assert run("rollback") == f"{ACTIVE} is active again. 1 of 13 listed images are pending.\n"
    assert states() == {ACTIVE: "active", "small": "filling"}


def test_an_image_added_during_the_check_prevents_the_activation(
    products: list[Product], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("add", "small")
    fill()
    monkeypatch.setattr(
        rollout, "_check_sanity", lambda model: make_stored_image(make_product(), "purple")
    )
    with pytest.raises(CommandError, match="12 of 13 images"):
        run("activate")
    assert states() == {ACTIVE: "active", "small": "filling"}


def test_a_missing_model_folder_or_image_file_is_named(
    products: list[Product], settings: Any
) -> None:
    run("add", "small")
    fill()
    StoredFile.objects.filter(pk=rollout._sample(EmbeddingModel.objects.active())[3].file).delete()
    with pytest.raises(CommandError, match=r"The image of Shape \d+ cannot be read. Replace it"):
        run("activate")
    settings.MODEL_FOLDERS = settings.MODEL_FOLDERS[1:]
    with pytest.raises(CommandError, match="There is no model folder 'small'"):
        run("activate")
    assert states() == {ACTIVE: "active", "small": "filling"}


def test_a_partly_removed_model_must_be_removed_first(products: list[Product]) -> None:
    run("add", "small")
    EmbeddingModel.objects.filter(name="small").update(state="freeing")
    for action in ("add", "activate"):
        with pytest.raises(CommandError, match=r"partly removed; first run: .* remove small"):
            run(action, "small")
    assert states() == {ACTIVE: "active", "small": "freeing"}


def test_failed_images_are_named(products: list[Product]) -> None:
    bad = make_image(make_product(name="Torn shirt"))
    StoredFile.objects.create(name=bad.file, content=b"no picture", size=10)
    run("add", "small")
    fill()
    with pytest.raises(CommandError, match=r"(?s)12 of 13 .*failed.*Torn shirt: PictureError"):
        run("activate")
    for model in EmbeddingModel.objects.in_use():
        assert embedding_of(bad, model).attempts == MAX_ATTEMPTS


def test_vectors_of_another_network_prevent_the_activation(products: list[Product]) -> None:
    run("add", "small")
    fill()
    GreenEmbedding.objects.update(embedding=point(1))
    with pytest.raises(CommandError, match="Only 0 of 12 copies retrieved their original"):
        run("activate")
    assert states() == {ACTIVE: "active", "small": "filling"}


def test_an_image_that_failed_by_one_model_is_embedded_by_the_other() -> None:
    active = EmbeddingModel.objects.active()
    image = make_stored_image(make_product())
    fail_embedding(image, "OSError: old")
    run("add", "small")
    small = EmbeddingModel.objects.get(name="small")
    assert worker.embed_pending(small) == worker.Outcome(embedded=1, failed=0)
    row = embedding_of(image)
    assert (row.status, row.attempts, row.failure) == ("failed", 3, "OSError: old")
    assert embedding_of(image, small).status == "embedded"
    assert [row.image_id for row in failed(active)] == [image.pk]
    assert list(failed(small)) == []


def test_the_active_model_comes_first_and_each_has_its_own_attempts() -> None:
    image = make_stored_image(make_product())
    run("add", "small")
    active, small = EmbeddingModel.objects.in_use()
    assert (active.name, small.name) == (ACTIVE, "small")
    assert len(ClaimCursor(small).claim()) == 1
    assert (embedding_of(image, small).attempts, embedding_of(image).attempts) == (1, 0)
    assert [row.image_id for row in claimable(active)] == [image.pk]
    assert list(claimable(small)) == []
    assert [row.image_id for row in pending(small)] == [image.pk]


def test_a_model_that_was_removed_claims_nothing(products: list[Product]) -> None:
    run("add", "small")
    small = EmbeddingModel.objects.get(name="small")
    assert len(ClaimCursor(small).claim()) == 12
    run("remove", "small")
    assert ClaimCursor(small).claim() == []
    make_stored_image(make_product())
    assert not GreenEmbedding.objects.exists()


def test_a_table_in_use_is_emptied_by_running_the_command_again(
    products: list[Product], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollout, "LOCK_ATTEMPTS", 2)
    run("add", "small")
    with psycopg.connect(connection.connection.info.dsn) as other:
        other.execute("SELECT count(*) FROM recommender_embedding_green")
        with pytest.raises(CommandError, match="The table of small is in use"):
            run("remove", "small")
        assert states()["small"] == "freeing"
        assert GreenEmbedding.objects.count() == 12
    assert "small is removed with 12 embeddings" in run("remove", "small")
    assert states() == {ACTIVE: "active", "small": "retired"}
    assert not GreenEmbedding.objects.exists()


def test_a_model_added_to_a_freed_slot_has_all_images_pending(
    products: list[Product],
) -> None:
    run("add", "small")
    fill()
    run("remove", "small")
    run("add", "small")
    again = EmbeddingModel.objects.get(name="small", state="filling")
    assert (again.slot, pending(again).count()) == ("green", 12)


def test_a_model_is_added_with_the_hash_of_its_weights(folders: Path) -> None:
    run("add", "small")
    manifest = json.loads((folders / "small" / "manifest.json").read_text())
    assert EmbeddingModel.objects.get(name="small").sha256 == manifest["weights"]["sha256"]


def test_an_activated_models_spread_is_measured_if_the_catalogue_is_large_enough(
    products: list[Product], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("add", "small")
    fill()
    before = EmbeddingModel.objects.get(name="small").spread
    run("activate")
    assert EmbeddingModel.objects.get(name="small").spread == before
    run("rollback")
    monkeypatch.setattr(spread, "SAMPLE", 12)
    run("activate")
    measured = EmbeddingModel.objects.get(name="small").spread
    small = EmbeddingModel.objects.active()
    vectors = np.array(small.embeddings.values_list("embedding", flat=True))
    fifth = np.sort(1 - vectors @ vectors.T, axis=1)[:, 5]
    assert measured == pytest.approx(np.median(fifth), rel=0.02)
    assert measured != before


def test_an_image_that_an_open_import_added_is_missing_until_repair(
    products: list[Product],
) -> None:
    """The transactions of the import and of the new model do not see each other's rows."""
    product = products[0]
    with psycopg.connect(connection.connection.info.dsn) as other:
        other.execute(
            """INSERT INTO catalogue_productimage (product_id, file, width, height, alt, position)
            VALUES (%s, 'late.jpg', 1, 1, '', 1)""",
            [product.pk],
        )
        run("add", "small")
    late = product.images.get(file="late.jpg")
    small = EmbeddingModel.objects.get(name="small")
    assert (small.embeddings.count(), BlueEmbedding.objects.count()) == (12, 13)
    assert rollout.repair() == 1
    assert embedding_of(late, small).status == "pending"
    assert rollout.repair() == 0


def test_repair_corrects_columns_that_are_stale_and_keeps_the_embedding() -> None:
    shirt, dress = make_lookalike(1, gender="Women", base_colour="Red"), make_lookalike(0, 1)
    stale = {"gender": "Men", "base_colour": "", "available": False, "category": 1}
    BlueEmbedding.objects.filter(product=shirt).update(**stale)
    assert rollout.repair() == 1
    row = embedding_of(shirt.images.get())
    assert (row.category_id, row.gender, row.base_colour, row.available) == (
        shirt.category_id, "Women", "Red", True
    )  # fmt: skip
    assert (row.status, row.embedding) == ("embedded", point(1))
    assert embedding_of(dress.images.get()).embedding == point(0, 1)
    assert rollout.repair() == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add", "none"), "There is no model folder 'none'"),
        (("add", ACTIVE), f"{ACTIVE} .* already exists"),
        (("activate",), "There is no other model"),
        (("activate", "none"), "There is no other model none"),
        (("rollback",), "There is no previous model"),
        (("remove", "none"), "No slot holds a model none"),
        (("remove", ACTIVE), f"{ACTIVE} is active"),
    ],
)
def test_a_command_that_cannot_be_carried_out_says_why(
    arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        run(*arguments)
    assert states() == {ACTIVE: "active"}


def test_a_third_model_finds_no_free_slot(folders: Path) -> None:
    run("add", "small")
    EmbeddingModel.objects.filter(name="small").update(name="other")
    with pytest.raises(CommandError, match="remove other"):
        run("add", "small")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "another"}, "names another model"),
        ({"weights": {"file": "weights.safetensors", "sha256": "0"}}, "is damaged"),
        ({"weights": {"file": "none", "sha256": "0"}}, "none is missing"),
        ({"input": None}, "cannot be used: TypeError"),
        ({"weights": None}, "cannot be used: TypeError"),
    ],
)
def test_an_invalid_model_folder_is_refused(
    folders: Path, tmp_path: Path, settings: Any, change: dict[str, Any], message: str
) -> None:
    folder = tmp_path / "wrong"
    folder.mkdir()
    (folder / "weights.safetensors").symlink_to(folders / "small" / "weights.safetensors")
    manifest = json.loads((folders / "small" / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "name": "wrong", **change}))
    settings.MODEL_FOLDERS = [tmp_path]
    with pytest.raises(CommandError, match=message):
        run("add", "wrong")
    assert states() == {ACTIVE: "active"}


def test_weights_of_another_architecture_are_refused(tmp_path: Path, settings: Any) -> None:
    settings.MODEL_FOLDERS = [tmp_path]
    weights = {"file": "weights.safetensors"}
    manifest = {"name": "empty", "input": {"size": [SIDE, SIDE]}, "weights": weights}
    write_model(tmp_path / "empty", manifest, {}, {})
    with pytest.raises(CommandError, match="no tensor conv1_conv/kernel"):
        run("add", "empty")
    assert states() == {ACTIVE: "active"}


def test_a_network_whose_vectors_are_not_numbers_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = SimpleNamespace(input_size=SIDE, embed=lambda pixels: np.full((1, 256), np.nan))
    monkeypatch.setattr(rollout, "embedder", lambda name: broken)
    with pytest.raises(CommandError, match="The model's vectors have 0 values"):
        run("add", "small")
    assert states() == {ACTIVE: "active"}


@pytest.mark.parametrize("arguments", [("add", "small"), ("activate",), ("rollback",)])
def test_the_second_of_two_concurrent_commands_is_refused(arguments: tuple[str, ...]) -> None:
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            lock_until_commit(AdvisoryLock.MODEL_ROLLOUT)
            held.set()
            done.wait(60)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(60)
    try:
        with pytest.raises(CommandError, match="Another change of embedding models is running"):
            run(*arguments)
    finally:
        done.set()
        thread.join()
    assert states() == {ACTIVE: "active"}
