"""Know the words that shoppers search with: staff's synonyms and the names of the categories."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any
from uuid import uuid4

from django.core.cache import cache
from django.db import connection, transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from shop.catalogue.browsing.caching import CACHE_SECONDS
from shop.catalogue.models import Category, SearchSynonym
from shop.catalogue.models.synonym import terms_of

# Of the version that all processes should have; each builds its own, since unpickling takes ms.
CACHE_KEY = "search-lexicon"
MAX_TERM_WORDS = 4
STEMS = """SELECT word, array_to_string(ts_lexize('english_stem', word), ''),
    array_to_string(ts_lexize('german_stem', word), ''),
    CASE WHEN EXISTS (SELECT FROM catalogue_searchword AS known WHERE known.word = typed.word)
        THEN true
        ELSE EXISTS (SELECT FROM catalogue_product
            WHERE listed AND search @@ plainto_tsquery('english', typed.word)) END
FROM unnest(%s::text[]) AS typed (word)"""


@dataclass(frozen=True)
class Stems:
    """A word's stems, empty for a stop word, and whether products have this word."""

    word: str
    english: str
    german: str
    in_shop: bool


@dataclass(frozen=True)
class Concept:
    """What a term means: English terms that products are found by, and the categories of it.

    ``also`` and ``also_categories`` widen the search, and what has only them ranks lower.
    """

    terms: tuple[str, ...]
    also: tuple[str, ...] = ()
    categories: frozenset[int] = frozenset()
    also_categories: frozenset[int] = frozenset()


@dataclass
class Lexicon:
    """Look terms up by the stems of their words.

    ``german_exact`` is for words that products have as well: "jack" is a brand's and not "Jacke".
    """

    english: dict[tuple[str, ...], Concept] = field(default_factory=dict)
    german: dict[tuple[str, ...], Concept] = field(default_factory=dict)
    german_exact: dict[tuple[str, ...], Concept] = field(default_factory=dict)
    # Categories in whose name a stem occurs: "perfume" in "Perfume and Body Mist".
    categories_by_stem: dict[str, frozenset[int]] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    # By language, the terms that a search can be completed to.
    completions: dict[str, dict[str, Concept]] = field(default_factory=lambda: {"en": {}, "de": {}})

    def find(self, words: list[Stems]) -> Concept | None:
        """Return what these words mean together, if that is known."""
        if concept := self.english.get(tuple(word.english or word.word for word in words)):
            return concept
        if any(word.in_shop for word in words):
            return self.german_exact.get(tuple(word.word for word in words))
        return self.german.get(tuple(word.german or word.word for word in words))


def split(text: str) -> list[str]:
    """Return the words of letters and digits in ``text``, in lower case."""
    return re.findall(r"[^\W_]+", text.lower())


def stems_of(words: Iterable[str]) -> dict[str, Stems]:
    """Return the stems of each word by the dictionaries of the full-text search."""
    if not (distinct := sorted(set(words))):
        return {}
    with connection.cursor() as cursor:
        cursor.execute(STEMS, [distinct])
        return {row[0]: Stems(*row) for row in cursor.fetchall()}


def lexicon() -> Lexicon:
    """Return the lexicon, up to ``CACHE_SECONDS`` old: renaming many categories sends no signal."""
    return _built(cache.get_or_set(CACHE_KEY, lambda: uuid4().hex, CACHE_SECONDS))


@lru_cache(maxsize=1)
def _built(version: str) -> Lexicon:
    return build_lexicon()


@receiver([post_save, post_delete], sender=SearchSynonym)
@receiver([post_save, post_delete], sender=Category)
def forget_lexicon(**kwargs: Any) -> None:
    """Let what staff change be found at once.

    Also on commit, because another process may have read what stood before it meanwhile.
    """
    cache.delete(CACHE_KEY)
    transaction.on_commit(partial(cache.delete, CACHE_KEY))


def build_lexicon() -> Lexicon:
    """Read synonyms and categories."""
    synonyms = [
        (terms_of(one.english), terms_of(one.german), terms_of(one.also_finds))
        for one in SearchSynonym.objects.order_by("pk")
    ]
    rows = list(Category.objects.order_by("path").values_list("pk", "path", "name"))
    every = [*(term for lists in synonyms for each in lists for term in each)]
    stems = stems_of(word for text in (*every, *(row[2] for row in rows)) for word in split(text))
    categories = _CategoryNames(rows, stems)
    known = Lexicon(categories_by_stem=categories.by_stem)
    for english, german, also in synonyms:
        concept = Concept(
            tuple(english),
            tuple(also),
            categories.named(english),
            categories.named(also),
        )
        for term in english:
            known.english.setdefault(_key(term, stems, "english"), concept)
            known.completions["en"].setdefault(term, concept)
        for term in german:
            known.german.setdefault(_key(term, stems, "german"), concept)
            known.german_exact.setdefault(tuple(split(term)), concept)
            known.completions["de"].setdefault(term, concept)
    for key, name in categories.keys.items():
        concept = Concept((name,), (), categories.named([name]))
        known.completions["en"].setdefault(name, known.english.setdefault(key, concept))
    terms = [*known.completions["en"], *known.completions["de"]]
    known.words = tuple(sorted({word for term in terms for word in split(term)}))
    return known


def _key(term: str, stems: dict[str, Stems], language: str) -> tuple[str, ...]:
    return tuple(getattr(stems[word], language) or word for word in split(term))


class _CategoryNames:
    """Find categories by a term that is their name: leaves, or else all below a node."""

    def __init__(self, rows: list[tuple[int, str, str]], stems: dict[str, Stems]) -> None:
        self._stems = stems
        self._below: dict[tuple[str, ...], set[int]] = defaultdict(set)
        self._leaves: dict[tuple[str, ...], set[int]] = defaultdict(set)
        self.keys: dict[tuple[str, ...], str] = {}
        by_stem: dict[str, set[int]] = defaultdict(set)
        parents = {path.rpartition("/")[0] for _pk, path, _name in rows}
        keys = {path: _key(name, stems, "english") for _pk, path, name in rows}
        for pk, path, name in rows:
            key = keys[path]
            self.keys.setdefault(key, name.lower())
            if path not in parents:
                self._leaves[key].add(pk)
                for stem in key:
                    by_stem[stem].add(pk)
            while path:
                self._below[keys[path]].add(pk)
                path = path.rpartition("/")[0]
        self.by_stem = {stem: frozenset(ids) for stem, ids in by_stem.items()}

    def named(self, terms: Iterable[str]) -> frozenset[int]:
        """Return the leaf categories of these names, or what is below nodes of these names."""
        keys = [_key(term, self._stems, "english") for term in terms]
        for ids in (self._leaves, self._below):
            if found := frozenset(pk for key in keys for pk in ids.get(key, ())):
                return found
        return frozenset()
