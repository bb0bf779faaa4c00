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

pytestmark = pytest.mark.django_db


def _embedded(image: Image.Image) -> QueryPhoto:
    data = io.BytesIO()
    image.save(data, "PNG")
    photo = store_photo(data.getvalue())
    embed_photo(photo.pk)
    photo.refresh_from_db()
    assert photo.failure == ""
    return photo


def _shirt(background: str | None) -> Image.Image:
    """Draw a green shirt on a colour, or on a grainy floor."""
    grain = np.random.default_rng(1).integers(110, 150, (300, 240, 1), dtype=np.uint8)
    floor = Image.fromarray(grain.repeat(3, axis=2))
    image = Image.new("RGB", (240, 300), background) if background else floor
    ImageDraw.Draw(image).rectangle((70, 80, 170, 220), (0, 160, 60))
    return image


def _whole_and_cut_out(photo: QueryPhoto) -> np.ndarray:
    network = embedder(EmbeddingModel.objects.active())
    vectors = network.embed(prepare_photo(bytes(photo.content), network.input_size).views)
    assert len(vectors) == 2
    combined = vectors[0] + 2 * vectors[1]
    return combined / np.linalg.norm(combined)


def _stored(vector: Any) -> np.ndarray:
    return np.array(vector, np.float32)


def test_a_photo_of_a_scene_is_shifted_to_where_catalogue_images_are() -> None:
    photo = _embedded(_shirt(None))
    shift = np.array(find_model("fashion-3").manifest["photo_shift"]["values"])
    expected = _whole_and_cut_out(photo) - shift
    expected /= np.linalg.norm(expected)
    assert _stored(photo.embedding) @ expected == pytest.approx(1, abs=1e-3)
    assert _stored(photo.embedding) @ _whole_and_cut_out(photo) < 0.97


def test_an_image_on_white_is_not_shifted() -> None:
    photo = _embedded(_shirt("white"))
    assert _stored(photo.embedding) == pytest.approx(_stored(photo.whole_embedding), abs=1e-3)


def test_a_network_without_a_shift_leaves_photos_where_they_are(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(find_model("fashion-3").path, tmp_path / "fashion-3"))
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["photo_shift"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    settings.MODEL_FOLDERS = [tmp_path]
    monkeypatch.setattr(inference, "_loaded", {})
    photo = _embedded(_shirt(None))
    assert _stored(photo.embedding) @ _whole_and_cut_out(photo) == pytest.approx(1, abs=1e-3)
