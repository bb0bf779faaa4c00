"""Offer links above a photo's results: for which garment and for whom to search."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from recommender.garments.names import NAMES
from recommender.photo_search.answers import EVERYTHING, Answer
from shop.catalogue.browsing.colours import hex_of
from shop.catalogue.browsing.facets import count
from shop.catalogue.browsing.filters import Filters
from shop.catalogue.models import Product

COLOURS = 6
GENDERS = (Product.Gender.WOMEN, Product.Gender.MEN)


@dataclass(frozen=True)
class Choice:
    """A link that sets one choice, or takes it back where it is ``active``.

    ``colour`` is that of its swatch, if it has one.
    """

    label: str | Promise
    address: str
    active: bool
    colour: str = ""


def garment_choices(answer: Answer, query: QueryDict) -> list[Choice]:
    """Return what was searched for, what may be meant instead, and everything."""
    searched = [_choice(query, "garment", NAMES[name], name, True) for name in answer.searched]
    offered = [_choice(query, "garment", NAMES[name], name, False) for name in answer.offered]
    every = _choice(query, "garment", _("Everything"), EVERYTHING, answer.everything)
    return [*searched, *offered, every]


def gender_choices(filters: Filters, query: QueryDict) -> list[Choice]:
    """Return links for women and men."""
    return [
        _choice(query, "gender", gender.label, gender.value, filters.genders == (gender.value,))
        for gender in GENDERS
    ]


def colour_choices(filters: Filters, query: QueryDict) -> list[Choice]:
    """Return links for the colours of most products, counted within a minute, as swatches."""
    counted = count(Product.objects.listed().in_stock(), Filters()).colours
    common = sorted(counted, key=lambda colour: (-counted[colour], colour))
    shown = [colour for colour in common if hex_of(colour)][:COLOURS]
    chosen = [colour for colour in filters.colours if colour not in shown]
    return [
        replace(
            _choice(query, "colour", pgettext("colour", colour), colour, colour in filters.colours),
            colour=hex_of(colour),
        )
        for colour in [*chosen, *shown]
    ]


def _choice(query: QueryDict, name: str, label: str | Promise, value: str, active: bool) -> Choice:
    changed = query.copy()
    if not active:
        changed[name] = value
    elif name == "garment" and value != EVERYTHING:
        changed[name] = EVERYTHING
    else:
        changed.pop(name, None)
    changed.pop("count", None)
    return Choice(label, f"?{changed.urlencode()}", active)
