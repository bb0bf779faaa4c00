"""Read and write model folders: ``manifest.json`` and the weights it names, checked by hash."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class ModelFolderError(RuntimeError):
    """Raised when a model folder is missing, incomplete or contradicts its manifest."""


@dataclass(frozen=True)
class ModelFolder:
    """Reads the manifest and the weights of a model folder."""

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
    def input_size(self) -> int:
        """The side in pixels of the square that is the network's input."""
        return int(self.manifest["input"]["size"][0])

    @property
    def sha256(self) -> str:
        """The hash of the weights, which identifies the network."""
        return str(self.manifest["weights"]["sha256"])

    @property
    def spread(self) -> float | None:
        """The spread that training measured, if any (see ``EmbeddingModel.spread``)."""
        spread = self.manifest.get("spread")
        return float(spread["value"]) if spread else None

    @property
    def photo_shift(self) -> NDArray[np.float32] | None:
        """The mean embedding of training photos minus that of catalogue images, if measured."""
        shift = self.manifest.get("photo_shift")
        return np.array(shift["values"], np.float32) if shift else None

    def weights(self) -> Path:
        """Return the file of weights. Raises ``ModelFolderError`` if its SHA-256 is wrong."""
        file = self.path / str(self.manifest["weights"]["file"])
        if not file.exists():
            raise ModelFolderError(f"{file} is missing")
        with file.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        if found != self.sha256:
            raise ModelFolderError(f"{file} is damaged: its SHA-256 is {found}, not {self.sha256}")
        return file


def write_model(
    path: Path,
    manifest: Mapping[str, Any],
    weights: Mapping[str, NDArray[np.float32]],
    files: Mapping[str, str],
) -> None:
    """Write a model folder atomically: weights, manifest, and further text ``files`` by name.

    ``manifest["weights"]["file"]`` is the name of the file for the weights, whose hash is added to
    the manifest. Raises ``ModelFolderError`` if the path exists, ``OSError`` if writing fails.
    """
    from safetensors.numpy import save_file

    if path.exists():
        raise ModelFolderError(f"{path} exists already; choose another name")
    new = path.with_name(f".{path.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    try:
        new.mkdir(parents=True)
        file = new / str(manifest["weights"]["file"])
        save_file(dict(weights), file)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        described = {**manifest, "weights": {**manifest["weights"], "sha256": digest}}
        for name, text in {**files, "manifest.json": json.dumps(described, indent=1)}.items():
            (new / name).write_text(text, encoding="utf-8")
        new.rename(path)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
