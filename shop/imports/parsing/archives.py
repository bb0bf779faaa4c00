"""ZIP files from strangers: what is in them, and what is not taken out of them."""

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
NAMED = 5
# Whatever unpacks to less does no harm.
HARMLESS = 64 * 1024 * 1024


class ZipStore:
    """The entries of a ZIP. ``ZipFile`` locks its file, so threads may read at once.

    Raises ``ImportProblem`` if there is more in it than the limits allow.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        entries = archive.infolist()
        if len(entries) > settings.IMPORT_MAX_FILES:
            text = _("The ZIP holds %(count)s files; at most %(limit)s may be.")
            limit = intcomma(settings.IMPORT_MAX_FILES)
            raise ImportProblem(text % {"count": intcomma(len(entries)), "limit": limit})
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > settings.IMPORT_MAX_UNPACKED_BYTES:
            text = _(
                "The ZIP would unpack to %(size)s MB; at most %(limit)s MB may be. "
                "Divide it into several."
            )
            limit = intcomma(settings.IMPORT_MAX_UNPACKED_BYTES // 1024**2)
            raise ImportProblem(text % {"size": intcomma(unpacked // 1024**2), "limit": limit})
        _check_ratio(unpacked, sum(entry.compress_size for entry in entries))
        self._entries = {entry.filename: entry for entry in entries if _usable(entry)}
        self.warnings = list(_warnings(entries))

    def names(self) -> Iterator[str]:
        return iter(sorted(self._entries))

    def size(self, name: str) -> int:
        return self._entries[name].file_size

    def open(self, name: str) -> IO[bytes]:
        return self.archive.open(name)


def _check_ratio(unpacked: int, packed: int) -> None:
    """Pictures and tables do not shrink that far; what is made to fill a disk does."""
    if unpacked > HARMLESS and unpacked > packed * settings.IMPORT_MAX_RATIO:
        text = _(
            "The ZIP would unpack to %(times)s times its size; at most %(limit)s times may be. "
            "Is this a ZIP of pictures?"
        )
        times = intcomma(unpacked // max(1, packed))
        raise ImportProblem(text % {"times": times, "limit": settings.IMPORT_MAX_RATIO})


def _usable(entry: zipfile.ZipInfo) -> bool:
    return _is_inside(entry.filename) and not _is_link(entry)


def _is_inside(name: str) -> bool:
    """A file of the archive itself: no folder, no path out of it, none of macOS's shadows."""
    parts = name.replace("\\", "/").split("/")
    # Nothing before the first slash is an absolute path, nothing after the last one a folder.
    whole = parts[0] != "" and parts[-1] != "" and not parts[0].endswith(":")
    return whole and ".." not in parts and "__MACOSX" not in parts


def _is_link(entry: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(entry.external_attr >> 16)


def _warnings(entries: list[zipfile.ZipInfo]) -> Iterator[str]:
    names = [entry.filename for entry in entries]
    shadows = "__MACOSX"
    files = [name for name in names if not name.endswith("/") and shadows not in name]
    links = [entry.filename for entry in entries if _is_link(entry)]
    folded = Counter(name.casefold() for name in set(files))
    findings = (
        (
            [name for name in files if not _is_inside(name)],
            _("%(names)s lead out of the ZIP and were left out."),
        ),
        (links, _("%(names)s are links and were left out; put the files themselves there.")),
        (
            [name for name in files if ARCHIVE.search(name)],
            _("%(names)s are archives in the archive; unpack them first."),
        ),
        (
            [entry.filename for entry in entries if entry.flag_bits & 1],
            _("%(names)s are encrypted and cannot be read; make the ZIP without a password."),
        ),
        (
            [name for name, times in Counter(files).items() if times > 1],
            _("%(names)s are in the ZIP more than once; the last one counts."),
        ),
        (
            sorted(name for name in set(files) if folded[name.casefold()] > 1),
            _("%(names)s differ only in capital letters; some computers cannot tell them apart."),
        ),
    )
    for found, text in findings:
        if found:
            yield text % {"names": listed(found)}


def listed(names: Iterable[str], *, short: bool = True) -> str:
    """Return the first names, long paths ``short``, and how many more there are."""
    names = list(names)
    shown = ", ".join(posixpath.basename(n) if short and len(n) > 60 else n for n in names[:NAMED])
    if len(names) <= NAMED:
        return shown
    return _("%(names)s and %(count)s more") % {
        "names": shown,
        "count": intcomma(len(names) - NAMED),
    }
