"""Full-text search in PostgreSQL that knows garments, synonyms and article numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db.models import Case, F, FloatField, Q, Value, When
from django.db.models.expressions import Combinable

from shop.catalogue.browsing.search_terms import Part, joined_query, main_part, read
from shop.catalogue.browsing.spelling import Correction, correct
from shop.catalogue.models import SEARCH_CONFIG, Product, Variant
from shop.catalogue.querysets import ProductQuerySet

# ``SearchRank`` is below 1, so each of these outweighs it.
ARTICLE_NUMBER_RANK = 10.0
CATEGORY_RANK = 2.0
OWN_WORDS_RANK = 1.0
COLOUR_RANK = 1.0
ALSO_CATEGORY_RANK = 0.5
# The order of products that have a ``rank``.
BEST_MATCH: tuple[str, ...] = ("-rank", "-pk")


@dataclass(frozen=True)
class SearchResult:
    """What was found, and what of the text it was found by.

    ``corrected`` is what was searched for instead; ``choices`` are corrections between which the
    shopper must choose. Without products for all words, ``missing`` are those left out, and
    ``any_word`` is whether a product needs only one of the ``words``.
    """

    products: ProductQuerySet
    corrected: str = ""
    choices: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    any_word: bool = False


def search_products(products: ProductQuerySet, text: str) -> SearchResult:
    """Find every word, those that are mistyped corrected; or else some of the words."""
    parts = read(text)
    if not parts:
        return SearchResult(_nothing(products))
    numbered = _by_article_number(text)
    correction = Correction() if numbered else correct(parts)
    if correction.text:
        parts = read(correction.text)
    if not correction.choices:
        found = matching(products, parts, numbered=numbered)
        if found.exists():
            return SearchResult(found, correction.text, words=_words(parts))
    return _some_words(products, parts, correction)


def _some_words(
    products: ProductQuerySet, parts: list[Part], correction: Correction
) -> SearchResult:
    """Leave out the words that nothing has; if nothing has the others together, any will do."""
    there = [p for p in parts if not p.unknown or matching(products, [p]).exists()]
    missing = tuple(word for part in parts if part not in there for word in part.words)
    if not there or correction.choices:
        return SearchResult(_nothing(products), choices=correction.choices, missing=missing)
    found = matching(products, there)
    any_word = len(there) > 1 and not found.exists()
    if any_word:
        found = matching(products, there, "|")
    return SearchResult(found, correction.text, (), _words(there), missing, any_word)


def _nothing(products: ProductQuerySet) -> ProductQuerySet:
    # With a rank, as lists are ordered by it.
    return products.none().annotate(rank=Value(0.0, output_field=FloatField()))


def _words(parts: list[Part]) -> tuple[str, ...]:
    return tuple(word for part in parts for word in part.words)


def matching(
    products: ProductQuerySet,
    parts: list[Part],
    operator: str = "&",
    numbered: list[int] | None = None,
) -> ProductQuerySet:
    """Return the products that have the parts, or the article number, with their rank."""
    query = _query(joined_query(parts, operator))
    condition = Q(search=query)
    if numbered:
        condition |= Q(pk__in=numbered)
    return products.filter(condition).annotate(rank=_rank(parts, operator, numbered or []))


def _rank(parts: list[Part], operator: str, numbered: list[int]) -> Combinable:
    """Return a rank: the named garment first, then its words, then what synonyms add."""
    own = _query(joined_query(parts, operator, own=True))
    ranks: list[Combinable] = [SearchRank(F("search"), own)]
    if any(part.own != part.tsquery for part in parts):
        ranks.append(_if(Q(search=own), OWN_WORDS_RANK))
    # Trousers of the brand Black Coffee may be of any colour.
    colours = [term.title() for part in parts for term in part.terms]
    ranks.append(_if(Q(base_colour__in=colours), COLOUR_RANK))
    if main := main_part(parts):
        if main.categories:
            ranks.append(_if(Q(category__in=sorted(main.categories)), CATEGORY_RANK))
        if also := main.also_categories - main.categories:
            ranks.append(_if(Q(category__in=sorted(also)), ALSO_CATEGORY_RANK))
    if numbered:
        ranks.append(_if(Q(pk__in=numbered), ARTICLE_NUMBER_RANK))
    return reduce(add, ranks)


def _if(condition: Q, rank: float) -> Case:
    return Case(When(condition, then=Value(rank)), default=Value(0.0), output_field=FloatField())


def _query(tsquery: str) -> SearchQuery:
    return SearchQuery(tsquery, search_type="raw", config=SEARCH_CONFIG)


def _by_article_number(text: str) -> list[int]:
    """Return the ids of products with this SKU or external id, in whatever case it was typed."""
    number = text.strip()
    if not any(letter.isdigit() for letter in number):
        return []
    written = {number, number.upper(), number.lower()}
    ids = Variant.objects.filter(sku__in=written).values_list("product_id", flat=True)
    others = Product.objects.filter(external_id__in=written).values_list("pk", flat=True)
    return sorted({*ids, *others})


def all_words(text: str) -> str:
    """Return the tsquery of every word, mistyped ones corrected; empty without words."""
    parts = read(text)
    corrected = correct(parts).text
    return joined_query(read(corrected) if corrected else parts, "&")
