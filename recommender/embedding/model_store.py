"""Find model folders by name, and download Keras's ImageNet weights as a model folder."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from recommender.embedding.model_folder import ModelFolder, ModelFolderError, write_model
from recommender.models import EmbeddingModel

IMAGENET_INPUT_SIZE = 224


def find_model(name: str) -> ModelFolder:
    """Return the folder ``name`` of ``settings.MODEL_FOLDERS``; download ``imagenet`` if needed."""
    if folder := installed_model(name):
        return folder
    if name == "imagenet":
        return ModelFolder(download_imagenet(settings.MODEL_FOLDERS[0] / name))
    searched = ", ".join(str(parent) for parent in settings.MODEL_FOLDERS)
    raise ModelFolderError(f"There is no model folder {name!r} in {searched}. Put it there.")


def installed_model(name: str) -> ModelFolder | None:
    """Return the folder ``name`` of ``settings.MODEL_FOLDERS`` if it exists."""
    for parent in settings.MODEL_FOLDERS:
        if (parent / name / "manifest.json").exists():
            return ModelFolder(Path(parent / name))
    return None


def model_folder(model: EmbeddingModel) -> ModelFolder:
    """Return the model's folder. Raises ``ModelFolderError`` if it has other weights."""
    folder = find_model(model.name)
    if model.sha256 and folder.sha256 != model.sha256:
        raise ModelFolderError(
            f"{folder.path} holds other weights than the shop's model {model.name}: their SHA-256 "
            f"is {folder.sha256}, not {model.sha256}. Restore the old weights, or add the new ones "
            "under another name: manage.py embedding_model add NAME"
        )
    return folder


def unusable_reason(model: EmbeddingModel) -> str:
    """Return why workers cannot use the model's folder, or ``""``; does not hash its weights."""
    try:
        folder = model_folder(model)
        file = folder.path / str(folder.manifest["weights"]["file"])
        return "" if file.exists() else f"{file} is missing."
    except ModelFolderError as error:
        return str(error)


def download_imagenet(path: Path) -> Path:
    """Write Keras's ImageNet weights as a model folder; Keras verifies the hash of its download."""
    import numpy as np
    from keras.applications import ResNet50

    from recommender.embedding.network import weight_names

    network = ResNet50(include_top=False, weights="imagenet", pooling="avg")
    weights = {name: np.asarray(variable) for name, variable in weight_names(network)}
    manifest = {
        "name": "imagenet",
        "architecture": "keras.applications.ResNet50, include_top=False, pooling='avg'",
        "dimensions": 2048,
        "normalise": "l2",
        "input": {"size": [IMAGENET_INPUT_SIZE, IMAGENET_INPUT_SIZE]},
        "weights": {"file": "weights.safetensors"},
    }
    write_model(path, manifest, weights, {})
    return path
