from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from django.conf import settings
from PIL import Image, ImageDraw

from recommender.embedding.inference import Embedder
from recommender.embedding.model_folder import ModelFolder, ModelFolderError, write_model
from recommender.embedding.model_store import find_model
from recommender.embedding.network import (
    build_network,
    build_trunk,
    random_projection,
    weight_names,
)
from recommender.embedding.preprocessing import decode, prepare
from recommender.garments.letterbox import Pixels, fit
from tests.factories import picture_bytes

pytestmark = pytest.mark.slow


def _drawn() -> list[Image.Image]:
    """Draw a red disc, blue stripes, and a wide green bar."""
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
    return find_model(settings.DEFAULT_MODEL)


@pytest.fixture(scope="module")
def pixels(folder: ModelFolder) -> list[Pixels]:
    return [fit(image, folder.input_size) for image in _drawn()]


@pytest.fixture(scope="module")
def embeddings(folder: ModelFolder, pixels: list[Pixels]) -> np.ndarray:
    return Embedder(folder).embed(pixels)


def test_openvino_and_keras_give_the_same_embeddings(
    folder: ModelFolder, pixels: list[Pixels], embeddings: np.ndarray
) -> None:
    by_keras = Embedder(folder, engine="keras").embed(pixels)
    assert np.abs(by_keras - embeddings).max() < 1e-4


def test_converting_a_network_reports_nothing_to_google_analytics() -> None:
    from openvino.tools.ovc import telemetry_stub, telemetry_utils

    assert telemetry_utils.tm is telemetry_stub


def test_embeddings_are_256_values_of_length_one(embeddings: np.ndarray) -> None:
    assert embeddings.shape == (3, 256)
    assert np.linalg.norm(embeddings, axis=1) == pytest.approx(1, abs=1e-5)


def test_the_embeddings_of_three_drawn_images_do_not_change(embeddings: np.ndarray) -> None:
    pinned = np.load(Path(__file__).with_name("drawn_embeddings.npy"))
    assert np.abs(embeddings - pinned).max() < 1e-3


def test_embeddings_do_not_depend_on_other_images_of_the_batch(
    folder: ModelFolder, pixels: list[Pixels], embeddings: np.ndarray
) -> None:
    many = Embedder(folder).embed(pixels * 7)  # more than one inference takes
    assert np.abs(many - np.tile(embeddings, (7, 1))).max() < 1e-4


def test_the_columns_of_the_random_projection_are_orthonormal_and_the_same_everywhere() -> None:
    projection = random_projection()
    assert projection.shape == (2048, 256)
    assert np.abs(projection.T @ projection - np.eye(256)).max() < 1e-5
    assert projection[:2, :2].ravel() == pytest.approx(
        [-0.005557, 0.003395, -0.023875, -0.027209], abs=1e-5
    )


def test_a_folder_without_a_dense_layer_gets_the_random_projection(tmp_path: Path) -> None:
    keras.utils.set_random_seed(3)
    trunk = build_trunk(32)
    tensors = {name: np.asarray(v) for name, v in weight_names(trunk)}
    pooled = {name: value for name, value in tensors.items() if not name.startswith("embedding/")}
    assert len(tensors) - len(pooled) == 2
    weights = {"file": "weights.safetensors"}
    manifest = {"name": "pooled", "input": {"size": [32, 32]}, "weights": weights}
    write_model(tmp_path / "pooled", manifest, pooled, {})
    keras.utils.set_random_seed(4)
    network = build_network(ModelFolder(tmp_path / "pooled"))
    pixels = np.random.default_rng(1).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    seen = keras.Model(trunk.input, trunk.layers[-2].output)(
        keras.applications.resnet50.preprocess_input(pixels.copy())
    )
    expected = np.asarray(seen) @ random_projection()
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.abs(np.asarray(network(pixels)) - expected).max() < 1e-5


def test_a_dense_layer_of_another_size_is_refused(tmp_path: Path) -> None:
    tensors = {name: np.asarray(v) for name, v in weight_names(build_trunk(32))}
    tensors["embedding/kernel"] = np.zeros((2048, 128), np.float32)
    weights = {"file": "weights.safetensors"}
    manifest = {"name": "narrow", "input": {"size": [32, 32]}, "weights": weights}
    write_model(tmp_path / "narrow", manifest, tensors, {})
    with pytest.raises(ModelFolderError, match=r"no tensor embedding/kernel of shape \(2048, 256"):
        build_network(ModelFolder(tmp_path / "narrow"))


def test_an_image_is_centred_on_a_white_square() -> None:
    square = fit(Image.new("RGB", (40, 80), "black"), 96)
    assert square.shape == (96, 96, 3)
    assert (square[:, :24] == 255).all()
    assert (square[:, 24:72] == 0).all()
    assert (square[:, 72:] == 255).all()


def test_an_image_is_prepared_with_its_pixels_and_its_colour() -> None:
    content = picture_bytes("navy", (300, 400))
    prepared = prepare(content, 96)
    assert (prepared.pixels == decode(content, 96)).all()
    # Navy is (13, 47, -65) in CIE Lab; the lightness counts half.
    assert prepared.colour.tolist() == pytest.approx([6.5, 47, -65], abs=2)


def test_damaged_weights_are_refused(folder: ModelFolder, tmp_path: Path) -> None:
    shutil.copytree(folder.path, tmp_path / "model")
    (tmp_path / "model" / "weights.safetensors").write_bytes(b"not these")
    with pytest.raises(ModelFolderError, match="is damaged: its SHA-256 is"):
        ModelFolder(tmp_path / "model").weights()


def test_the_error_of_an_unknown_model_names_the_folders_searched() -> None:
    with pytest.raises(ModelFolderError, match=r"no model folder 'nothing' in .*weights"):
        find_model("nothing")


def test_the_shipped_weights_have_the_hash_of_their_manifest(folder: ModelFolder) -> None:
    manifest = json.loads((folder.path / "manifest.json").read_text())
    digest = hashlib.sha256((folder.path / "weights.safetensors").read_bytes()).hexdigest()
    assert digest == manifest["weights"]["sha256"]
