"""Suggest searches, categories and products while a shopper types."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.translation import get_language

from shop.catalogue.browsing.facets import count
from shop.catalogue.browsing.filters import Filters
from shop.catalogue.browsing.lexicon import lexicon, split
from shop.catalogue.browsing.search import BEST_MATCH, matching, search_products
from shop.catalogue.browsing.search_terms import QueryPart, concept_query, normalise, parse_query
from shop.catalogue.models import Category, Product, SearchWord

MIN_LETTERS = 2
MAX_LETTERS = 60
# Products are not suggested for fewer letters, because thousands begin with the same two.
MIN_LETTERS_FOR_PRODUCTS = 3
MAX_SEARCHES = 5
MAX_CATEGORIES = 3
MAX_PRODUCTS = 3


@dataclass(frozen=True)
class Suggestions:
    """Holds suggestions, best first; all lists are empty for a text that is too short."""

    searches: list[str] = field(default_factory=list)
    categories: list[Category] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.searches) + len(self.categories) + len(self.products)


def suggest(text: str) -> Suggestions:
    """Return suggestions for the text typed so far."""
    words = normalise(text)[:MAX_LETTERS].split()
    letters = len("".join(split(" ".join(words))))
    if letters < MIN_LETTERS:
        return Suggestions()
    products: list[Product] = []
    if letters >= MIN_LETTERS_FOR_PRODUCTS:
        found = search_products(Product.objects.listed(), " ".join(words)).products
        ids = list(found.order_by(*BEST_MATCH).values_list("pk", flat=True)[:MAX_PRODUCTS])
        rows = Product.objects.with_card_data().in_bulk(ids)
        products = [rows[pk] for pk in ids if pk in rows]
    return Suggestions(_searches(words), _categories(words), products)


def _searches(words: list[str]) -> list[str]:
    """Return completions of the last word with which the search finds products.

    Terms of the lexicon come before words of products. If several terms have the same tsquery, only
    the first is suggested.
    """
    *before, last = words
    head = parse_query(" ".join(before))
    terms = lexicon().completions["de" if get_language() == "de" else "en"]
    found: dict[str, str] = {}
    for term, concept in terms.items():
        if term.startswith(last):
            found.setdefault(concept_query(concept), term)
    known = SearchWord.objects.filter(word__startswith=last).order_by("-products", "word")
    for word in known.values_list("word", flat=True)[: 2 * MAX_SEARCHES]:
        if not any(word.rstrip("s") == term.rstrip("s") for term in found.values()):
            found[word] = word
    searches: list[str] = []
    for tsquery, term in list(found.items())[: 3 * MAX_SEARCHES]:
        parts = [*head, QueryPart((term,), tsquery, tsquery, ())]
        if len(searches) < MAX_SEARCHES and matching(Product.objects.listed(), parts).exists():
            searches.append(" ".join([*before, term]))
    return searches


def _categories(words: list[str]) -> list[Category]:
    """Return the categories whose name, or the beginning of it, was typed, largest first."""
    products = count(Product.objects.listed(), Filters()).categories
    named = {pk for part in parse_query(" ".join(words)) if part.exact for pk in part.categories}
    begun = Category.objects.filter(pk__in=products, name__istartswith=" ".join(words))
    named |= set(begun.values_list("pk", flat=True))
    ids = sorted((pk for pk in named if pk in products), key=lambda pk: (-products[pk], pk))
    rows = Category.objects.select_related("parent").in_bulk(ids[:MAX_CATEGORIES])
    return [rows[pk] for pk in ids[:MAX_CATEGORIES]]
