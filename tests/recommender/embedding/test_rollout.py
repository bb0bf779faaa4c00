from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from io import BytesIO, StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from PIL import Image, ImageDraw

from recommender.embedding import rollout as switching
from recommender.embedding import worker as pending
from recommender.embedding.model_folder import write_model
from recommender.models import EmbeddingModel
from recommender.search.similar import similar_to_product
from shop.catalogue.images.pictures import read_picture
from shop.catalogue.models import Product, ProductImage, StoredFile
from shop.core.locks import AdvisoryLock, lock_until_commit
from tests.factories import make_image, make_product, make_stored_image

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
SIDE = 32


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds ``small``, an untrained network."""
    import keras

    from recommender.embedding.network import build_backbone, weight_names

    keras.utils.set_random_seed(3)
    tensors = {name: np.asarray(v) for name, v in weight_names(build_backbone(SIDE))}
    weights = {"file": "weights.safetensors"}
    manifest = {"name": "small", "input": {"size": [SIDE, SIDE]}, "weights": weights}
    parent = tmp_path_factory.mktemp("models")
    write_model(parent / "small", manifest, tensors, {})
    return parent


@pytest.fixture(autouse=True)
def _small(folders: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.MODEL_FOLDERS = [folders, *settings.MODEL_FOLDERS]
    monkeypatch.setattr(switching, "PAUSE_SECONDS", 0)
    EmbeddingModel.objects.exclude(state="active").delete()
    EmbeddingModel.objects.update(name="fashion", slot="blue")
    yield
    EmbeddingModel.objects.exclude(state="active").delete()
    EmbeddingModel.objects.update(name="fashion", slot="blue")


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("embedding_model", *arguments, stdout=out)
    return out.getvalue()


def fill() -> None:
    for model in EmbeddingModel.objects.filling():
        pending.embed_pending(model)


def states() -> dict[str, str]:
    return dict(EmbeddingModel.objects.order_by("pk").values_list("name", "state"))


@pytest.fixture
def products() -> list[Product]:
    """Twelve shapes, each in its own place and colour."""
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


def fives(products: list[Product]) -> list[list[int]]:
    return [[other.pk for other in similar_to_product(product)] for product in products]


def test_a_switch_a_rollback_and_a_removal(products: list[Product]) -> None:
    old = fives(products)
    run("add", "small")
    assert states() == {"fashion": "active", "small": "filling"}
    fill()
    assert fives(products) == old
    assert run("activate", "small") == "small is active.\n"
    assert states() == {"fashion": "previous", "small": "active"}
    new = fives(products)
    assert new != old
    late = make_stored_image(make_product(), "purple")
    fill()
    late.refresh_from_db()
    assert late.embedding_blue is not None
    assert late.embedding_green is not None
    late.product.delete()
    assert run("rollback") == "fashion is active again.\n"
    assert fives(products) == old
    assert states() == {"fashion": "active", "small": "filling"}
    run("remove", "small")
    assert states() == {"fashion": "active", "small": "retired"}
    assert ProductImage.objects.exclude(embedding_green=None).count() == 0
    assert ProductImage.objects.exclude(embedding_blue=None).count() == 12


def test_the_list_says_how_far_each_model_is(products: list[Product]) -> None:
    run("add", "small")
    assert run("list") == (
        "fashion (blue, active): 12 of 12 listed pictures, 0 parked\n"
        "small (green, filling): 0 of 12 listed pictures, 0 parked\n"
    )


def test_a_model_that_has_not_seen_all_is_not_activated(products: list[Product]) -> None:
    run("add", "small")
    with pytest.raises(CommandError, match=r"(?s)0 of 12 pictures .* wait for a worker"):
        run("activate")
    assert states() == {"fashion": "active", "small": "filling"}


def test_neither_command_run_twice_undoes_itself(products: list[Product]) -> None:
    run("add", "small")
    fill()
    run("activate")
    with pytest.raises(CommandError, match="There is no other model; first run"):
        run("activate")
    with pytest.raises(CommandError, match="small is active already"):
        run("activate", "small")
    assert states() == {"fashion": "previous", "small": "active"}
    run("rollback")
    with pytest.raises(CommandError, match="There is no previous model"):
        run("rollback")
    assert states() == {"fashion": "active", "small": "filling"}
    run("activate")
    run("activate", "fashion")
    assert states() == {"fashion": "active", "small": "previous"}


def test_a_rollback_waits_for_nothing_and_says_what_is_missing(products: list[Product]) -> None:
    run("add", "small")
    fill()
    run("activate")
    make_stored_image(make_product(), "purple")
    assert run("rollback") == "fashion is active again. 1 of 13 listed pictures wait for it.\n"
    assert states() == {"fashion": "active", "small": "filling"}


def test_a_picture_that_comes_during_the_check_is_waited_for(
    products: list[Product], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("add", "small")
    fill()
    monkeypatch.setattr(
        switching, "_check_sanity", lambda model: make_stored_image(make_product(), "purple")
    )
    with pytest.raises(CommandError, match="12 of 13 pictures"):
        run("activate")
    assert states() == {"fashion": "active", "small": "filling"}


def test_a_folder_that_went_away_or_a_picture_that_did_is_named(
    products: list[Product], settings: Any
) -> None:
    run("add", "small")
    fill()
    StoredFile.objects.filter(
        pk=switching._sample(EmbeddingModel.objects.active())[3].file
    ).delete()
    with pytest.raises(CommandError, match=r"The picture of Shape \d+ cannot be read; replace it"):
        run("activate")
    settings.MODEL_FOLDERS = settings.MODEL_FOLDERS[1:]
    with pytest.raises(CommandError, match="There is no model folder 'small'"):
        run("activate")
    assert states() == {"fashion": "active", "small": "filling"}


def test_a_half_removed_model_is_to_be_removed_first(products: list[Product]) -> None:
    run("add", "small")
    EmbeddingModel.objects.filter(name="small").update(state="freeing")
    for action in ("add", "activate"):
        with pytest.raises(CommandError, match=r"half removed; first run: .* remove small"):
            run(action, "small")
    assert states() == {"fashion": "active", "small": "freeing"}


def test_a_search_whose_column_is_emptied_meanwhile_begins_again(
    products: list[Product], monkeypatch: pytest.MonkeyPatch
) -> None:
    right = fives(products[:1])
    run("add", "small")
    fill()
    small = EmbeddingModel.objects.get(name="small")
    EmbeddingModel.objects.filter(pk=small.pk).update(state="freeing")
    now = EmbeddingModel.objects.active()
    answers = iter([small, now, now])
    manager = type(EmbeddingModel.objects)
    monkeypatch.setattr(manager, "active", lambda self: next(answers))
    assert fives(products[:1]) == right


def test_parked_pictures_are_named(products: list[Product]) -> None:
    bad = make_image(make_product(name="Torn shirt"))
    StoredFile.objects.create(name=bad.file, content=b"no picture", size=10)
    run("add", "small")
    fill()
    with pytest.raises(CommandError, match=r"(?s)12 of 13 .*Parked.*Torn shirt: Unidentified"):
        run("activate")
    bad.refresh_from_db()
    assert bad.attempts == 2 * pending.MAX_ATTEMPTS


def test_vectors_that_are_not_the_networks_are_found_out(products: list[Product]) -> None:
    run("add", "small")
    fill()
    ProductImage.objects.update(embedding_green=[1.0] + [0.0] * 2047)
    with pytest.raises(CommandError, match="Only 0 of 12 copies found their original"):
        run("activate")
    assert states() == {"fashion": "active", "small": "filling"}


def test_what_was_given_up_for_one_model_does_not_stop_the_other() -> None:
    active = EmbeddingModel.objects.active()
    image = make_stored_image(make_product(), attempts=3, failure="OSError: old")
    run("add", "small")
    small = EmbeddingModel.objects.get(name="small")
    assert pending.embed_pending(small) == pending.Outcome(embedded=1, failed=0)
    image.refresh_from_db()
    assert (image.attempts, image.failure) == (3, "OSError: old")
    assert image.embedding_green is not None
    assert list(pending.given_up(active)) == [image]
    assert list(pending.given_up(small)) == []


def test_the_active_model_looks_first() -> None:
    image = make_stored_image(make_product())
    run("add", "small")
    small = EmbeddingModel.objects.get(name="small")
    assert list(pending.claimable(small)) == []
    assert list(pending.pending(small)) == [image]
    fill()
    image.refresh_from_db()
    assert image.attempts == 0
    assert image.embedding_blue is not None
    assert image.embedding_green is not None


def test_a_model_that_lost_its_column_writes_nothing(products: list[Product]) -> None:
    run("add", "small")
    small = EmbeddingModel.objects.get(name="small")
    claimed = pending._claim(small, pending.UNTRIED, 5)
    run("remove", "small")
    vectors = [[1.0] + [0.0] * 2047] * 5
    assert pending._write(small, claimed, vectors) == 0  # type: ignore[arg-type]
    assert pending._claim(small, pending.UNTRIED, 5) == []
    assert not ProductImage.objects.filter(attempts__gt=0).exists()
    assert not ProductImage.objects.exclude(embedding_green=None).exists()


def test_a_column_is_emptied_in_batches_and_resumed(
    products: list[Product], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("add", "small")
    fill()
    monkeypatch.setattr(switching, "BATCH", 5)

    def stop(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        switching.remove("small", stop)
    assert states()["small"] == "freeing"
    assert ProductImage.objects.exclude(embedding_green=None).count() == 7
    assert switching.remove("small") == 7
    assert states()["small"] == "retired"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add", "none"), "There is no model folder 'none'"),
        (("add", "fashion"), "fashion .* is there already"),
        (("activate",), "There is no other model"),
        (("activate", "none"), "There is no other model none"),
        (("rollback",), "There is no previous model"),
        (("remove", "none"), "There is no model none"),
        (("remove", "fashion"), "fashion is active"),
    ],
)
def test_what_cannot_be_done_says_why(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run(*arguments)
    assert states() == {"fashion": "active"}


def test_a_third_model_finds_no_column(folders: Path) -> None:
    run("add", "small")
    EmbeddingModel.objects.filter(name="small").update(name="other")
    with pytest.raises(CommandError, match="remove other"):
        run("add", "small")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "another"}, "names another model"),
        ({"dimensions": 512}, "512 values"),
        ({"weights": {"file": "weights.safetensors", "sha256": "0"}}, "is damaged"),
        ({"weights": {"file": "none", "sha256": "0"}}, "none is missing"),
        ({"input": None}, "cannot be used: TypeError"),
        ({"weights": None}, "cannot be used: TypeError"),
    ],
)
def test_a_folder_that_is_wrong_is_refused(
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
    assert states() == {"fashion": "active"}


def test_weights_that_are_not_this_networks_are_refused(tmp_path: Path, settings: Any) -> None:
    settings.MODEL_FOLDERS = [tmp_path]
    weights = {"file": "weights.safetensors"}
    manifest = {"name": "empty", "input": {"size": [SIDE, SIDE]}, "weights": weights}
    write_model(tmp_path / "empty", manifest, {}, {})
    with pytest.raises(CommandError, match="no tensor conv1_conv/kernel"):
        run("add", "empty")
    assert states() == {"fashion": "active"}


def test_a_network_that_gives_no_numbers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = SimpleNamespace(side=SIDE, embed=lambda pixels: np.full((1, 2048), np.nan))
    monkeypatch.setattr(switching, "embedder", lambda name: broken)
    with pytest.raises(CommandError, match="The model has 0 values a picture"):
        run("add", "small")
    assert states() == {"fashion": "active"}


@pytest.mark.parametrize("arguments", [("add", "small"), ("activate",), ("rollback",)])
def test_of_two_at_once_the_second_is_told_to_wait(arguments: tuple[str, ...]) -> None:
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
        with pytest.raises(CommandError, match="Another switch of models is under way"):
            run(*arguments)
    finally:
        done.set()
        thread.join()
    assert states() == {"fashion": "active"}
