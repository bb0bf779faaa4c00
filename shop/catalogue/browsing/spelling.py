"""Correct mistyped search words, and maintain the words to choose corrections from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Length
from rapidfuzz import process
from rapidfuzz.distance import OSA

from shop.catalogue.browsing.lexicon import Concept, lexicon, stems_of
from shop.catalogue.browsing.search_terms import QueryPart
from shop.catalogue.models import SearchWord

# Shorter words are not corrected, because one edit turns them into too many others.
MIN_LENGTH = 4
# Words of at least this length may have two mistakes.
LONG = 8
MAX_CHOICES = 3


@dataclass(frozen=True)
class Correction:
    """Holds the corrected text, or only ``choices`` if the shopper may mean different garments."""

    text: str = ""
    choices: tuple[str, ...] = ()


def correct(parts: list[QueryPart]) -> Correction:
    """Replace each unknown word by the known word that it most probably stands for."""
    doubtful = [part for part in parts if part.unknown and len(part.words[0]) >= MIN_LENGTH]
    if not doubtful:
        return Correction()
    corrected = {part.words[0]: _corrections(part.words[0]) for part in doubtful}
    texts = [""]
    for part in parts:
        words = corrected.get(part.words[0]) or [" ".join(part.words)]
        texts = [f"{text} {word}".strip() for text in texts for word in words]
    if not any(corrected.values()):
        return Correction()
    return Correction(texts[0]) if len(texts) == 1 else Correction("", tuple(texts[:MAX_CHOICES]))


def _corrections(word: str) -> list[str]:
    """Return the likely corrections of a word, terms of the lexicon first.

    A word with which a known word begins is not corrected. The first letter is assumed to be right,
    or swapped with the second, because other mistakes there are rare.
    """
    starts = (word[0], word[1::-1])
    meant = [other for other in lexicon().words if other.startswith(starts)]
    if any(other.startswith(word) for other in meant):
        return []
    if found := _closest(word, meant, 1):
        return found
    allowed = 2 if len(word) >= LONG else 1
    known = SearchWord.objects.annotate(length=Length("word")).order_by("-products", "word")
    similar = Q(word__startswith=starts[0]) | Q(word__startswith=starts[1])
    similar &= Q(length__gte=len(word) - allowed, length__lte=len(word) + allowed)
    rows = known.filter(similar | Q(word__startswith=word)).values_list("word", flat=True)
    words = [*rows, *meant]
    if any(other.startswith(word) for other in words):
        return []
    return _closest(word, list(dict.fromkeys(words)), allowed)


def _closest(word: str, vocabulary: list[str], allowed: int) -> list[str]:
    """Return the closest words within the ``allowed`` edit distance, one for each garment."""
    found = process.extract(word, vocabulary, scorer=OSA.distance, score_cutoff=allowed, limit=20)
    if not found:
        return []
    smallest = min(distance for _other, distance, _at in found)
    words = [other for other, distance, _at in found if distance == smallest]
    return _one_per_garment(words)


def _one_per_garment(words: list[str]) -> list[str]:
    """Return the first word for each garment; if no word means a garment, return only the first."""
    if len(words) == 1:
        return words
    stems, known = stems_of(words), lexicon()
    garments: dict[Concept, str] = {}
    for word in words:
        concept = known.find([stems[word]])
        if concept and (concept.categories or concept.also_categories):
            garments.setdefault(concept, word)
    return list(garments.values()) or words[:1]


# This lock blocks other writers of the table, but not readers.
LOCK_WORDS = "LOCK TABLE catalogue_searchword IN SHARE ROW EXCLUSIVE MODE"
COUNT_WORDS = """SELECT word, ndoc FROM ts_stat($$
    SELECT to_tsvector('simple', concat_ws(' ', name, brand, keywords))
    FROM catalogue_product WHERE listed {condition}
$$) WHERE word ~ '^[[:alpha:]]{{3,64}}$'"""
ADD_WORDS = """INSERT INTO catalogue_searchword AS known (word, products)
SELECT * FROM unnest(%s::text[], %s::int[])
ON CONFLICT (word) DO UPDATE SET products = known.products + excluded.products"""


def refresh_search_words() -> int:
    """Recount the words of listed products, and return how many different words there are."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK_WORDS)
        cursor.execute("DELETE FROM catalogue_searchword")
        words = COUNT_WORDS.format(condition="")
        cursor.execute(f"INSERT INTO catalogue_searchword (word, products) {words}")
        return int(cursor.rowcount)


def words_in(products: Iterable[int]) -> Counter[str]:
    """Return the words of these products, with the number of products for each word.

    Unlisted products are ignored.
    """
    if not (ids := ", ".join(str(int(pk)) for pk in products)):
        return Counter()
    with connection.cursor() as cursor:
        cursor.execute(COUNT_WORDS.format(condition=f"AND id IN ({ids})"))
        return Counter(dict(cursor.fetchall()))


def add_search_words(words: Counter[str]) -> None:
    """Add ``words`` to the stored counts, because recounting a million products takes 9 s."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK_WORDS)
        cursor.execute(ADD_WORDS, [list(words), list(words.values())])
