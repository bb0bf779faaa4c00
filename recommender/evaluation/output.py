"""Write the report: ``report.json`` with every figure, ``report.html`` for people.

What goes through the pages is Markdown, each part with a contact sheet beside it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from recommender.evaluation.datasets import CATALOGUE, PHOTOS, EvaluationError
from recommender.evaluation.markdown import (
    PAGES_SHEET,
    PHOTOS_SHEET,
    photo_to_catalogue_text,
    product_pages_text,
)
from recommender.evaluation.measuring import LEAST_QUERIES
from recommender.evaluation.metrics import DEFINITIONS, Estimate
from recommender.evaluation.page_parts import PHOTO_TO_CATALOGUE, PRODUCT_PAGES
from recommender.evaluation.plots import draw_counts, draw_intervals

JSON, HTML = "report.json", "report.html"
PAGES, STREET = "product-pages.md", "photo-to-catalogue.md"
TITLES = {CATALOGUE: "Products among products", PHOTOS: "Photos of people’s own clothes"}
Results = dict[str, Any]


def check_writable(folder: Path) -> None:
    """Before hours of work rather than after. Raises ``EvaluationError``."""
    probe = folder / f".probe.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise EvaluationError(
            f"{folder} cannot be written: {error}. Name another folder with --output."
        ) from error


def write_report(folder: Path, results: Results) -> None:
    """Write all files, each replaced as a whole. Raises ``OSError``."""
    contents = _contents(results)
    new = {name: folder / f".{name}.{os.getpid()}" for name in contents}
    try:
        for name, content in contents.items():
            new[name].write_bytes(content)
        for name, path in new.items():
            path.replace(folder / name)
    finally:
        for path in new.values():
            path.unlink(missing_ok=True)


def _contents(results: Results) -> dict[str, bytes]:
    texts = {
        JSON: json.dumps(_plain(results), indent=1, ensure_ascii=False) + "\n",
        HTML: render_to_string("recommender/evaluation.html", _context(results)),
    }
    sheets = {}
    if pages := results.get(PRODUCT_PAGES):
        texts[PAGES], sheets[PAGES_SHEET] = product_pages_text(results), pages["picture"]
    if photos := results.get(PHOTO_TO_CATALOGUE):
        texts[STREET], sheets[PHOTOS_SHEET] = photo_to_catalogue_text(results), photos["picture"]
    return {name: text.encode() for name, text in texts.items()} | sheets


def _plain(value: Any) -> Any:
    """Without pictures; an estimate is [value, low, high]."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items() if key != "picture"}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def words(name: str) -> str:
    return name.replace("_", " ")


def _context(results: Results) -> Results:
    main = results["about"]["model"]
    return {
        "about": results["about"],
        "main": main,
        "there": [way for way in results["ways"] if "what" in way],
        "missing": [way for way in results["ways"] if "missing" in way],
        "collections": [
            _collection(name, results[name], results["ways"], main)
            for name in TITLES
            if name in results
        ],
        "parts": _parts(results.get("parts"), results["about"], main),
        "definitions": {words(name): text for name, text in DEFINITIONS.items()},
        "least": LEAST_QUERIES,
    }


def _collection(name: str, results: Results, ways: list[Results], main: str) -> Results:
    measures, alone = results["measures"], results["uncopied"]["measures"]
    label = next(iter(measures))
    return results | {
        "name": name,
        "title": TITLES[name],
        "label": words(label),
        "right_of_five": f"{5 * measures[label]['rows'][main]['precision'].value:.1f}",
        "plots": [_plot(each, measures[each], main) for each in measures],
        "tables": [
            {"title": "P@5", **_table(measures, "precision", main)},
            {"title": "mAP@5", **_table(measures, "average_precision", main)},
            {
                "title": f"P@5 minus that of {main}, query by query",
                **_table(measures, f"minus_{main}", main),
            },
        ],
        "uncopied": _table(alone, "precision", main) if alone else None,
        "copied": results["uncopied"]["copied"],
        "claimed": [
            *_claims(results["claims"]),
            *(row for way, said in results["references"].items() for row in _claims(said, way)),
        ],
        # The projection is measured on the same pictures as its network.
        "claimed_on": list(dict.fromkeys(way["measure"] for way in ways if way.get("measure"))),
        "counts": mark_safe(draw_counts("right of five", results["right"][main])),  # noqa: S308
        "spreads": _spreads(results["spread"], main),
        "examples": [_example(each, label) for each in results["worst"]],
    }


def _plot(label: str, measure: Results, main: str) -> Results:
    rows = {way: row["precision"] for way, row in measure["rows"].items()}
    # Names are escaped where they are drawn.
    svg = mark_safe(draw_intervals(words(label), rows, main))  # noqa: S308
    return {"title": words(label), "svg": svg, **measure}


def _table(measures: Results, figure: str, main: str) -> Results:
    """A row for each way, a column for each label."""
    ways = next(iter(measures.values()))["rows"]
    return {
        "heads": [words(label) for label in measures],
        "rows": [
            {
                "name": way,
                "main": way == main,
                "cells": [_cell(measure["rows"][way][figure]) for measure in measures.values()],
            }
            for way in ways
        ],
    }


def _spreads(spread: Results, main: str) -> Results:
    names = list(next(iter(spread.values()), {}))
    titles = {"spread": "distance between two of the five"}
    return {
        "heads": [titles.get(name, words(name)) for name in names],
        "rows": [
            {"name": way, "main": way == main, "cells": [_cell(row[name]) for name in names]}
            for way, row in spread.items()
        ],
    }


def _cell(row: Estimate) -> Results:
    return {"value": f"{row.value:.3f}", "interval": f"{row.low:.3f} to {row.high:.3f}"}


def _claims(claims: Results, of: str = "") -> list[Results]:
    """``of``: the model whose manifest says it of its rivals."""
    return [
        {
            "way": f"{way} beside {of}" if of else way,
            "label": words(label),
            "cell": _cell(row["seen"]),
            **row,
        }
        for way, said in claims.items()
        for label, row in said.items()
    ]


def _parts(parts: Results | None, about: Results, main: str) -> Results | None:
    if not parts:
        return None
    variants = about["parts"]
    own = {words(name): parts[main][name] for name in variants}
    gain = parts[main]["right_part_minus_whole"]
    return {
        "variants": [(words(name), what) for name, what in variants.items()],
        "heads": [words(name) for name in variants],
        "rows": [
            {"name": way, "main": way == main, "cells": [_cell(row[name]) for name in variants]}
            for way, row in parts.items()
        ],
        "gain": _cell(gain),
        "clear": gain.low > 0,
        "svg": mark_safe(draw_intervals("parts of a photo", own, "right part")),  # noqa: S308
    }


def _example(example: Results, label: str) -> Results:
    wanted = example["query"]["labels"][label]
    return {
        "query": _shown(example["query"], label),
        "found": [
            {**_shown(each, label), "right": each["labels"][label] == wanted}
            for each in example["found"]
        ],
    }


def _shown(picture: Results, label: str) -> Results:
    colour = picture["labels"].get("base_colour", "")
    name = picture["labels"][label] or "?"
    return {**picture, "caption": f"{colour} {name}".strip(), "short": picture["id"].split("/")[-1]}
