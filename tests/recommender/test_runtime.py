from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from recommender import runtime


def test_a_name_that_comes_back_with_other_weights_is_loaded_again(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MODEL_FOLDERS = [tmp_path]
    monkeypatch.setattr(runtime, "Embedder", lambda folder: SimpleNamespace(folder=folder))
    monkeypatch.setattr(runtime, "_loaded", {})
    manifest = tmp_path / "again" / "manifest.json"
    manifest.parent.mkdir()
    manifest.write_text('{"weights": {"sha256": "1"}}')
    first = runtime.embedder("again")
    assert runtime.embedder("again") is first
    manifest.write_text('{"weights": {"sha256": "2"}}')
    assert runtime.embedder("again").folder.digest == "2"
