"""Open a catalogue: a folder, a table, or a ZIP, which is read without being unpacked."""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, Protocol

from django.conf import settings
from django.utils.translation import gettext as _

from shop.imports.errors import ImportProblem, RowError
from shop.imports.parsing.archives import ZipStore, list_names
from shop.imports.parsing.pictures import Pictures, file_name
from shop.imports.parsing.web import fetch, may_fetch

TABLE = "styles.csv"
IMAGES = "images"
TEXTS, WORKBOOKS = (".csv", ".txt", ".tsv"), (".xlsx", ".xlsm")
# The assumed size of a picture on the web; its real size is unknown when batches are formed.
REMOTE_PICTURE_BYTES = 512 * 1024
PICTURE_SUFFIX = re.compile(r"\.(jpe?g|jpe|png|webp|gif|bmp|tiff?|avif|hei[cf])", re.IGNORECASE)


class Store(Protocol):
    """Provides files by name; ``warnings`` tell which files cannot be used."""

    warnings: list[str]

    def names(self) -> Iterable[str]: ...
    def size(self, name: str) -> int: ...
    def open(self, name: str) -> IO[bytes]: ...


class FolderStore:
    """Provides the files of a folder and of its subfolder ``images``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.warnings: list[str] = []

    def names(self) -> Iterator[str]:
        for folder in (self.folder / IMAGES, self.folder):
            if folder.is_dir():
                files = (path for path in folder.iterdir() if path.is_file())
                yield from sorted(path.relative_to(self.folder).as_posix() for path in files)

    def size(self, name: str) -> int:
        return (self.folder / name).stat().st_size

    def open(self, name: str) -> IO[bytes]:
        return (self.folder / name).open("rb")


@dataclass
class Source:
    """Holds the table of a catalogue and its pictures.

    ``files`` are the names of the pictures. ``assigned`` holds the pictures of each product, and is
    filled by ``read_table``. Pictures on the web are fetched only from ``hosts``. ``display_name``
    is the name that the uploader gave to the table.
    """

    tables: Store
    table: str
    pictures: Store
    files: list[str]
    warnings: list[str]
    assigned: Pictures = field(default_factory=Pictures)
    display_name: str = ""
    hosts: frozenset[str] = frozenset()

    @property
    def is_workbook(self) -> bool:
        return self.table.lower().endswith(WORKBOOKS)

    def open_table(self) -> IO[bytes]:
        try:
            return self.tables.open(self.table)
        except (OSError, RuntimeError, zipfile.BadZipFile) as error:
            text = _(
                "%(name)s cannot be opened: %(error)s. Create the archive again, without a "
                "password."
            )
            values = {"name": self.display_name or self.table, "error": error}
            raise ImportProblem(text % values) from error

    @cached_property
    def _names(self) -> set[str]:
        return {posixpath.basename(name).casefold() for name in self.files}

    def local_names(self, addresses: Iterable[str]) -> list[str]:
        """Return the file names in those URLs for which a local picture has the same file name."""
        return [name for address in addresses if (name := file_name(address)) in self._names]

    def should_fetch(self, address: str) -> bool:
        """Return whether to fetch a URL: its host is allowed, and no local file has its name."""
        return may_fetch(address, self.hosts) and not self.local_names([address])

    def pictures_of(self, external_id: str) -> list[str]:
        """Return the names of the product's pictures in display order."""
        return self.assigned.of.get(external_id, [])

    def picture_size(self, name: str) -> int:
        """Return the size of a picture in bytes.

        It is 0 for a file that has disappeared, because reading the file will report that.
        """
        if may_fetch(name, self.hosts):
            return REMOTE_PICTURE_BYTES
        try:
            return self.pictures.size(name)
        except OSError:
            return 0

    def read_picture_file(self, name: str) -> bytes:
        """Return the bytes of a picture. Raises ``RowError`` if it is too large or unreadable."""
        if may_fetch(name, self.hosts):
            return fetch(name)
        if self.picture_size(name) > settings.PICTURE_MAX_BYTES:
            limit = settings.PICTURE_MAX_BYTES // (1024 * 1024)
            text = _("%(name)s is larger than %(limit)s MB. Make the image smaller.")
            raise RowError(text % {"name": name, "limit": limit})
        try:
            with self.pictures.open(name) as file:
                # The read is limited as well, because an archive may state a wrong size.
                return file.read(settings.PICTURE_MAX_BYTES + 1)
        except (OSError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            text = _("%(name)s cannot be read: %(error)s")
            raise RowError(text % {"name": name, "error": error}) from error


@contextmanager
def open_source(
    path: Path, images: Path | None = None, names: Mapping[Path, str] | None = None
) -> Iterator[Source]:
    """Open a catalogue, which may be a folder, a ZIP or a table.

    ``images`` is a folder or a ZIP with the pictures. ``names`` maps paths to the names for error
    messages.
    """
    names = names or {}
    with ExitStack() as stack:
        if not path.exists():
            text = _("%(path)s does not exist. Give a folder, a ZIP or a CSV file.")
            raise ImportProblem(text % {"path": names.get(path, path)})
        if path.is_file() and path.name.lower().endswith((*TEXTS, *WORKBOOKS)):
            tables: Store = FolderStore(path.parent)
            table = path.name
        else:
            tables = _open_store(path, stack, names.get(path))
            table = _find_table(tables, names.get(path) or str(path))
        pictures = tables if images is None else _open_store(images, stack, names.get(images))
        files = _picture_files(pictures, table if images is None else None)
        display_name = names.get(path, "") if path.name == table else ""
        yield Source(tables, table, pictures, files, pictures.warnings, display_name=display_name)


def _open_store(path: Path, stack: ExitStack, display_name: str | None) -> Store:
    if path.is_dir():
        return FolderStore(path)
    if not path.exists():
        text = _("%(path)s does not exist. Give a folder or a ZIP.")
        raise ImportProblem(text % {"path": display_name or path})
    try:
        return ZipStore(stack.enter_context(zipfile.ZipFile(path)))
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        text = _(
            "%(path)s is neither a folder nor a readable ZIP (%(error)s). If it was "
            "downloaded, download it again."
        )
        raise ImportProblem(text % {"path": display_name or path, "error": error}) from error


def _find_table(store: Store, display_name: str) -> str:
    """Return the ``styles.csv`` closest to the root, or else the only table in the store."""
    names = list(store.names())
    found = [name for name in names if posixpath.basename(name).lower() == TABLE]
    tables = [name for name in names if name.lower().endswith((*TEXTS, *WORKBOOKS))]
    if not found and len(tables) != 1:
        text = _(
            "%(path)s contains neither %(table)s nor exactly one other table. It contains: "
            "%(names)s"
        )
        values = {"path": display_name, "table": TABLE, "names": list_names(tables) or "–"}
        raise ImportProblem(text % values)
    found = found or tables
    return min(found, key=lambda name: (name.count("/"), name))


def _picture_files(store: Store, table: str | None) -> list[str]:
    """Return the names of the pictures in a store.

    If a ``table`` is given, only pictures in its folder and in the subfolder ``images`` count.
    """
    base = posixpath.dirname(table) if table else ""
    folders = {base, posixpath.join(base, IMAGES)}
    return [
        name
        for name in store.names()
        if PICTURE_SUFFIX.fullmatch(posixpath.splitext(name)[1])
        and (table is None or posixpath.dirname(name) in folders)
    ]
