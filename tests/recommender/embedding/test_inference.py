from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from recommender.embedding import inference as runtime


def test_a_name_that_comes_back_with_other_weights_is_loaded_again(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MODEL_FOLDERS = [tmp_path]
    monkeypatch.setattr(runtime, "Embedder", lambda folder, streams: SimpleNamespace(folder=folder))
    monkeypatch.setattr(runtime, "_loaded", {})
    manifest = tmp_path / "again" / "manifest.json"
    manifest.parent.mkdir()
    manifest.write_text('{"weights": {"sha256": "1"}}')
    first = runtime.embedder("again")
    assert runtime.embedder("again") is first
    manifest.write_text('{"weights": {"sha256": "2"}}')
    assert runtime.embedder("again").folder.digest == "2"


def test_three_networks_are_kept_and_what_was_not_used_for_longest_goes(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = SimpleNamespace(manifest={})
    monkeypatch.setattr(runtime, "find_model", lambda name: made)
    monkeypatch.setattr(runtime, "Embedder", lambda folder, streams: SimpleNamespace(folder=folder))
    monkeypatch.setattr(runtime, "_loaded", {})
    for name in ("first", "second", "third", "first", "fourth"):
        runtime.embedder(name)
    assert list(runtime._loaded) == [("third", 1), ("first", 1), ("fourth", 1)]


@pytest.mark.parametrize(
    ("able", "wanted", "runs"),
    [
        (["FP32", "BF16"], "f32", "f32"),
        (["FP32", "BF16"], "bf16", "bf16"),
        (["FP32"], "bf16", "f32"),
    ],
)
def test_a_precision_is_used_where_the_processor_has_it(
    able: list[str],
    wanted: str,
    runs: str,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.NETWORK_PRECISION = wanted
    core: Any = SimpleNamespace(get_property=lambda device, name: able)
    assert runtime._precision(core) == runs
    assert len(caplog.messages) == (wanted != runs)
