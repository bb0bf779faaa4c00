"""A model folder: ``manifest.json`` and the weights it names, checked by hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from django.conf import settings


class ModelFolderError(RuntimeError):
    """The folder is missing, incomplete or not what its manifest says."""


@dataclass(frozen=True)
class ModelFolder:
    path: Path

    @cached_property
    def manifest(self) -> dict[str, Any]:
        file = self.path / "manifest.json"
        try:
            manifest: dict[str, Any] = json.loads(file.read_text())
        except (OSError, ValueError) as error:
            raise ModelFolderError(f"{file} cannot be read: {error}") from error
        return manifest

    @property
    def name(self) -> str:
        return str(self.manifest["name"])

    @property
    def side(self) -> int:
        """The side in pixels of the square that the network sees."""
        return int(self.manifest["input"]["size"][0])

    @property
    def digest(self) -> str:
        return str(self.manifest["weights"]["sha256"])

    def weights(self) -> Path:
        """The weights' file. Raises ``ModelFolderError`` if its SHA-256 is another."""
        file = self.path / str(self.manifest["weights"]["file"])
        if not file.exists():
            raise ModelFolderError(f"{file} is missing")
        with file.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        if found != self.digest:
            raise ModelFolderError(f"{file} is damaged: its SHA-256 is {found}, not {self.digest}")
        return file


def find_model(name: str) -> ModelFolder:
    """The folder ``name`` in ``settings.MODEL_FOLDERS``; ``imagenet`` is fetched by Keras."""
    for parent in settings.MODEL_FOLDERS:
        if (parent / name / "manifest.json").exists():
            return ModelFolder(Path(parent / name))
    if name == "imagenet":
        from recommender import imagenet

        return ModelFolder(imagenet.make_folder(settings.MODEL_FOLDERS[0] / name))
    places = ", ".join(str(parent) for parent in settings.MODEL_FOLDERS)
    raise ModelFolderError(f"There is no model folder {name!r} in {places}")
