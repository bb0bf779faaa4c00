"""Test the download of ImageNet weights. Only the server is replaced; Keras checks the hash."""

from __future__ import annotations

import hashlib
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras.applications import ResNet50
from keras.src.applications import resnet
from keras.src.legacy.saving import legacy_h5_format
from keras.utils import get_file

from recommender.embedding.model_folder import ModelFolder
from recommender.embedding.model_store import IMAGENET_INPUT_SIZE, find_model
from recommender.embedding.network import build_network, random_projection

# Keras and NumPy 2 disagree about a keyword.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.slow,
]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Write a file in the format that Keras publishes, with random weights."""
    keras.utils.set_random_seed(1)
    path = tmp_path / "notop.h5"
    network = ResNet50(include_top=False, weights=None, pooling="avg")
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, network)
    return path


@pytest.fixture
def served(weights: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let Keras download the file from this machine."""

    def fetch(name: str, origin: str, file_hash: str, **options: object) -> str:
        return str(get_file(name, weights.as_uri(), cache_dir=str(tmp_path), file_hash=file_hash))

    monkeypatch.setattr(resnet.file_utils, "get_file", fetch)
    return tmp_path


def test_a_download_with_another_hash_is_refused_and_writes_no_folder(
    served: Path, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MODEL_FOLDERS = [served / "models"]
    with pytest.raises(Exception, match="Incomplete or corrupted file"):
        find_model("imagenet")
    assert not (served / "models").exists()


def test_the_download_is_written_as_a_model_folder(
    served: Path, settings, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MODEL_FOLDERS = [served / "models"]
    name, (top, _no_top) = "resnet50", resnet.WEIGHTS_HASHES["resnet50"]
    digest = hashlib.md5(weights.read_bytes(), usedforsecurity=False).hexdigest()
    monkeypatch.setitem(resnet.WEIGHTS_HASHES, name, (top, digest))
    folder = find_model("imagenet")
    assert (folder.name, folder.input_size) == ("imagenet", IMAGENET_INPUT_SIZE)
    assert folder.weights().parent == served / "models" / "imagenet"
    reference = ResNet50(include_top=False, weights=None, pooling="avg")
    reference.load_weights(weights)
    pixels = (
        np.random.default_rng(1)
        .uniform(0, 255, (1, IMAGENET_INPUT_SIZE, IMAGENET_INPUT_SIZE, 3))
        .astype(np.float32)
    )
    seen = reference(keras.applications.resnet50.preprocess_input(pixels.copy()))
    projected = np.asarray(seen) @ random_projection()
    expected = projected / np.linalg.norm(projected)
    found = np.asarray(build_network(ModelFolder(folder.path))(pixels))
    assert np.abs(found - expected).max() < 1e-5
