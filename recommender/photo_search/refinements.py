"""Build the links above a photo's results that choose a garment, a gender or a colour."""

from __future__ import annotations

from dataclasses import replace

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from recommender.garments.names import NAMES
from recommender.photo_search.answers import EVERYTHING, Answer
from recommender.recommendations.refine import Refinement
from shop.catalogue.attribute_names import attribute_name
from shop.catalogue.browsing.colours import hex_of
from shop.catalogue.browsing.facets import count
from shop.catalogue.browsing.filters import Filters
from shop.catalogue.models import Product

COLOURS = 6
GENDERS = (Product.Gender.WOMEN, Product.Gender.MEN)


def garment_refinements(answer: Answer, query: QueryDict) -> list[Refinement]:
    """Return links for the garments searched for, for other likely ones, and for everything."""
    searched = [_choice_link(query, "garment", NAMES[name], name, True) for name in answer.searched]
    offered = [_choice_link(query, "garment", NAMES[name], name, False) for name in answer.offered]
    every = _choice_link(query, "garment", _("All items"), EVERYTHING, answer.everything)
    return [*searched, *offered, every]


def gender_refinements(filters: Filters, query: QueryDict) -> list[Refinement]:
    """Return links for women and men."""
    return [
        _choice_link(
            query, "gender", gender.label, gender.value, filters.genders == (gender.value,)
        )
        for gender in GENDERS
    ]


def colour_refinements(filters: Filters, query: QueryDict) -> list[Refinement]:
    """Return links with swatches: for the chosen colours, then the most common ones in stock.

    The counts are cached for a minute.
    """
    counted = count(Product.objects.listed().in_stock(), Filters()).colours
    common = sorted(counted, key=lambda colour: (-counted[colour], colour))
    shown = [colour for colour in common if hex_of(colour)][:COLOURS]
    chosen = [colour for colour in filters.colours if colour not in shown]
    return [
        replace(
            _choice_link(
                query, "colour", attribute_name(colour), colour, colour in filters.colours
            ),
            colour=hex_of(colour),
        )
        for colour in [*chosen, *shown]
    ]


def _choice_link(
    query: QueryDict, name: str, label: str | Promise, value: str, active: bool
) -> Refinement:
    """Return the link that sets ``name`` to ``value``, or unsets it if it is ``active``.

    A garment is not unset but replaced by ``EVERYTHING``, because without the parameter the search
    would be limited to the detected garment again.
    """
    changed = query.copy()
    if not active:
        changed[name] = value
    elif name == "garment" and value != EVERYTHING:
        changed[name] = EVERYTHING
    else:
        changed.pop(name, None)
    changed.pop("count", None)
    return Refinement(label, f"?{changed.urlencode()}", active)
