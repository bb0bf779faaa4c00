"""The shop runs without the folder of the active network, or with other weights in it."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from recommender import tasks
from recommender.embedding import inference
from recommender.embedding.model_folder import ModelFolderError
from recommender.embedding.model_store import unusable_reason
from recommender.embedding.worker import Outcome, embed_pending
from recommender.models import EmbeddingModel, QueryPhoto
from recommender.photo_search.photos import UNAVAILABLE, embed_photo, store_photo
from tests.factories import (
    embedding_of,
    make_lookalike,
    make_product,
    make_stored_image,
    picture_bytes,
)

pytestmark = pytest.mark.django_db
MISSING = "There is no model folder 'fashion-3' in {places}. Put it there."
OTHER = (
    "holds other weights than the shop's model fashion-3: their SHA-256 is {found}, not {added}."
)


@pytest.fixture(params=["missing", "other weights", "half copied"])
def unusable(
    request: pytest.FixtureRequest, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Make the active model unusable and return a part of the reason."""
    settings.MODEL_FOLDERS = [tmp_path]
    settings.NETWORK_CACHE = tmp_path / "cache"
    monkeypatch.setattr(inference, "_loaded", {})
    model = EmbeddingModel.objects.active()
    if request.param == "missing":
        return MISSING.format(places=tmp_path)
    folder = tmp_path / model.name
    folder.mkdir()
    found = "0" * 64 if request.param == "other weights" else model.sha256
    weights = {"file": "weights.safetensors", "sha256": found}
    manifest = {"name": model.name, "input": {"size": [96, 96]}, "weights": weights}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    if request.param == "half copied":
        return f"{folder / 'weights.safetensors'} is missing"
    (folder / "weights.safetensors").touch()
    return OTHER.format(found=found, added=model.sha256)


def test_a_new_shop_starts_with_the_shipped_model() -> None:
    model = EmbeddingModel.objects.active()
    assert (model.name, model.slot, len(model.sha256)) == ("fashion-3", "blue", 64)
    assert unusable_reason(model) == ""


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_no_image_is_claimed_and_no_attempt_counted(
    unusable: str, caplog: pytest.LogCaptureFixture
) -> None:
    image = make_stored_image(make_product())
    assert embed_pending(EmbeddingModel.objects.active()) == Outcome(embedded=0, failed=0)
    row = embedding_of(image)
    assert (row.status, row.attempts, row.claimed_until) == ("pending", 0, None)
    (message,) = caplog.messages
    assert message.startswith("Images are not embedded: ")
    assert unusable in message


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_the_task_does_not_enqueue_itself_again(
    unusable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_stored_image(make_product())
    sent: list[str] = []
    monkeypatch.setattr(tasks, "send", sent.append)
    tasks.embed_pending_images()
    assert sent == []


@pytest.mark.slow
def test_a_worker_for_photos_logs_why_it_cannot_load_its_network(unusable: str) -> None:
    with pytest.raises(ModelFolderError) as error:
        tasks.warm_up()
    assert unusable in str(error.value)


def test_similar_items_are_still_shown(unusable: str, client: Client) -> None:
    shirt, near = make_lookalike(1), make_lookalike(1, 0.5)
    page = client.get(shirt.get_absolute_url()).content.decode()
    assert f'data-product-id="{near.pk}"' in page


def test_a_photo_search_is_answered_as_unavailable(unusable: str, client: Client) -> None:
    photo = store_photo(picture_bytes())
    embed_photo(photo.pk)
    photo.refresh_from_db()
    assert (photo.failure, photo.embedding) == (UNAVAILABLE, None)
    page = client.get(photo.get_absolute_url()).content.decode()
    assert UNAVAILABLE in page
    address = reverse("recommender-api:image-search", args=[photo.pk])
    answer = client.get(address).json()
    assert (answer["state"], answer["failure"], answer["products"]) == (
        "unavailable",
        UNAVAILABLE,
        [],
    )


def test_the_dashboard_says_what_to_do(unusable: str, admin_client: Client) -> None:
    tiles = {tile["label"]: tile for tile in admin_client.get("/admin/").context["tiles"]}
    assert unusable in tiles["Images in the queue"]["note"]


def test_the_list_of_models_says_what_to_do(unusable: str, admin_client: Client) -> None:
    out, err = StringIO(), StringIO()
    call_command("embedding_model", "list", stdout=out, stderr=err)
    assert out.getvalue() == "fashion-3 (blue, active): 0 of 0 listed images, 0 failed\n"
    assert unusable in err.getvalue()
    models = reverse("admin:recommender_embeddingmodel_changelist")
    assert unusable.partition("'")[0] in admin_client.get(models).content.decode()


def test_embedding_by_command_says_what_to_do(
    unusable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "recommender.management.commands.embed_images.send"
    monkeypatch.setattr(name, lambda task: True)
    with pytest.raises(CommandError) as error:
        call_command("embed_images")
    assert unusable in str(error.value)


def test_a_model_without_a_stored_hash_accepts_any_weights() -> None:
    EmbeddingModel.objects.update(sha256="")
    assert unusable_reason(EmbeddingModel.objects.active()) == ""


def test_a_deleted_photo_is_no_error(unusable: str) -> None:
    embed_photo("gone")
    assert not QueryPhoto.objects.exists()
