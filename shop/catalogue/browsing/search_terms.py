"""Parse search queries into parts, each with its meaning and tsquery."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from shop.catalogue.browsing.lexicon import (
    MAX_TERM_WORDS,
    Concept,
    Lexicon,
    Stems,
    lexicon,
    split,
    stems_of,
)

MAX_WORDS = 10
# Shorter German words are rarely compounds such as "Damenschuhe" or "Ledertasche".
MIN_COMPOUND = 8
MIN_COMPOUND_PART = 3


@dataclass(frozen=True)
class QueryPart:
    """Holds one or more words of a query that stand for one concept.

    ``strict_tsquery`` matches the concept's own ``terms``; ``tsquery`` also matches its broader
    synonyms. ``exact`` means that the words are the full name of the ``categories``, not just part
    of it. An ``unknown`` word is in no product and may be mistyped.
    """

    words: tuple[str, ...]
    strict_tsquery: str
    tsquery: str
    terms: tuple[str, ...]
    categories: frozenset[int] = frozenset()
    also_categories: frozenset[int] = frozenset()
    exact: bool = False
    unknown: bool = False


def normalise(text: str) -> str:
    """Normalise case, Unicode form and hyphens, and remove ``'s``.

    ``Women's`` becomes ``women``.
    """
    text = unicodedata.normalize("NFKC", text).lower()
    text = re.sub(r"[‐‑‒–—―−]", "-", text)
    return re.sub(r"['’´`]s\b", "", text)


def parse_query(text: str) -> list[QueryPart]:
    """Return the parts of a query in order; the list is empty if no letter or digit was typed."""
    words, joined = _words(normalise(text))
    if not words:
        return []
    known = lexicon()
    stems = stems_of(words)
    parts: list[QueryPart] = []
    at = 0
    while at < len(words):
        found = _longest_term([stems[word] for word in words[at : at + MAX_TERM_WORDS]], known)
        if found:
            parts.append(found)
            at += len(found.words)
            continue
        end = at + 1
        while end < len(words) and joined[end]:
            end += 1
        parts += _plain(words[at:end], stems, known)
        at = end
    return parts


def _words(text: str) -> tuple[list[str], list[bool]]:
    """Return the words, and for each whether only punctuation separates it from the word before."""
    words: list[str] = []
    joined: list[bool] = []
    for chunk in re.split(r"[^\w&.'’+-]+", text):
        for number, word in enumerate(split(chunk)):
            words.append(word)
            joined.append(number > 0)
    return words[:MAX_WORDS], joined[:MAX_WORDS]


def _longest_term(words: list[Stems], known: Lexicon) -> QueryPart | None:
    for length in range(len(words), 0, -1):
        if concept := known.find(words[:length]):
            return _concept_part(words[:length], concept)
    return None


def _concept_part(words: list[Stems], concept: Concept) -> QueryPart:
    typed = " ".join(word.word for word in words)
    terms = list(concept.terms)
    if len(words) == 1 and words[0].in_shop and typed not in terms:
        terms.append(typed)
    strict = _any_of(terms)
    return QueryPart(
        words=tuple(word.word for word in words),
        strict_tsquery=strict,
        tsquery=_any_of([*terms, *concept.also]) if concept.also else strict,
        terms=tuple(terms),
        categories=concept.categories,
        also_categories=concept.also_categories,
        exact=bool(concept.categories),
    )


def concept_query(concept: Concept) -> str:
    """Return the tsquery of a concept, broader synonyms included."""
    return _any_of([*concept.terms, *concept.also])


def _any_of(terms: list[str]) -> str:
    # Phrases that contain another term are left out, because "tee" already finds "tee shirt".
    needed = [t for t in terms if " " not in t or not set(t.split()) & set(terms)]
    return f"({' | '.join(_quoted(term) for term in needed)})"


def _quoted(term: str) -> str:
    """Quote a term for to_tsquery, which turns several words into a phrase."""
    letters = re.sub(r"[^\w -]+", " ", term)
    return f"'{letters}'"


def _plain(words: list[str], stems: dict[str, Stems], known: Lexicon) -> list[QueryPart]:
    """Return the parts for a word outside the lexicon, or for words joined by punctuation."""
    if len(words) > 1:
        phrase = f"({' <-> '.join(_prefix(stems[word]) for word in words)})"
        return [QueryPart(tuple(words), phrase, phrase, ())]
    word = stems[words[0]]
    if _is_stop_word(word):
        return []
    if not word.in_shop and (compound := _compound(word.word, known)):
        return compound
    tsquery = _prefix(word)
    categories = known.categories_by_stem.get(word.english, frozenset())
    words = [word.word]
    return [QueryPart((*words,), tsquery, tsquery, (*words,), categories, unknown=not word.in_shop)]


def _is_stop_word(word: Stems) -> bool:
    return not word.english or (not word.german and not word.in_shop)


def _prefix(word: Stems) -> str:
    # Only words that no product has match as prefixes, because "top" would also find all "topwear".
    return word.word if word.in_shop else f"{word.word}:*"


def _compound(text: str, known: Lexicon) -> list[QueryPart]:
    """Split a German compound into two known words: Damenschuhe, Ledertasche, Arbeitshose."""
    if len(text) < MIN_COMPOUND:
        return []
    cuts = range(MIN_COMPOUND_PART, len(text) - MIN_COMPOUND_PART + 1)
    pairs = [(text[:cut], text[cut:]) for cut in cuts]
    stems = stems_of(word for pair in pairs for word in pair)
    for head, tail in pairs:
        concepts = [known.german.get((stems[word].german or word,)) for word in (head, tail)]
        if concepts[0] and concepts[1]:
            both = zip((head, tail), concepts, strict=True)
            return [_concept_part([stems[w]], concept) for w, concept in both if concept]
    return []


def joined_query(parts: list[QueryPart], operator: str, *, strict: bool = False) -> str:
    """Join the tsqueries of the parts; the result is an empty string if there are no parts."""
    return f" {operator} ".join(part.strict_tsquery if strict else part.tsquery for part in parts)


def main_part(parts: list[QueryPart]) -> QueryPart | None:
    """Return the part of a query that means a garment, or ``None`` if no part does.

    In "shirt dress" and "Hemdkleid", this is the last part: the dress.
    """
    for wanted in (True, False):
        named = [part for part in parts if part.categories and part.exact is wanted]
        if named:
            return named[-1]
    return next((part for part in reversed(parts) if part.also_categories), None)
