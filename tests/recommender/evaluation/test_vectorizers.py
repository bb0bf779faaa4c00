from __future__ import annotations

import hashlib
import json
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest

from recommender.evaluation import vectorizers
from recommender.evaluation.datasets import EvaluationError
from recommender.evaluation.vectorizers import (
    BASELINES,
    Histogram,
    Network,
    Random,
    UnavailableVectorizer,
    open_vectorizers,
    reported_measure,
    reported_scores,
)
from tests.factories import picture_bytes


def test_a_histogram_counts_colours_and_not_the_white_around() -> None:
    [vector] = Histogram().vectors([picture_bytes("red", (40, 80), "PNG")])
    # 255, 0, 0 is level 7, 0, 0 of 8.
    assert np.flatnonzero(vector > 0.9).tolist() == [7 * 64]
    assert np.isclose(np.linalg.norm(vector), 1)


def test_a_white_picture_has_a_histogram_too() -> None:
    [vector] = Histogram().vectors([picture_bytes("white", kind="PNG")])
    assert np.flatnonzero(vector).tolist() == [511]


def test_random_vectors_depend_on_the_pictures_and_the_seed() -> None:
    picture = picture_bytes("red")
    first = Random(1).vectors([picture, picture])
    assert np.array_equal(first, Random(1).vectors([picture, picture]))
    assert not np.array_equal(first, Random(2).vectors([picture, picture]))
    assert not np.array_equal(first[0], first[1])
    assert np.allclose(np.linalg.norm(first, axis=1), 1)


def test_vectorizers_keep_their_order_and_networks_have_reported_scores(places: Path) -> None:
    rows = list(open_vectorizers(["fashion-3"], ["untrained", "imagenet"], 1))
    assert [row.name for row in rows] == ["random", "histogram", "fashion-3"]
    assert reported_scores(rows[2]) == {
        "article_type": 0.853,
        "base_colour": 0.597,
        "type_and_colour": 0.518,
        "gender": 0.883,
        "usage": 0.875,
    }
    assert reported_measure(rows[2]).startswith("precision@5 by L2 against 43,441 products")
    assert (reported_scores(rows[0]), reported_measure(rows[0])) == ({}, "")


def test_imagenet_that_cannot_be_downloaded_is_unavailable_with_the_reason(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(path: Path) -> Path:
        waits.append(socket.getdefaulttimeout())
        raise OSError("URL fetch failure on there: None -- no route\nto host")

    waits: list[float | None] = []
    monkeypatch.setattr("recommender.embedding.model_store.download_imagenet", offline)
    rows = list(open_vectorizers([], ["random", "histogram", "untrained"], 1))
    assert rows == [
        UnavailableVectorizer("imagenet", "Keras could not fetch the weights: no route")
    ]
    # Set by the code, because Keras itself would wait forever.
    assert (waits, socket.getdefaulttimeout()) == ([15.0], None)


def test_the_untrained_network_is_created_once_for_each_seed(places: Path) -> None:
    without = ["random", "histogram", "imagenet"]
    [row] = open_vectorizers([], without, 3)
    assert isinstance(row, Network)
    file = row.folder.weights()
    assert file.parent == places / "var" / "evaluation" / "untrained-96-3"
    made = file.stat().st_mtime_ns
    assert list(open_vectorizers([], without, 3)) == [row]
    assert file.stat().st_mtime_ns == made
    weights = hashlib.sha256(file.read_bytes()).hexdigest()
    assert row.key == f"96-{weights[:16]}-{vectorizers.PREPROCESSING}"


def test_an_unknown_model_is_refused_by_name(places: Path) -> None:
    with pytest.raises(EvaluationError, match=r"no model folder 'nothing' .* Train it first"):
        list(open_vectorizers(["nothing"], [], 1))


def test_damaged_weights_are_refused(places: Path, settings) -> None:
    copy = settings.MODEL_FOLDERS[0] / "copy"
    shutil.copytree(settings.MODEL_FOLDERS[1] / "fashion-3", copy)
    (copy / "weights.safetensors").write_bytes(b"something else")
    with pytest.raises(EvaluationError, match=r"weights\.safetensors is damaged"):
        list(open_vectorizers(["copy"], BASELINES, 1))


def test_scores_written_by_training_are_not_reported_scores(places: Path, settings) -> None:
    copy = settings.MODEL_FOLDERS[0] / "copy"
    shutil.copytree(settings.MODEL_FOLDERS[1] / "fashion-3", copy)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["quality"] = {"after": {"validation": {"category": 0.7}}}
    (copy / "manifest.json").write_text(json.dumps(manifest))
    [row] = open_vectorizers(["copy"], BASELINES, 1)
    assert reported_scores(row) == {}


def test_imagenet_is_a_row_if_its_weights_exist(places: Path, settings) -> None:
    copy = settings.MODEL_FOLDERS[0] / "imagenet"
    shutil.copytree(settings.MODEL_FOLDERS[1] / "fashion-3", copy)
    [row] = open_vectorizers([], ["random", "histogram", "untrained"], 1)
    assert isinstance(row, Network)
    assert (row.name, row.folder.path) == ("imagenet", copy)


def test_the_cache_key_depends_on_precision_and_preprocessing(
    places: Path, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    [network] = open_vectorizers(["fashion-3"], BASELINES, 1)
    monkeypatch.setattr(vectorizers, "PREPROCESSING", "this")
    assert network.key == "96-9881dd8a183b7995-this"
    monkeypatch.setattr(vectorizers, "PREPROCESSING", "another")
    assert network.key == "96-9881dd8a183b7995-another"
    settings.NETWORK_PRECISION = "bf16"
    assert network.key == "96-9881dd8a183b7995-another-bf16"
