"""Build the search lexicon from the staff's synonyms and the names of categories."""

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

# The cache holds only the version of the lexicon. Each process builds its own lexicon, because
# unpickling one is slow.
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
    """Holds the stems of a word, and whether listed products contain the word.

    The stem of a stop word is empty.
    """

    word: str
    english: str
    german: str
    in_shop: bool


@dataclass(frozen=True)
class Concept:
    """Holds the meaning of a term: English search terms and matching categories.

    ``also`` and ``also_categories`` broaden the search; products that match only these rank lower.
    """

    terms: tuple[str, ...]
    also: tuple[str, ...] = ()
    categories: frozenset[int] = frozenset()
    also_categories: frozenset[int] = frozenset()


@dataclass
class Lexicon:
    """Looks up terms by the stems of their words.

    German terms are looked up without stemming, in ``german_exact``, if a listed product contains
    one of the words. Stemming would confuse the brand "Jack" with the German "Jacke".
    """

    english: dict[tuple[str, ...], Concept] = field(default_factory=dict)
    german: dict[tuple[str, ...], Concept] = field(default_factory=dict)
    german_exact: dict[tuple[str, ...], Concept] = field(default_factory=dict)
    # The categories with a stem in their name, such as "perfume" in "Perfume and Body Mist".
    categories_by_stem: dict[str, frozenset[int]] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    # The terms to suggest, by language.
    completions: dict[str, dict[str, Concept]] = field(default_factory=lambda: {"en": {}, "de": {}})

    def find(self, words: list[Stems]) -> Concept | None:
        """Return the concept that these words stand for together, or ``None``."""
        if concept := self.english.get(tuple(word.english or word.word for word in words)):
            return concept
        if any(word.in_shop for word in words):
            return self.german_exact.get(tuple(word.word for word in words))
        return self.german.get(tuple(word.german or word.word for word in words))


def split(text: str) -> list[str]:
    """Return the words of letters and digits in ``text``, in lower case."""
    return re.findall(r"[^\W_]+", text.lower())


def stems_of(words: Iterable[str]) -> dict[str, Stems]:
    """Return the stems of each word, by PostgreSQL's text search dictionaries."""
    if not (distinct := sorted(set(words))):
        return {}
    with connection.cursor() as cursor:
        cursor.execute(STEMS, [distinct])
        return {row[0]: Stems(*row) for row in cursor.fetchall()}


def lexicon() -> Lexicon:
    """Return the lexicon, at most ``CACHE_SECONDS`` old.

    The cache expires, because bulk updates send no signals that would invalidate it.
    """
    return _built(cache.get_or_set(CACHE_KEY, lambda: uuid4().hex, CACHE_SECONDS))


@lru_cache(maxsize=1)
def _built(version: str) -> Lexicon:
    return build_lexicon()


@receiver([post_save, post_delete], sender=SearchSynonym)
@receiver([post_save, post_delete], sender=Category)
def invalidate_lexicon(**kwargs: Any) -> None:
    """Invalidate the cached lexicon when staff edit a synonym or category.

    It is invalidated again on commit, because another process may have rebuilt it from the old
    rows.
    """
    cache.delete(CACHE_KEY)
    transaction.on_commit(partial(cache.delete, CACHE_KEY))


def build_lexicon() -> Lexicon:
    """Build the lexicon from synonyms and categories."""
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
    """Finds the categories with a given name."""

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
        """Return the ids of the leaf categories with these names.

        If there are none, return the ids of the categories with these names and of all their
        descendants.
        """
        keys = [_key(term, self._stems, "english") for term in terms]
        for ids in (self._leaves, self._below):
            if found := frozenset(pk for key in keys for pk in ids.get(key, ())):
                return found
        return frozenset()
