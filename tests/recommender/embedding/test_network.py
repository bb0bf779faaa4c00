from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from recommender.embedding.model_folder import ModelFolder, ModelFolderError
from recommender.embedding.model_store import find_model
from recommender.embedding.preprocessing import Pixels, fit
from recommender.rotation import rotate
from recommender.embedding.inference import Embedder


def _drawn() -> list[Image.Image]:
    """A red disc, blue stripes, and a wide green bar."""
    disc = Image.new("RGB", (60, 80), "white")
    ImageDraw.Draw(disc).ellipse((10, 20, 50, 60), fill="red")
    stripes = Image.new("RGB", (96, 96), "white")
    for top in range(0, 96, 12):
        ImageDraw.Draw(stripes).rectangle((0, top, 95, top + 5), fill="blue")
    bar = Image.new("RGB", (300, 100), "white")
    ImageDraw.Draw(bar).rectangle((0, 30, 299, 70), fill="green")
    return [disc, stripes, bar]


@pytest.fixture(scope="module")
def folder() -> ModelFolder:
    return find_model("fashion")


@pytest.fixture(scope="module")
def pixels(folder: ModelFolder) -> list[Pixels]:
    return [fit(image, folder.side) for image in _drawn()]


@pytest.fixture(scope="module")
def openvino_features(folder: ModelFolder, pixels: list[Pixels]) -> np.ndarray:
    return Embedder(folder).features(pixels)


def test_openvino_and_keras_see_the_same(
    folder: ModelFolder, pixels: list[Pixels], openvino_features: np.ndarray
) -> None:
    keras_features = Embedder(folder, engine="keras").features(pixels)
    assert np.abs(keras_features - openvino_features).max() < 1e-4


def test_features_are_2048_values_of_length_one(openvino_features: np.ndarray) -> None:
    assert openvino_features.shape == (3, 2048)
    assert np.linalg.norm(openvino_features, axis=1) == pytest.approx(1, abs=1e-5)


def test_the_vectors_of_three_drawn_pictures_stay_what_they_are(
    openvino_features: np.ndarray,
) -> None:
    pinned = np.load(Path(__file__).with_name("drawn_features.npy"))
    assert np.abs(openvino_features - pinned).max() < 1e-3


def test_a_picture_is_fitted_into_the_middle_of_white() -> None:
    square = fit(Image.new("RGB", (40, 80), "black"), 96)
    assert square.shape == (96, 96, 3)
    assert (square[:, :24] == 255).all()
    assert (square[:, 24:72] == 0).all()
    assert (square[:, 72:] == 255).all()


def test_rotating_keeps_lengths_and_distances() -> None:
    vectors = np.random.default_rng(1).normal(size=(5, 2048)).astype(np.float32)
    rotated = rotate(vectors)
    assert np.linalg.norm(rotated, axis=1) == pytest.approx(np.linalg.norm(vectors, axis=1), 1e-5)
    before, after = np.linalg.norm(vectors[0] - vectors[1]), np.linalg.norm(rotated[0] - rotated[1])
    assert after == pytest.approx(before, 1e-5)


def test_damaged_weights_are_refused(folder: ModelFolder, tmp_path: Path) -> None:
    shutil.copytree(folder.path, tmp_path / "model")
    (tmp_path / "model" / "weights.safetensors").write_bytes(b"not these")
    with pytest.raises(ModelFolderError, match="is damaged: its SHA-256 is"):
        ModelFolder(tmp_path / "model").weights()


def test_an_unknown_model_names_the_places_that_were_searched() -> None:
    with pytest.raises(ModelFolderError, match=r"no model folder 'nothing' in .*weights"):
        find_model("nothing")


def test_the_shipped_weights_are_what_the_manifest_says(folder: ModelFolder) -> None:
    manifest = json.loads((folder.path / "manifest.json").read_text())
    digest = hashlib.sha256((folder.path / "weights.safetensors").read_bytes()).hexdigest()
    assert digest == manifest["weights"]["sha256"]
