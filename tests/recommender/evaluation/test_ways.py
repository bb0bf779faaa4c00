from __future__ import annotations

import hashlib
import json
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest

from recommender.evaluation import ways
from recommender.evaluation.datasets import EvaluationError
from recommender.evaluation.ways import (
    BASELINES,
    Histogram,
    Missing,
    Network,
    Projection,
    Random,
    claims,
    open_ways,
    references,
)
from tests.factories import picture_bytes


def test_a_histogram_counts_colours_and_not_the_white_around() -> None:
    [vector] = Histogram().features([picture_bytes("red", (40, 80), "PNG")])
    # 255, 0, 0 is level 7, 0, 0 of 8.
    assert np.flatnonzero(vector > 0.9).tolist() == [7 * 64]
    assert np.isclose(np.linalg.norm(vector), 1)


def test_a_white_picture_has_a_histogram_too() -> None:
    [vector] = Histogram().features([picture_bytes("white", kind="PNG")])
    assert np.flatnonzero(vector).tolist() == [511]


def test_chance_is_the_same_for_the_same_pictures_and_blind_to_equal_ones() -> None:
    picture = picture_bytes("red")
    first = Random(1).features([picture, picture])
    assert np.array_equal(first, Random(1).features([picture, picture]))
    assert not np.array_equal(first, Random(2).features([picture, picture]))
    assert not np.array_equal(first[0], first[1])
    assert np.allclose(np.linalg.norm(first, axis=1), 1)


def test_rows_come_in_order_and_the_shipped_model_with_its_projection(places: Path) -> None:
    ways = list(open_ways(["fashion"], ["untrained", "imagenet"], 1))
    assert [way.name for way in ways] == ["random", "histogram", "fashion", "fashion projected"]
    network, projection = ways[2:]
    assert isinstance(projection, Projection)
    vectors = projection.project(np.eye(3, 2048, dtype=np.float32))
    assert vectors.shape == (3, 256)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert claims(network)["article_type"] == 0.768
    assert claims(projection) == {
        "article_type": 0.778,
        "base_colour": 0.512,
        "gender": 0.846,
        "usage": 0.856,
        "type_and_colour": 0.413,
        "street_photo_class": 0.558,
    }
    assert claims(ways[0]) == {}
    assert [list(references(way)) for way in ways] == [
        *([], []),
        ["random", "histogram", "efficientnet_lite2_imagenet_128px"],
        [],
    ]


def test_the_shipped_manifest_says_of_its_rivals_what_the_report_measured(places: Path) -> None:
    report = json.loads(Path("docs/quality/catalogue/report.json").read_text())
    [fashion, _projection] = open_ways(["fashion"], BASELINES, 1)
    said = references(fashion)
    measures = report["catalogue"]["measures"]
    assert {name: said[name] for name in ("random", "histogram")} == {
        name: {
            label: round(measures[label]["rows"][name]["precision"][0], 3) for label in said[name]
        }
        for name in ("random", "histogram")
    }
    assert said["histogram"]["base_colour"] == 0.527


def test_imagenet_that_cannot_be_fetched_is_missing_with_the_reason(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(path: Path) -> Path:
        waits.append(socket.getdefaulttimeout())
        raise OSError("URL fetch failure on there: None -- no route\nto host")

    waits: list[float | None] = []
    monkeypatch.setattr("recommender.embedding.model_store.download_imagenet", offline)
    ways = list(open_ways([], ["random", "histogram", "untrained"], 1))
    assert ways == [Missing("imagenet", "Keras could not fetch the weights: no route")]
    # Keras itself would wait for ever.
    assert (waits, socket.getdefaulttimeout()) == ([15.0], None)


def test_the_untrained_network_is_made_once_of_its_seed(places: Path) -> None:
    without = ["random", "histogram", "imagenet"]
    [way] = open_ways([], without, 3)
    assert isinstance(way, Network)
    file = way.folder.weights()
    assert file.parent == places / "var" / "evaluation" / "untrained-96-3"
    made = file.stat().st_mtime_ns
    assert list(open_ways([], without, 3)) == [way]
    assert file.stat().st_mtime_ns == made
    weights = hashlib.sha256(file.read_bytes()).hexdigest()
    assert way.key == f"96-{weights[:16]}-{ways.PREPROCESSING}"


def test_a_model_that_there_is_not_is_named(places: Path) -> None:
    with pytest.raises(EvaluationError, match=r"no model folder 'nothing' .* Train it first"):
        list(open_ways(["nothing"], [], 1))


@pytest.mark.parametrize("damaged", ["weights.safetensors", "projection.safetensors"])
def test_damaged_weights_are_refused(places: Path, settings, damaged: str) -> None:
    copy = settings.MODEL_FOLDERS[0] / "copy"
    shutil.copytree(settings.MODEL_FOLDERS[1] / "fashion", copy)
    (copy / damaged).write_bytes(b"something else")
    with pytest.raises(EvaluationError, match=f"{damaged} is damaged"):
        [way.what for way in open_ways(["copy"], BASELINES, 1)]


def test_what_training_writes_into_a_manifest_is_no_claim(places: Path, settings) -> None:
    copy = settings.MODEL_FOLDERS[0] / "copy"
    shutil.copytree(settings.MODEL_FOLDERS[1] / "fashion", copy)
    manifest = json.loads((copy / "manifest.json").read_text())
    del manifest["projection"]
    manifest["quality"] = {"full_2048": {"validation": {"category": 0.7}}}
    (copy / "manifest.json").write_text(json.dumps(manifest))
    [way] = open_ways(["copy"], BASELINES, 1)
    assert claims(way) == {}


def test_imagenet_is_a_row_where_it_is(places: Path, settings) -> None:
    copy = settings.MODEL_FOLDERS[0] / "imagenet"
    shutil.copytree(settings.MODEL_FOLDERS[1] / "fashion", copy)
    [way] = open_ways([], ["random", "histogram", "untrained"], 1)
    assert isinstance(way, Network)
    assert (way.name, way.folder.path) == ("imagenet", copy)


def test_vectors_of_another_precision_or_preprocessing_are_not_taken_for_these(
    places: Path, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, _projection = open_ways(["fashion"], BASELINES, 1)
    monkeypatch.setattr(ways, "PREPROCESSING", "this")
    assert network.key == "96-eee03f460488bb3d-this"
    monkeypatch.setattr(ways, "PREPROCESSING", "another")
    assert network.key == "96-eee03f460488bb3d-another"
    settings.NETWORK_PRECISION = "bf16"
    assert network.key == "96-eee03f460488bb3d-another-bf16"
