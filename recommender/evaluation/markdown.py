"""Write the results of product pages and photo search as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from recommender.evaluation import product_pages, street_photos
from recommender.evaluation.datasets import CATALOGUE
from recommender.evaluation.metrics import DEFINITIONS, Mean
from recommender.evaluation.page_parts import PHOTO_TO_CATALOGUE, PRODUCT_PAGES

Results = dict[str, Any]
PAGES_SHEET, PHOTOS_SHEET = "product-pages.jpg", "photo-to-catalogue.jpg"
PAGE = """# {title}

{about}; {source}

{table}

![A query and its five results in each row]({sheet})

{definitions}

{note}
"""


def product_pages_text(results: Results) -> str:
    """Return the page on the similar items of product pages."""
    part = results[PRODUCT_PAGES]
    rows = [
        [_humanise(name), *(_cell(part["measures"][each][name]) for each in product_pages.SUBSETS)]
        for name in product_pages.FIGURES
    ]
    return PAGE.format(
        title="Product pages",
        about=f"The similar items of {len(part['found'])} product pages",
        source=_source(results),
        table=_table(["", *product_pages.SUBSETS], rows),
        sheet=PAGES_SHEET,
        definitions=_definitions(product_pages.FIGURES),
        note="Each figure: mean, 95 % interval, number of products. Type, gender, colour and "
        "pattern are divided by the number of other products in stock that match, at most five; a "
        "product without that label, or without a match, is left out.",
    )


def photo_to_catalogue_text(results: Results) -> str:
    """Return the page on the results of photo search."""
    part, figures = results[PHOTO_TO_CATALOGUE], street_photos.FIGURES
    rows = [
        [
            row["class"],
            str(row["right_kind"].queries),
            *(_cell(row[name], with_count=False) for name in figures),
        ]
        for row in part["classes"]
    ]
    photos = f"{len(part['found'])} {part['part']} photos of people's own clothes"
    damaged = f" ({len(part['damaged'])} more could not be read)" if part["damaged"] else ""
    return PAGE.format(
        title="Photo to catalogue",
        about=f"The results of photo search for {photos}{damaged}",
        source=_source(results),
        table=_table(["class", "photos", *(_humanise(name) for name in figures)], rows),
        sheet=PHOTOS_SHEET,
        definitions=_definitions(figures),
        note=_right_types([row["class"] for row in part["classes"]]),
    )


def _right_types(classes: Sequence[str]) -> str:
    types = street_photos.ARTICLE_TYPES
    listed = [f"{each}: {', '.join(types[each])}" for each in classes if each in types]
    return f"Article types that count as correct. {'. '.join(listed)}."


def _source(results: Results) -> str:
    catalogue = results[CATALOGUE]
    return (
        f"network `{results['about']['model']}`, {catalogue['pictures']:,} products with a picture "
        f"of {catalogue['source']}, seed {results['about']['seed']}."
    )


def _definitions(figures: Mapping[str, str]) -> str:
    lines = [f"- *{_humanise(name)}*: {text}" for name, text in figures.items()]
    return "\n".join([*lines, f"- *interval*: {DEFINITIONS['interval']}"])


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(mean: Mean, *, with_count: bool = True) -> str:
    if mean.estimate is None:
        return "–"
    value, low, high = mean.estimate
    places = 3 if high <= 1 else 1  # one decimal for ΔE, the only figure above 1
    figure = f"{value:.{places}f} ({low:.{places}f}–{high:.{places}f})"
    return f"{figure}; {mean.queries}" if with_count else figure


def _humanise(name: str) -> str:
    return {"delta_e": "ΔE"}.get(name, name.replace("_", " "))
