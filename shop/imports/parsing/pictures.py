"""Assign pictures to products by file names."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote

from django.utils.translation import gettext as _
from rapidfuzz import process

MAX_PICTURES = 20
SEPARATORS = re.compile(r"[|;,\n]")
ADDRESS = re.compile(r"https?://", re.IGNORECASE)
FIRST_VIEWS = ("front", "main", "vorne", "vorn")
VIEWS = (
    *("side", "left", "right", "seite", "links", "rechts", "model", "worn", "detail", "details"),
    *("closeup", "zoom", "top", "bottom", "inside", "sole", "back", "rear", "hinten", "rücken"),
)
# Suffixes that may follow an id: "_1", "-1", " 1", " (1)", "_front".
ENDING = re.compile(
    r"(?P<id>.+)(?:[ _-]?\((?P<bracketed>[0-9]{1,3})\)|[ _-](?P<number>[0-9]{1,3})"
    rf"|[ _-](?P<view>{'|'.join((*FIRST_VIEWS, *VIEWS))}))",
    re.IGNORECASE,
)
MIN_SIMILARITY = 60
# The sort key of a picture among those of its product; a name without a suffix has an empty rank
# and comes first.
Rank = tuple[int, ...]


@dataclass
class Pictures:
    """Holds the picture files of each product, by external id.

    ``unused`` files belong to no product. ``problems`` lists, by id, texts about files that a row
    refers to but that its product does not get.
    """

    of: dict[str, list[str]] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    problems: dict[str, list[str]] = field(default_factory=dict)


def split_names(cell: str) -> tuple[list[str], list[str]]:
    """Return the file names in a cell, and separately the URLs."""
    parts = [part.strip() for part in SEPARATORS.split(cell)]
    names = [part for part in parts if part and not ADDRESS.match(part)]
    return names, [part for part in parts if ADDRESS.match(part)]


def file_name(address: str) -> str:
    """Return the file name at the end of a URL, in lower case."""
    return posixpath.basename(unquote(re.split("[?#]", address)[0])).casefold()


def assign_pictures(
    files: Iterable[str], ids: Collection[str], named: dict[str, list[str]]
) -> Pictures:
    """Assign each file to at most one product id.

    A file belongs to the id whose row refers to it, or else to the id in its name. The whole name
    is compared with the ids before the name without a suffix, and a match with the same case is
    preferred.
    """
    pictures, files = Pictures(), list(files)
    assigned = _assign_named(pictures, files, named)
    owners = _Owners(ids)
    exact: dict[str, str] = {}
    ranked: dict[str, dict[Rank, str]] = {}
    for name in files:
        if name in assigned:
            continue
        owner, rank = owners.find(posixpath.splitext(posixpath.basename(name))[0])
        if owner and not rank:
            first = exact.setdefault(owner, name)
        else:
            first = ranked.setdefault(owner, {}).setdefault(rank, name) if owner else ""
        if first != name:
            pictures.unused.append(name)
    for owner, name in exact.items():
        pictures.of.setdefault(owner, []).append(name)
    for owner, by_rank in ranked.items():
        pictures.of.setdefault(owner, []).extend(by_rank[rank] for rank in sorted(by_rank))
    for names in pictures.of.values():
        pictures.unused += names[MAX_PICTURES:]
        del names[MAX_PICTURES:]
    return pictures


def _assign_named(pictures: Pictures, files: list[str], named: dict[str, list[str]]) -> set[str]:
    """Assign to each product the files that its rows refer to; return all assigned files.

    Rows may omit the folder and the suffix of a file.
    """
    if not named:
        return set()
    by_name: dict[str, str] = {}
    for form in (str, str.casefold):
        for cut in (str, lambda name: posixpath.splitext(name)[0]):
            for name in files:
                by_name.setdefault(form(cut(posixpath.basename(name))), name)
    assigned: dict[str, str] = {}
    for owner, names in named.items():
        for name in names:
            base = posixpath.basename(name.replace("\\", "/"))
            file = by_name.get(base) or by_name.get(base.casefold())
            if file is None:
                problem = _("There is no image %(name)s.") % {"name": name}
            elif (first := assigned.setdefault(file, owner)) != owner:
                text = _("The image %(name)s already belongs to %(id)s.")
                problem = text % {"name": name, "id": first}
            else:
                if file not in pictures.of.setdefault(owner, []):
                    pictures.of[owner].append(file)
                continue
            pictures.problems.setdefault(owner, []).append(problem)
    return set(assigned)


class _Owners:
    """Finds the id with which a file name begins."""

    def __init__(self, ids: Collection[str]) -> None:
        self._ids = ids
        self._folded: dict[str, str] | None = None

    def find(self, stem: str) -> tuple[str, Rank]:
        """Return the id, or an empty string, and the rank of the picture within its product."""
        if owner := self._id(stem):
            return owner, ()
        found = ENDING.fullmatch(stem)
        while found:
            if owner := self._id(found["id"].rstrip(" _-")):
                return owner, _rank(found)
            found = ENDING.fullmatch(found["id"])  # "ID_front_2"
        return "", ()

    def _id(self, stem: str) -> str:
        if stem in self._ids:
            return stem
        if self._folded is None:
            self._folded = {}
            for each in self._ids:
                folded = each.casefold()
                # Ids that differ only in case are ambiguous: only names in the same case match
                # them.
                self._folded[folded] = "" if folded in self._folded else each
        return self._folded.get(stem.casefold(), "")


def _rank(found: re.Match[str]) -> Rank:
    if view := (found["view"] or "").lower():
        return (1, FIRST_VIEWS.index(view)) if view in FIRST_VIEWS else (3, VIEWS.index(view))
    return 2, int(found["number"] or found["bracketed"])


def nearest_id(name: str, ids: Collection[str]) -> str:
    """Return the id that is most similar to the file name, or ``""`` if no id is similar."""
    stem = posixpath.splitext(posixpath.basename(name))[0]
    found = process.extractOne(stem, ids, score_cutoff=MIN_SIMILARITY)
    return str(found[0]) if found else ""
