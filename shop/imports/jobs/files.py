"""Open and delete the files of an upload; files in a remote storage are copied first."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from django.db.models.fields.files import FieldFile
from django.utils.translation import gettext as _

from shop.imports.errors import ImportProblem
from shop.imports.models import Upload
from shop.imports.parsing.source import Source, open_source


@contextmanager
def opened(upload: Upload) -> Iterator[Source]:
    """Open the files of an upload; error messages contain the file names that the uploader used."""
    with (
        local_files(upload) as (path, images),
        open_source(path, images, file_names(upload, path, images)) as source,
    ):
        yield source


def file_names(upload: Upload, path: Path, images: Path | None) -> dict[Path, str]:
    """Return the original names of the uploaded files, by their local paths."""
    names = {path: upload.table_name}
    return names | {images: upload.pictures_name} if images else names


@contextmanager
def local_files(upload: Upload) -> Iterator[tuple[Path, Path | None]]:
    """Yield the local paths of the table and of the pictures.

    The files are copied to a temporary folder if their storage has no local paths.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="upload-")))
        table = _local(upload.table, folder)
        yield table, _local(upload.pictures, folder) if upload.pictures else None


def _local(file: FieldFile, folder: Path) -> Path:
    name = Path(file.name or "").name
    try:
        path = Path(file.path)
    except NotImplementedError:
        path = folder / name
        with file.open("rb") as source, path.open("wb") as target:
            shutil.copyfileobj(source, target, 1024 * 1024)
    if not path.exists():
        raise ImportProblem(_("The uploaded file has been deleted. Upload it again."))
    return path


def delete_files(upload: Upload) -> None:
    """Delete the uploaded files from their storage."""
    for file in (upload.table, upload.pictures):
        if file:
            file.delete(save=False)
