"""Read untrusted ZIP files within limits, and warn of skipped entries."""

from __future__ import annotations

import posixpath
import re
import stat
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import IO

from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext as _

from shop.imports.errors import ImportProblem

ARCHIVE = re.compile(r"\.(zip|rar|7z|tar|tgz|gz|bz2|xz)\Z", re.IGNORECASE)
MAX_LISTED_NAMES = 5
# A ZIP that unpacks to at most this size cannot fill a disk, so its compression is not checked.
HARMLESS_BYTES = 64 * 1024 * 1024


class ZipStore:
    """Reads the entries of a ZIP.

    Several threads may read at once, because ``ZipFile`` locks its file. Raises ``ImportProblem``
    if the ZIP exceeds the limits.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        entries = archive.infolist()
        if len(entries) > settings.IMPORT_MAX_FILES:
            text = _("The ZIP contains %(count)s files; at most %(limit)s are allowed.")
            limit = intcomma(settings.IMPORT_MAX_FILES)
            raise ImportProblem(text % {"count": intcomma(len(entries)), "limit": limit})
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > settings.IMPORT_MAX_UNPACKED_BYTES:
            text = _(
                "The ZIP would unpack to %(size)s MB; at most %(limit)s MB are allowed. Split "
                "it into several files."
            )
            limit = intcomma(settings.IMPORT_MAX_UNPACKED_BYTES // 1024**2)
            raise ImportProblem(text % {"size": intcomma(unpacked // 1024**2), "limit": limit})
        _check_ratio(unpacked, sum(entry.compress_size for entry in entries))
        self._entries = {entry.filename: entry for entry in entries if _is_usable(entry)}
        self.warnings = list(_warnings(entries))

    def names(self) -> Iterator[str]:
        return iter(sorted(self._entries))

    def size(self, name: str) -> int:
        return self._entries[name].file_size

    def open(self, name: str) -> IO[bytes]:
        return self.archive.open(name)


def _check_ratio(unpacked: int, packed: int) -> None:
    """Raise ``ImportProblem`` if the compression ratio is that of a ZIP bomb.

    Pictures and tables never reach the limit.
    """
    if unpacked > HARMLESS_BYTES and unpacked > packed * settings.IMPORT_MAX_RATIO:
        text = _(
            "The ZIP would unpack to %(times)s times its size; at most %(limit)s times are "
            "allowed. Is this a ZIP of images?"
        )
        times = intcomma(unpacked // max(1, packed))
        raise ImportProblem(text % {"times": times, "limit": settings.IMPORT_MAX_RATIO})


def _is_usable(entry: zipfile.ZipInfo) -> bool:
    return _is_inside(entry.filename) and not _is_link(entry)


def _is_inside(name: str) -> bool:
    """Return whether the name is that of a file in the archive and not of macOS metadata."""
    parts = name.replace("\\", "/").split("/")
    # An absolute path begins with a slash, and a folder ends with one.
    is_relative_file = parts[0] != "" and parts[-1] != "" and not parts[0].endswith(":")
    return is_relative_file and ".." not in parts and "__MACOSX" not in parts


def _is_link(entry: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(entry.external_attr >> 16)


def _warnings(entries: list[zipfile.ZipInfo]) -> Iterator[str]:
    """Yield warnings about entries that are skipped, cannot be read, or are ambiguous."""
    names = [entry.filename for entry in entries]
    files = [n for n in names if not n.endswith("/") and "__MACOSX" not in n]
    links = [entry.filename for entry in entries if _is_link(entry)]
    folded = Counter(name.casefold() for name in set(files))
    findings = (
        (
            [name for name in files if not _is_inside(name)],
            _("Skipped, because the path leads out of the ZIP: %(names)s."),
        ),
        (
            links,
            _(
                "Skipped, because it is only a link: %(names)s. Put the files themselves into "
                "the ZIP."
            ),
        ),
        (
            [name for name in files if ARCHIVE.search(name)],
            _("Archives inside the archive: %(names)s. Unpack them first."),
        ),
        (
            [entry.filename for entry in entries if entry.flag_bits & 1],
            _("Encrypted and not readable: %(names)s. Create the ZIP without a password."),
        ),
        (
            [name for name, times in Counter(files).items() if times > 1],
            _("In the ZIP more than once: %(names)s. The last one is used."),
        ),
        (
            sorted(name for name in set(files) if folded[name.casefold()] > 1),
            _(
                "Names that differ only in upper and lower case: %(names)s. Some computers "
                "cannot tell them apart."
            ),
        ),
    )
    for found, text in findings:
        if found:
            yield text % {"names": list_names(found)}


def list_names(names: Iterable[str], *, short: bool = True) -> str:
    """Return the first names and the number of the others, as a text.

    With ``short``, long paths are shortened to the file name.
    """
    names = list(names)
    shown = ", ".join(
        posixpath.basename(n) if short and len(n) > 60 else n for n in names[:MAX_LISTED_NAMES]
    )
    if len(names) <= MAX_LISTED_NAMES:
        return shown
    return _("%(names)s and %(count)s more") % {
        "names": shown,
        "count": intcomma(len(names) - MAX_LISTED_NAMES),
    }
