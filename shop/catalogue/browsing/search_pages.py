"""Know the searches that mean a page of the shop and no product."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from shop.catalogue.browsing.search_terms import clean


@dataclass(frozen=True)
class SearchPage:
    """A page, its address's name, and what shoppers type who look for it."""

    title: str | Promise
    name: str
    words: tuple[str, ...]
    args: tuple[str, ...] = ()


PAGES = (
    SearchPage(
        _("Privacy and cookies"),
        "catalogue:privacy",
        ("privacy", "cookies", "datenschutz", "privacy policy"),
    ),
    SearchPage(
        _("Your orders"),
        "orders:mine",
        ("order", "orders", "my orders", "order status", "bestellung", "bestellungen"),
    ),
    SearchPage(
        _("Search by photo"),
        "recommender:photo-search",
        ("photo", "photo search", "foto", "fotosuche", "bildersuche"),
    ),
)


def page_for(text: str) -> tuple[str | Promise, str] | None:
    """Return title and address of the page that this text names, if the shop has it."""
    wanted = " ".join(clean(text).split())
    for page in PAGES:
        if wanted in page.words:
            try:
                return page.title, reverse(page.name, args=page.args)
            except NoReverseMatch:
                return None
    return None
