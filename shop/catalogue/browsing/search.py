"""Search products with PostgreSQL's full-text search.

Searches also match synonyms and article numbers, and products of the searched category rank first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db.models import Case, F, FloatField, Q, Value, When
from django.db.models.expressions import Combinable

from shop.catalogue.browsing.search_terms import QueryPart, joined_query, main_part, parse_query
from shop.catalogue.browsing.spelling import Correction, correct
from shop.catalogue.models import SEARCH_CONFIG, Product, Variant
from shop.catalogue.querysets import ProductQuerySet

# Added to ``SearchRank``, which is below 1.
ARTICLE_NUMBER_RANK = 10.0
CATEGORY_RANK = 2.0
STRICT_MATCH_RANK = 1.0
COLOUR_RANK = 1.0
ALSO_CATEGORY_RANK = 0.5
# The sort order of products that are annotated with a ``rank``.
BEST_MATCH: tuple[str, ...] = ("-rank", "-pk")


@dataclass(frozen=True)
class SearchResult:
    """Holds the products found and how the text was understood.

    ``corrected`` is the text that was searched for instead; ``choices`` are corrections among which
    the shopper must choose. If no product has all words, ``missing`` has the words that were
    ignored, and ``any_word`` is true if the products have at least one of the ``words`` instead of
    all.
    """

    products: ProductQuerySet
    corrected: str = ""
    choices: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    any_word: bool = False


def search_products(products: ProductQuerySet, text: str) -> SearchResult:
    """Search for all words with corrected spelling, or if that finds nothing, for some of them."""
    parts = parse_query(text)
    if not parts:
        return SearchResult(_nothing(products))
    numbered = _by_article_number(text)
    correction = Correction() if numbered else correct(parts)
    if correction.text:
        parts = parse_query(correction.text)
    if not correction.choices:
        found = matching(products, parts, numbered=numbered)
        if found.exists():
            return SearchResult(found, correction.text, words=_words(parts))
    return _partial_match(products, parts, correction)


def _partial_match(
    products: ProductQuerySet, parts: list[QueryPart], correction: Correction
) -> SearchResult:
    """Search for the words that products have, ignoring the others.

    If no product has all of these words, products match that have any of them.
    """
    present = [p for p in parts if not p.unknown or matching(products, [p]).exists()]
    missing = tuple(word for part in parts if part not in present for word in part.words)
    if not present or correction.choices:
        return SearchResult(_nothing(products), choices=correction.choices, missing=missing)
    found = matching(products, present)
    any_word = len(present) > 1 and not found.exists()
    if any_word:
        found = matching(products, present, "|")
    return SearchResult(found, correction.text, (), _words(present), missing, any_word)


def _nothing(products: ProductQuerySet) -> ProductQuerySet:
    # The empty result needs a rank, too, because lists are ordered by it.
    return products.none().annotate(rank=Value(0.0, output_field=FloatField()))


def _words(parts: list[QueryPart]) -> tuple[str, ...]:
    return tuple(word for part in parts for word in part.words)


def matching(
    products: ProductQuerySet,
    parts: list[QueryPart],
    operator: str = "&",
    numbered: list[int] | None = None,
) -> ProductQuerySet:
    """Return the products that match the parts of a query, annotated with their ``rank``.

    Products whose ids are in ``numbered`` match as well, because their article number was searched.
    """
    query = _query(joined_query(parts, operator))
    condition = Q(search=query)
    if numbered:
        condition |= Q(pk__in=numbered)
    return products.filter(condition).annotate(rank=_rank(parts, operator, numbered or []))


def _rank(parts: list[QueryPart], operator: str, numbered: list[int]) -> Combinable:
    """Return an expression for the rank of products.

    Products with the searched article number come first, then those of the searched category,
    strict matches, and products that match only broader synonyms.
    """
    strict = _query(joined_query(parts, operator, strict=True))
    ranks: list[Combinable] = [SearchRank(F("search"), strict)]
    if any(part.strict_tsquery != part.tsquery for part in parts):
        ranks.append(_if(Q(search=strict), STRICT_MATCH_RANK))
    # Products of the searched colour rank higher, because "black" also finds the brand Black Coffee
    # in any colour.
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
    """Return the ids of products with this SKU or external id, ignoring case."""
    number = text.strip()
    if not any(letter.isdigit() for letter in number):
        return []
    spellings = {number, number.upper(), number.lower()}
    ids = Variant.objects.filter(sku__in=spellings).values_list("product_id", flat=True)
    others = Product.objects.filter(external_id__in=spellings).values_list("pk", flat=True)
    return sorted({*ids, *others})


def all_words(text: str) -> str:
    """Return a tsquery that requires all words of ``text``, with corrected spelling.

    Return an empty string if the text has no words.
    """
    parts = parse_query(text)
    corrected = correct(parts).text
    return joined_query(parse_query(corrected) if corrected else parts, "&")
