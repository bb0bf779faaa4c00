"""Train small networks on the demo catalogue."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command

from recommender.embedding.inference import Embedder
from recommender.embedding.model_folder import ModelFolder
from recommender.embedding.model_store import find_model
from recommender.training import checkpoint
from recommender.training.catalogue import open_entries
from recommender.training.options import make_options
from recommender.training.run import run_folder
from recommender.training.snapshot import load_snapshot, take_snapshot
from recommender.training.trainer import Trainer, heads_loss, values_of

from .conftest import DEMO

SHORT = {
    "size": 32,
    "epochs": 3,
    "frozen_epochs": 1,
    "batch": 8,
    "limit": 40,
    "seed": 3,
    "unfreeze": "last",
}

# Training takes two minutes on two cores, and more beside other work.
pytestmark = [pytest.mark.timeout(900), pytest.mark.slow]


def _figures(name: str) -> dict:
    found = json.loads((find_model(name).path / "metrics.json").read_text())
    del found["name"], found["options"]["name"]
    return found


def _train(name: str, **options) -> None:
    call_command("train_embedder", name, source="untrained", catalogue=DEMO, **options)


def _start_and_kill(name: str, place: Path) -> None:
    """Train in a process and kill it by SIGKILL once its second epoch is saved."""
    values = {key.replace("_", "-"): value for key, value in SHORT.items()}
    options = [f"--{key}={value}" for key, value in values.items()]
    command = [sys.executable, "manage.py", "train_embedder", name, "--from=untrained"]
    # Addresses of nothing, because training needs neither PostgreSQL nor Redis.
    servers = {"DATABASE_URL": "postgresql://none:1/none", "REDIS_URL": "redis://none:1"}
    child = subprocess.Popen(
        [*command, f"--catalogue={DEMO}", *options],
        cwd=django_settings.BASE_DIR,
        env=os.environ | servers | {"SECRET_KEY": "test", "VAR_DIR": str(place)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    with child, child.stderr as lines:
        assert any(line.startswith("Epoch 2 of 3") for line in lines)
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL


def test_a_killed_run_equals_an_uninterrupted_one_once_resumed(places: Path) -> None:
    _start_and_kill("killed", places)
    assert (places / "training" / "killed" / checkpoint.FILE).exists()
    assert not (places / "models" / "killed").exists()
    with pytest.raises(CommandError, match=r"unfinished run. Continue it with --resume"):
        _train("killed", **SHORT)
    with pytest.raises(CommandError, match=r"A resumed run keeps its options; leave out --size"):
        call_command("train_embedder", "killed", resume=True, size=64)
    call_command("train_embedder", "killed", resume=True)
    _train("whole", **SHORT)
    killed, whole = _figures("killed"), _figures("whole")
    assert killed == whole
    assert len(whole["weights"]) == 64
    assert find_model("killed").sha256 == find_model("whole").sha256
    assert not (places / "training" / "killed").exists()


# With seed 1 the P@5 of the category rises from 0.577 to 0.639.
MARGIN = 0.04


def test_training_improves_precision_and_writes_a_usable_model(places: Path) -> None:
    """Train from random weights; 62 products are queries, and 247 are searched."""
    _train("taught", size=48, epochs=3, batch=16, augment=False, seed=1)
    figures = _figures("taught")
    before, after = (figures[when]["validation"]["category"] for when in ("before", "after"))
    assert after > before + MARGIN
    losses = [entry["loss"] for entry in figures["epochs"]]
    assert losses == sorted(losses, reverse=True)
    assert figures["products"] == {"train": 247, "validation": 62, "excluded": 0, "damaged": 0}
    folder = find_model("taught")
    assert sorted(path.name for path in folder.path.iterdir()) == [
        "curves.svg",
        "manifest.json",
        "metrics.json",
        "weights.safetensors",
    ]
    assert folder.manifest["quality"]["after"]["validation"]["category"] == after
    assert set(folder.manifest) <= {*find_model("fashion-3").manifest, "spread"}
    assert folder.manifest["dimensions"] == 256
    assert 0 < (folder.spread or 0) < 0.5
    assert (folder.path / "curves.svg").read_text().count("<path") == 6 + 1 + 5
    _check_engines(folder)
    with pytest.raises(CommandError, match=r"There is a model 'taught' already; choose another"):
        _train("taught", size=48)


def _check_engines(folder: ModelFolder) -> None:
    """Check that OpenVINO computes the same vectors as Keras."""
    pictures = list(np.random.default_rng(1).integers(0, 256, (3, 48, 48, 3), dtype=np.uint8))
    fast, plain = (Embedder(folder, engine=e).embed(pictures) for e in ("openvino", "keras"))
    assert fast.shape == (3, 256)
    assert np.abs(fast - plain).max() < 1e-4


@pytest.fixture
def trainer(tmp_path: Path) -> Trainer:
    """Make a trainer at 32 px with two epochs, of which one is frozen."""
    return _trainer(tmp_path)


def _trainer(folder: Path, **given) -> Trainer:
    values = {"size": 32, "epochs": 2, "frozen_epochs": 1, "batch": 8, "limit": 30}
    options = make_options("new", "untrained", values | given)
    with open_entries(DEMO) as entries:
        take_snapshot(folder, entries, set(), options, lambda done, total: None)
    return Trainer(options, load_snapshot(folder, 32))


def _changed(before: dict, after: dict) -> set[str]:
    return {name for name in before if (before[name] != after[name]).any()}


def test_frozen_epochs_train_the_heads_and_later_ones_the_last_stage(
    tmp_path: Path,
) -> None:
    trainer = _trainer(tmp_path, unfreeze="last")
    start, heads = trainer.weights(), [values_of(head) for head in trainer.heads]
    trainer.learn(1)
    frozen = trainer.weights()
    assert _changed(start, frozen) == set()
    assert all((values_of(h) != old).any() for h, old in zip(trainer.heads, heads, strict=True))
    trainer.learn(2)
    changed = _changed(start, trainer.weights())
    assert {name.split("_")[0].split("/")[0] for name in changed} == {"conv5", "embedding"}
    assert {"conv5_block1_1_conv/kernel", "embedding/kernel", "embedding/bias"} <= changed
    # BatchNorm learns its scales and keeps its statistics.
    assert "conv5_block1_1_bn/gamma" in changed
    assert not any("moving_" in name for name in changed)


def test_missing_labels_are_masked(trainer: Trainer) -> None:
    features = np.random.default_rng(1).normal(size=(4, 256)).astype(np.float32)
    nothing = np.full((4, 4), -1, np.int32)
    assert float(heads_loss(features, trainer.heads, nothing)) == 0
    half = nothing.copy()
    half[:2, 1] = [0, 1]
    full = nothing.copy()
    full[:, 1] = [0, 1, 0, 1]
    # The features are looked at without their mean, so all four stay in the batch.
    kernel = values_of(trainer.heads[1])
    centred = features - features.mean(0)
    cosines = (centred / np.linalg.norm(centred, axis=1, keepdims=True)) @ (
        kernel / np.linalg.norm(kernel, axis=0)
    )
    each = -np.log(np.exp(16 * cosines) / np.exp(16 * cosines).sum(1, keepdims=True))
    found = float(heads_loss(features, trainer.heads, half))
    assert found == pytest.approx(0.6 * (each[0, 0] + each[1, 1]) / 2, rel=1e-4)
    whole = float(heads_loss(features, trainer.heads, full))
    assert whole == pytest.approx(0.6 * each[[0, 1, 2, 3], [0, 1, 0, 1]].mean(), rel=1e-4)


def test_the_loss_ignores_the_mean_of_the_batch(trainer: Trainer) -> None:
    features = np.random.default_rng(1).normal(size=(4, 256)).astype(np.float32)
    labels = np.zeros((4, 4), np.int32)
    shifted = features + np.float32(3)
    first, second = (float(heads_loss(f, trainer.heads, labels)) for f in (features, shifted))
    assert first == pytest.approx(second, rel=1e-4)


def test_the_rate_warms_up_and_falls_within_each_stage(tmp_path: Path) -> None:
    trainer = _trainer(tmp_path, epochs=11, learning_rate=0.1)
    assert trainer.steps == 3
    assert trainer.rate(1, 0) == pytest.approx(10 * 0.1 / 3)
    assert trainer.rate(2, 0) == pytest.approx(0.1 / 20)
    assert trainer.rate(8, 2) == pytest.approx(0.1 * 0.5 * (1 + np.cos(np.pi * 20 / 30)))
    assert trainer.rate(11, 2) < 0.001


def test_a_loss_that_is_nan_stops_the_run_and_leaves_no_model(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Trainer, "rate", lambda self, epoch, step: float("nan"))
    with pytest.raises(
        CommandError, match=r"no longer a number in epoch 1. Start again with a low"
    ):
        _train("wild", size=32, epochs=2, frozen_epochs=1, batch=8, limit=40)
    assert not (places / "models" / "wild").exists()


def test_a_damaged_checkpoint_is_refused(places: Path) -> None:
    folder = run_folder("torn")
    folder.mkdir(parents=True)
    trainer = _trainer(folder)
    (folder / "options.json").write_text(json.dumps(trainer.options.as_json()))
    (folder / checkpoint.FILE).write_bytes(b"half")
    with pytest.raises(CommandError, match=r"checkpoint.safetensors is damaged: .* train again"):
        call_command("train_embedder", "torn", resume=True)
