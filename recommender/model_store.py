"""Find model folders by name."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from recommender import imagenet
from recommender.folder import ModelFolder, ModelFolderError


def find_model(name: str) -> ModelFolder:
    """Return the folder ``name`` of ``settings.MODEL_FOLDERS``; Keras fetches ``imagenet``."""
    for parent in settings.MODEL_FOLDERS:
        if (parent / name / "manifest.json").exists():
            return ModelFolder(Path(parent / name))
    if name == "imagenet":
        return ModelFolder(imagenet.make_folder(settings.MODEL_FOLDERS[0] / name))
    places = ", ".join(str(parent) for parent in settings.MODEL_FOLDERS)
    raise ModelFolderError(f"There is no model folder {name!r} in {places}")
