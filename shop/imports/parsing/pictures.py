"""Find the pictures of each product by the names of the files."""

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
# What may follow an id: "_1", "-1", " 1", " (1)", "_front".
ENDING = re.compile(
    r"(?P<id>.+)(?:[ _-]?\((?P<bracketed>[0-9]{1,3})\)|[ _-](?P<number>[0-9]{1,3})"
    rf"|[ _-](?P<view>{'|'.join((*FIRST_VIEWS, *VIEWS))}))",
    re.IGNORECASE,
)
LIKE_ENOUGH = 60
# The place among the pictures of a product; the whole name has none and comes first.
Rank = tuple[int, ...]


@dataclass
class Pictures:
    """Hold which files show which product.

    ``unused`` belong to none; ``problems`` say by id which files that a row names it does not get.
    """

    of: dict[str, list[str]] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    problems: dict[str, list[str]] = field(default_factory=dict)


def split_names(cell: str) -> tuple[list[str], list[str]]:
    """Return the names of files in a cell, and the addresses."""
    parts = [part.strip() for part in SEPARATORS.split(cell)]
    names = [part for part in parts if part and not ADDRESS.match(part)]
    return names, [part for part in parts if ADDRESS.match(part)]


def file_name(address: str) -> str:
    """Return the name that the file at an address has, in lower case."""
    return posixpath.basename(unquote(re.split("[?#]", address)[0])).casefold()


def assign_pictures(
    files: Iterable[str], ids: Collection[str], named: dict[str, list[str]]
) -> Pictures:
    """Assign each file to at most one id: to the one whose row names it, or by its own name.

    A whole name that is an id wins over one with an ending, the same case over any case.
    """
    pictures, files = Pictures(), list(files)
    taken = _assign_named(pictures, files, named)
    owners = _Owners(ids)
    whole: dict[str, str] = {}
    ranked: dict[str, dict[Rank, str]] = {}
    for name in files:
        if name in taken:
            continue
        owner, rank = owners.find(posixpath.splitext(posixpath.basename(name))[0])
        if owner and not rank:
            first = whole.setdefault(owner, name)
        else:
            first = ranked.setdefault(owner, {}).setdefault(rank, name) if owner else ""
        if first != name:
            pictures.unused.append(name)
    for owner, name in whole.items():
        pictures.of.setdefault(owner, []).append(name)
    for owner, by_rank in ranked.items():
        pictures.of.setdefault(owner, []).extend(by_rank[rank] for rank in sorted(by_rank))
    for names in pictures.of.values():
        pictures.unused += names[MAX_PICTURES:]
        del names[MAX_PICTURES:]
    return pictures


def _assign_named(pictures: Pictures, files: list[str], named: dict[str, list[str]]) -> set[str]:
    if not named:
        return set()
    places: dict[str, str] = {}
    for form in (str, str.casefold):
        for cut in (str, lambda name: posixpath.splitext(name)[0]):
            for name in files:
                places.setdefault(form(cut(posixpath.basename(name))), name)
    taken: dict[str, str] = {}
    for owner, names in named.items():
        for name in names:
            base = posixpath.basename(name.replace("\\", "/"))
            file = places.get(base) or places.get(base.casefold())
            if file is None:
                problem = _("There is no picture %(name)s.") % {"name": name}
            elif (first := taken.setdefault(file, owner)) != owner:
                text = _("The picture %(name)s belongs to %(id)s already.")
                problem = text % {"name": name, "id": first}
            else:
                if file not in pictures.of.setdefault(owner, []):
                    pictures.of[owner].append(file)
                continue
            pictures.problems.setdefault(owner, []).append(problem)
    return set(taken)


class _Owners:
    """Find the id that the name of a file begins with."""

    def __init__(self, ids: Collection[str]) -> None:
        self._ids = ids
        self._folded: dict[str, str] | None = None

    def find(self, stem: str) -> tuple[str, Rank]:
        """Return the id, empty if there is none, and the place among its pictures."""
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
                # Ids that differ in case only are told apart by their exact names.
                self._folded[folded] = "" if folded in self._folded else each
        return self._folded.get(stem.casefold(), "")


def _rank(found: re.Match[str]) -> Rank:
    if view := (found["view"] or "").lower():
        return (1, FIRST_VIEWS.index(view)) if view in FIRST_VIEWS else (3, VIEWS.index(view))
    return 2, int(found["number"] or found["bracketed"])


def nearest_id(name: str, ids: Collection[str]) -> str:
    """Return the id that is most like the name of the file, empty if none is."""
    stem = posixpath.splitext(posixpath.basename(name))[0]
    found = process.extractOne(stem, ids, score_cutoff=LIKE_ENOUGH)
    return str(found[0]) if found else ""
