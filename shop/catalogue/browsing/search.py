"""Full-text search in PostgreSQL: weighted, by prefix, and forgiving of typing mistakes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db import connection, transaction
from django.db.models import F, Value
from rapidfuzz import fuzz, process

from shop.catalogue.models import SEARCH_CONFIG, SearchWord
from shop.catalogue.querysets import ProductQuerySet

MAX_WORDS = 10
# Below this similarity (0 to 100) a mended word is more often wrong than right.
MIN_SIMILARITY = 72


@dataclass(frozen=True)
class SearchResult:
    """``mended`` is what was searched for instead, ``any_word`` that not all words were found."""

    products: ProductQuerySet
    mended: str = ""
    any_word: bool = False


def words_of(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())[:MAX_WORDS]


def search_products(products: ProductQuerySet, text: str) -> SearchResult:
    """Every word, then every word mended, then any word: the first that finds something.

    The products have a ``rank`` to be sorted by, even if the text has no letter or digit.
    """
    words = words_of(text)
    if not words:
        return SearchResult(products.none().annotate(rank=Value(0.0)))
    found = _matching(products, words, "&")
    if found.exists():
        return SearchResult(found)
    mended = mend(words)
    if mended != words:
        found = _matching(products, mended, "&")
        if found.exists():
            return SearchResult(found, mended=" ".join(mended))
    found = _matching(products, mended, "|")
    return SearchResult(found, mended=" ".join(mended) if mended != words else "", any_word=True)


def _matching(products: ProductQuerySet, words: list[str], operator: str) -> ProductQuerySet:
    query = SearchQuery(_tsquery(words, operator), search_type="raw", config=SEARCH_CONFIG)
    return products.filter(search=query).annotate(rank=SearchRank(F("search"), query))


def _tsquery(words: list[str], operator: str) -> str:
    # The words hold letters and digits only, so they cannot be tsquery syntax.
    return f" {operator} ".join(f"{word}:*" for word in words)


def all_words(text: str) -> str:
    """The tsquery of every word, unknown ones mended; empty for a text without words."""
    words = words_of(text)
    return _tsquery(mend(words), "&") if words else ""


def mend(words: list[str]) -> list[str]:
    """Replace each unknown word by the most similar one that occurs in the shop."""
    known = list(SearchWord.objects.order_by("-products", "word").values_list("word", flat=True))
    return [_mend_word(word, known) for word in words]


def _mend_word(word: str, known: list[str]) -> str:
    if len(word) < 3 or any(other.startswith(word) for other in known):
        return word
    best = process.extractOne(word, known, scorer=fuzz.ratio, score_cutoff=MIN_SIMILARITY)
    return best[0] if best else word


# Whoever writes words does so alone; those who read them go on.
LOCK_WORDS = "LOCK TABLE catalogue_searchword IN SHARE ROW EXCLUSIVE MODE"
COUNT_WORDS = """SELECT word, ndoc FROM ts_stat($$
    SELECT to_tsvector('simple', concat_ws(' ', name, brand, keywords))
    FROM catalogue_product WHERE listed {condition}
$$) WHERE word ~ '^[[:alpha:]]{{3,64}}$'"""
ADD_WORDS = """INSERT INTO catalogue_searchword AS known (word, products)
SELECT * FROM unnest(%s::text[], %s::int[])
ON CONFLICT (word) DO UPDATE SET products = known.products + excluded.products"""


def refresh_search_words() -> int:
    """Count afresh which words occur in listed products. Returns how many there are."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK_WORDS)
        cursor.execute("DELETE FROM catalogue_searchword")
        words = COUNT_WORDS.format(condition="")
        cursor.execute(f"INSERT INTO catalogue_searchword (word, products) {words}")
        return int(cursor.rowcount)


def words_in(products: Iterable[int]) -> Counter[str]:
    """In how many of these each word occurs, of those that are listed."""
    if not (ids := ", ".join(str(int(pk)) for pk in products)):
        return Counter()
    with connection.cursor() as cursor:
        cursor.execute(COUNT_WORDS.format(condition=f"AND id IN ({ids})"))
        return Counter(dict(cursor.fetchall()))


def add_search_words(words: Counter[str]) -> None:
    """Count these as well: to count all afresh takes 9 s where a million products are listed."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK_WORDS)
        cursor.execute(ADD_WORDS, [list(words), list(words.values())])
