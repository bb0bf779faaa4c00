"""Find model folders by name, and download Keras's ImageNet weights as one."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from recommender.folder import ModelFolder, ModelFolderError, write_model

IMAGENET_SIDE = 224


def find_model(name: str) -> ModelFolder:
    """Return the folder ``name`` of ``settings.MODEL_FOLDERS``; Keras fetches ``imagenet``."""
    for parent in settings.MODEL_FOLDERS:
        if (parent / name / "manifest.json").exists():
            return ModelFolder(Path(parent / name))
    if name == "imagenet":
        return ModelFolder(download_imagenet(settings.MODEL_FOLDERS[0] / name))
    places = ", ".join(str(parent) for parent in settings.MODEL_FOLDERS)
    raise ModelFolderError(f"There is no model folder {name!r} in {places}")


def download_imagenet(path: Path) -> Path:
    """Write Keras's ImageNet weights as a model folder. Keras checks the download's hash."""
    import numpy as np
    from keras.applications import ResNet50

    from recommender.network import weight_names

    network = ResNet50(include_top=False, weights="imagenet", pooling="avg")
    weights = {name: np.asarray(variable) for name, variable in weight_names(network)}
    manifest = {
        "name": "imagenet",
        "architecture": "keras.applications.ResNet50, include_top=False, pooling='avg'",
        "dimensions": 2048,
        "normalise": "l2",
        "input": {"size": [IMAGENET_SIDE, IMAGENET_SIDE]},
        "weights": {"file": "weights.safetensors"},
    }
    write_model(path, manifest, weights, {})
    return path
