"""Test what is stored as the embedding of a query photo, by the real network."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from recommender.embedding import inference
from recommender.embedding.inference import embedder
from recommender.embedding.model_store import find_model
from recommender.embedding.preprocessing import prepare_photo
from recommender.models import EmbeddingModel, QueryPhoto
from recommender.photo_search.photos import embed_photo, store_photo
from tests.factories import GARMENT_COLOUR, garment_on_floor

pytestmark = pytest.mark.django_db


def _embedded(image: Image.Image) -> QueryPhoto:
    data = io.BytesIO()
    image.save(data, "PNG")
    photo = store_photo(data.getvalue())
    embed_photo(photo.pk)
    photo.refresh_from_db()
    assert photo.failure == ""
    return photo


def _whole_and_cut_out(photo: QueryPhoto) -> np.ndarray:
    network = embedder(EmbeddingModel.objects.active())
    vectors = network.embed(prepare_photo(bytes(photo.content), network.input_size).views)
    assert len(vectors) == 2
    combined = vectors[0] + 2 * vectors[1]
    return combined / np.linalg.norm(combined)


def test_a_photo_of_a_scene_is_shifted_to_where_catalogue_images_are() -> None:
    photo = _embedded(garment_on_floor())
    shift = np.array(find_model("fashion-3").manifest["photo_shift"]["values"])
    expected = _whole_and_cut_out(photo) - shift
    expected /= np.linalg.norm(expected)
    assert np.array(photo.embedding) @ expected == pytest.approx(1, abs=1e-3)
    assert np.array(photo.embedding) @ _whole_and_cut_out(photo) < 0.97


def test_an_image_on_white_is_not_shifted() -> None:
    image = Image.new("RGB", (240, 300), "white")
    ImageDraw.Draw(image).rectangle((70, 80, 170, 220), GARMENT_COLOUR)
    photo = _embedded(image)
    assert photo.embedding == pytest.approx(photo.whole_embedding, abs=1e-3)


def test_a_network_without_a_shift_leaves_photos_where_they_are(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(find_model("fashion-3").path, tmp_path / "fashion-3"))
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["photo_shift"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    settings.MODEL_FOLDERS = [tmp_path]
    monkeypatch.setattr(inference, "_loaded", {})
    photo = _embedded(garment_on_floor())
    assert np.array(photo.embedding) @ _whole_and_cut_out(photo) == pytest.approx(1, abs=1e-3)
