"""Recognise searches for a page of the shop, such as "delivery", instead of a product."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from shop.catalogue.browsing.search_terms import normalise
from shop.pages.models import Page

# The searches that lead to each page written by staff, by the page's slug.
WORDS = {
    "help": ("help", "faq", "customer service", "hilfe", "kundenservice"),
    "delivery": ("delivery", "shipping", "delivery costs", "lieferung", "versand", "versandkosten"),
    "returns": (
        *("return", "returns", "refund", "refunds", "exchange"),
        *("rückgabe", "retoure", "retouren", "umtausch", "rücksendung"),
    ),
    "contact": ("contact", "contact us", "kontakt"),
    "terms": ("terms", "terms and conditions", "agb"),
}


@dataclass(frozen=True)
class SearchPage:
    """Holds the title of a page, its URL name, and what shoppers type to find it."""

    title: str | Promise
    name: str
    words: tuple[str, ...]


PAGES = (
    SearchPage(
        _("Privacy and cookies"),
        "catalogue:privacy",
        ("privacy", "cookies", "datenschutz", "privacy policy"),
    ),
    SearchPage(
        _("Your orders"),
        "orders:list",
        ("order", "orders", "my orders", "order status", "bestellung", "bestellungen"),
    ),
    SearchPage(
        _("Search by photo"),
        "recommender:photo-search",
        ("photo", "photo search", "foto", "fotosuche", "bildersuche"),
    ),
)


def page_for(text: str) -> tuple[str | Promise, str] | None:
    """Return the title and URL of the page that a search is for, if the shop has that page."""
    query = " ".join(normalise(text).split())
    for page in PAGES:
        if query in page.words:
            return page.title, reverse(page.name)
    for slug, words in WORDS.items():
        if query in words:
            found = Page.objects.published().with_slug(slug)
            return (found.title, found.get_absolute_url()) if found else None
    return None
