"""Write the result of a run: a model folder with its manifest, figures and curves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings

from recommender.embedding.model_folder import write_model
from recommender.models import DIMENSIONS
from recommender.training.checkpoint import State, weights_hash
from recommender.training.curves import draw_curves
from recommender.training.measuring import MAX_GALLERY, Precision
from recommender.training.options import UNTRAINED, Options
from recommender.training.snapshot import TRAIN, Snapshot
from recommender.training.trainer import WEIGHTS, Tensors

STREET = "crop, scale, rotation, flip, light; catalogue background replaced by drawn scenes in 30 %"


def write_results(
    options: Options,
    snapshot: Snapshot,
    state: State,
    after: dict[str, Precision],
    spread: float,
    weights: Tensors,
) -> Path:
    """Write the model folder atomically and return it.

    Raises ``ModelFolderError`` if the name is taken.
    """
    figures = {
        "name": options.name,
        "weights": weights_hash(weights),
        "best_epoch": state.best,
        "before": state.before,
        "after": after,
        "products": snapshot.counts,
        "options": options.as_json(),
        "epochs": state.history,
    }
    files = {
        "metrics.json": json.dumps(figures, indent=1),
        "curves.svg": draw_curves(options.name, state.history, state.best),
    }
    path = Path(settings.MODEL_FOLDERS[0]) / options.name
    write_model(path, _manifest(options, snapshot, state, after, spread), weights, files)
    return path


def _manifest(
    options: Options,
    snapshot: Snapshot,
    state: State,
    after: dict[str, Precision],
    spread: float,
) -> dict[str, Any]:
    side = options.size
    return {
        "name": options.name,
        "version": 1,
        "architecture": "keras.applications.ResNet50, include_top=False, pooling='avg'; then "
        "Dense(256, name='embedding') with bias, no activation",
        "dimensions": DIMENSIONS,
        "normalise": "l2",
        "spread": {
            "what": "half of the squared L2 distance to the fifth neighbour, in the median of "
            f"{snapshot.counts['validation']:,} products for validation; neighbours as in quality",
            "value": round(spread, 5),
        },
        "input": {
            "size": [side, side],
            "resize": f"keep the aspect ratio, longest side {side}, paste in the middle of white",
            "resample": "bicubic up, Lanczos down",
            "channels": "RGB picture, EXIF-rotated, alpha on white",
            "preprocessing": "keras.applications.resnet50.preprocess_input "
            "('caffe': BGR, minus 103.939 116.779 123.68)",
        },
        "weights": {
            "file": "weights.safetensors",
            "tensors": "<layer>/kernel (HWIO), bias, gamma, beta, moving_mean, moving_variance "
            "(float32); layer names as in Keras; embedding/kernel (2048, 256) and embedding/bias "
            "on the pooled features",
        },
        "training": _training(options, snapshot, state),
        "quality": {
            "measure": "precision@5 by L2 of products that were not learned from against those "
            f"that were (at most {MAX_GALLERY:,}); validation chose the epoch, excluded did not",
            "before": state.before,
            "after": after,
        },
    }


def _training(options: Options, snapshot: Snapshot, state: State) -> dict[str, Any]:
    start = "random initialisation" if options.source == UNTRAINED else options.source
    losses = ", ".join(f"{name} ({weight})" for name, weight in WEIGHTS.items())
    return {
        "from": start,
        "from_sha256": options.sha256,
        "data": f"{len(snapshot.parts[TRAIN]):,} products of the shop's catalogue",
        "never_seen": f"{snapshot.counts['validation']:,} products for validation, "
        f"{snapshot.counts['excluded']:,} excluded",
        "loss": f"cosine-softmax on {losses}; missing labels masked",
        "schedule": f"{options.frozen_epochs} epochs of the heads alone, then {options.unfreeze} "
        f"layers; epoch {state.best} of {state.epoch} by validation; Adam, "
        f"rate {options.learning_rate:g}, cosine, batch {options.batch}, seed {options.seed}; "
        "BatchNorm statistics kept",
        "augmentation": STREET if options.augment else "none",
    }
