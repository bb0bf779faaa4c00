from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from recommender.embedding import inference
from recommender.embedding.inference import embedder
from recommender.embedding.model_folder import ModelFolder
from recommender.models import EmbeddingModel


def model(name: str) -> EmbeddingModel:
    return EmbeddingModel(name=name)


def write_manifest(parent: Path, name: str, sha256: str) -> None:
    (parent / name).mkdir(exist_ok=True)
    manifest = {"name": name, "weights": {"file": "weights.safetensors", "sha256": sha256}}
    (parent / name / "manifest.json").write_text(json.dumps(manifest))


@pytest.fixture(autouse=True)
def _nothing_loaded(settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Replace networks by objects without weights, whose manifests a test writes."""
    settings.MODEL_FOLDERS = [tmp_path]
    made = lambda folder, streams: SimpleNamespace(folder=folder, streams=streams)  # noqa: E731
    monkeypatch.setattr(inference, "Embedder", made)
    monkeypatch.setattr(inference, "_loaded", {})


def test_a_model_folder_with_new_weights_is_loaded_again(tmp_path: Path) -> None:
    write_manifest(tmp_path, "again", "1")
    first = embedder(model("again"))
    assert embedder(model("again")) is first
    write_manifest(tmp_path, "again", "2")
    assert embedder(model("again")).folder.sha256 == "2"


def test_three_networks_are_kept_and_the_least_recently_used_is_dropped(tmp_path: Path) -> None:
    for name in ("first", "second", "third", "fourth"):
        write_manifest(tmp_path, name, name)
    for name in ("first", "second", "third", "first", "fourth"):
        embedder(model(name))
    assert list(inference._loaded) == [("third", 1), ("first", 1), ("fourth", 1)]


def test_a_loaded_network_is_returned_while_another_one_is_loading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("old", "new"):
        write_manifest(tmp_path, name, name)
    old = embedder(model("old"))
    started, released = threading.Event(), threading.Event()

    def load(folder: ModelFolder, streams: int) -> Any:
        started.set()
        assert released.wait(30)
        return SimpleNamespace(folder=folder)

    monkeypatch.setattr(inference, "Embedder", load)
    with ThreadPoolExecutor(3) as threads:
        loading = [threads.submit(embedder, model("new")) for _thread in range(2)]
        assert started.wait(30)
        try:
            assert threads.submit(embedder, model("old")).result(timeout=30) is old
        finally:
            released.set()
        assert loading[0].result() is loading[1].result()


def test_a_network_with_other_streams_is_loaded_separately(tmp_path: Path) -> None:
    write_manifest(tmp_path, "one", "1")
    assert (embedder(model("one")).streams, embedder(model("one"), 2).streams) == (1, 2)


@pytest.mark.parametrize(
    ("able", "wanted", "runs"),
    [
        (["FP32", "BF16"], "f32", "f32"),
        (["FP32", "BF16"], "bf16", "bf16"),
        (["FP32"], "bf16", "f32"),
    ],
)
def test_a_precision_is_used_if_the_processor_supports_it(
    able: list[str],
    wanted: str,
    runs: str,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.NETWORK_PRECISION = wanted
    core: Any = SimpleNamespace(get_property=lambda device, name: able)
    assert inference._precision(core) == runs
    assert len(caplog.messages) == (wanted != runs)
