"""Keras's own ImageNet weights as a model folder. Needs internet once; Keras checks the hash."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

SIDE = 224


def make_folder(path: Path) -> Path:
    """Download, write as safetensors and describe. The folder is whole or absent."""
    import numpy as np
    from keras.applications import ResNet50
    from safetensors.numpy import save_file

    from recommender.network import weight_names

    network = ResNet50(include_top=False, weights="imagenet", pooling="avg")
    new = path.with_name(f"{path.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    tensors = {name: np.asarray(variable) for name, variable in weight_names(network)}
    save_file(tensors, new / "weights.safetensors")
    digest = hashlib.sha256((new / "weights.safetensors").read_bytes()).hexdigest()
    manifest = {
        "name": "imagenet",
        "architecture": "keras.applications.ResNet50, include_top=False, pooling='avg'",
        "dimensions": 2048,
        "normalise": "l2",
        "input": {"size": [SIDE, SIDE]},
        "weights": {"file": "weights.safetensors", "sha256": digest},
    }
    (new / "manifest.json").write_text(json.dumps(manifest, indent=1))
    new.rename(path)
    return path
