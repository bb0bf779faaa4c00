"""Read what a shopper typed: its words, what they mean, and the tsquery that finds them."""

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
# Shorter ones are seldom two: "Damenschuhe", "Ledertasche".
MIN_COMPOUND = 8
MIN_COMPOUND_PART = 3


@dataclass(frozen=True)
class Part:
    """One or more words that are searched for together.

    ``own`` is a tsquery of what was meant, ``tsquery`` the same widened by what the synonyms also
    find; ``terms`` are the words of ``own``. ``exact`` is whether ``categories`` bear just this
    name. An unknown word is in no product: it may be mistyped.
    """

    words: tuple[str, ...]
    own: str
    tsquery: str
    terms: tuple[str, ...]
    categories: frozenset[int] = frozenset()
    also_categories: frozenset[int] = frozenset()
    exact: bool = False
    unknown: bool = False


def clean(text: str) -> str:
    """Return the text in one kind of letters, hyphens and apostrophes; ``women's`` as ``women``."""
    text = unicodedata.normalize("NFKC", text).lower()
    text = re.sub(r"[‐‑‒–—―−]", "-", text)
    return re.sub(r"['’´`]s\b", "", text)


def read(text: str) -> list[Part]:
    """Return the parts of a text in their order; empty for one without a letter or digit."""
    words, joined = _words(clean(text))
    if not words:
        return []
    known = lexicon()
    stems = stems_of(words)
    parts: list[Part] = []
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
    """Return the words, and of each whether only punctuation parts it from the one before."""
    words: list[str] = []
    joined: list[bool] = []
    for chunk in re.split(r"[^\w&.'’+-]+", text):
        for number, word in enumerate(split(chunk)):
            words.append(word)
            joined.append(number > 0)
    return words[:MAX_WORDS], joined[:MAX_WORDS]


def _longest_term(words: list[Stems], known: Lexicon) -> Part | None:
    for length in range(len(words), 0, -1):
        if concept := known.find(words[:length]):
            return _concept_part(words[:length], concept)
    return None


def _concept_part(words: list[Stems], concept: Concept) -> Part:
    typed = " ".join(word.word for word in words)
    terms = list(concept.terms)
    if len(words) == 1 and words[0].in_shop and typed not in terms:
        terms.append(typed)
    own = _any_of(terms)
    return Part(
        words=tuple(word.word for word in words),
        own=own,
        tsquery=_any_of([*terms, *concept.also]) if concept.also else own,
        terms=tuple(terms),
        categories=concept.categories,
        also_categories=concept.also_categories,
        exact=bool(concept.categories),
    )


def concept_query(concept: Concept) -> str:
    """Return the tsquery of all that a concept finds."""
    return _any_of([*concept.terms, *concept.also])


def _any_of(terms: list[str]) -> str:
    # Where "tee" is searched for, the phrase "tee shirt" finds nothing more and takes longer.
    needed = [t for t in terms if " " not in t or not set(t.split()) & set(terms)]
    return f"({' | '.join(_quoted(term) for term in needed)})"


def _quoted(term: str) -> str:
    """Return a term as an operand of to_tsquery, which makes a phrase of several words."""
    letters = re.sub(r"[^\w -]+", " ", term)
    return f"'{letters}'"


def _plain(words: list[str], stems: dict[str, Stems], known: Lexicon) -> list[Part]:
    """Return the parts of words outside the lexicon: one, or several joined by punctuation."""
    if len(words) > 1:
        phrase = f"({' <-> '.join(_prefix(stems[word]) for word in words)})"
        return [Part(tuple(words), phrase, phrase, ())]
    word = stems[words[0]]
    if _is_stop_word(word):
        return []
    if not word.in_shop and (compound := _compound(word.word, known)):
        return compound
    tsquery = _prefix(word)
    categories = known.categories_by_stem.get(word.english, frozenset())
    words = [word.word]
    return [Part((*words,), tsquery, tsquery, (*words,), categories, unknown=not word.in_shop)]


def _is_stop_word(word: Stems) -> bool:
    return not word.english or (not word.german and not word.in_shop)


def _prefix(word: Stems) -> str:
    # Words that products have are not prefixes: "top" would find everything in "topwear".
    return word.word if word.in_shop else f"{word.word}:*"


def _compound(text: str, known: Lexicon) -> list[Part]:
    """Read a German compound of two known words: Damenschuhe, Ledertasche, Arbeitshose."""
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


def joined_query(parts: list[Part], operator: str, *, own: bool = False) -> str:
    """Return the tsquery of all parts; empty without parts."""
    return f" {operator} ".join(part.own if own else part.tsquery for part in parts)


def main_part(parts: list[Part]) -> Part | None:
    """Return the part that names the garment: in "shirt dress" and "Hemdkleid" the last."""
    for wanted in (True, False):
        named = [part for part in parts if part.categories and part.exact is wanted]
        if named:
            return named[-1]
    return next((part for part in reversed(parts) if part.also_categories), None)
