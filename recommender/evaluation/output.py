"""Write the report of an evaluation: report.json with every figure, report.html for people.

Also writes the results of product pages and of photo search as Markdown, each with a contact sheet.
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
from recommender.evaluation.measuring import MIN_QUERIES
from recommender.evaluation.metrics import DEFINITIONS, Estimate
from recommender.evaluation.page_parts import PHOTO_TO_CATALOGUE, PRODUCT_PAGES
from recommender.evaluation.plots import draw_counts, draw_intervals

JSON, HTML = "report.json", "report.html"
PAGES, STREET = "product-pages.md", "photo-to-catalogue.md"
TITLES = {CATALOGUE: "Product pictures", PHOTOS: "Photos of people’s own clothes"}
Results = dict[str, Any]


def check_writable(folder: Path) -> None:
    """Raise ``EvaluationError`` now, before hours of work, if the folder cannot be written."""
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
    """Write all files of the report, replacing each atomically. Raises ``OSError``."""
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
    """Convert results for JSON: turn estimates into lists and leave pictures out."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items() if key != "picture"}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def humanise(name: str) -> str:
    """Return a name with spaces for underscores."""
    return name.replace("_", " ")


def _context(results: Results) -> Results:
    main = results["about"]["model"]
    return {
        "about": results["about"],
        "main": main,
        "available": [each for each in results["vectorizers"] if "description" in each],
        "missing": [each for each in results["vectorizers"] if "missing" in each],
        "datasets": [
            _dataset(name, results[name], results["vectorizers"], main)
            for name in TITLES
            if name in results
        ],
        "crops": _crops(results.get("crops"), results["about"], main),
        "definitions": {humanise(name): text for name, text in DEFINITIONS.items()},
        "least": MIN_QUERIES,
    }


def _dataset(name: str, results: Results, vectorizers: list[Results], main: str) -> Results:
    measures, alone = results["measures"], results["without_duplicates"]["measures"]
    label = next(iter(measures))
    return results | {
        "name": name,
        "title": TITLES[name],
        "label": humanise(label),
        "right_of_five": f"{5 * measures[label]['rows'][main]['precision'].value:.1f}",
        "plots": [_plot(each, measures[each], main) for each in measures],
        "tables": [
            {"title": "P@5", **_table(measures, "precision", main)},
            {"title": "mAP@5", **_table(measures, "average_precision", main)},
            {
                "title": f"P@5 minus that of {main}, paired by query",
                **_table(measures, f"minus_{main}", main),
            },
        ],
        "without_duplicates": _table(alone, "precision", main) if alone else None,
        "duplicates": results["without_duplicates"]["duplicates"],
        "reported": _reported(results["reported_scores"]),
        "measures_reported": [each["measure"] for each in vectorizers if each.get("measure")],
        "counts": mark_safe(draw_counts("right neighbours of five", results["right"][main])),  # noqa: S308
        "spreads": _spreads(results["spread"], main),
        "examples": [_example(each, label) for each in results["worst"]],
    }


def _plot(label: str, measure: Results, main: str) -> Results:
    rows = {name: row["precision"] for name, row in measure["rows"].items()}
    # Marked as safe, because ``draw_intervals`` escapes the names that it draws.
    svg = mark_safe(draw_intervals(humanise(label), rows, main))  # noqa: S308
    return {"title": humanise(label), "svg": svg, **measure}


def _table(measures: Results, figure: str, main: str) -> Results:
    """Return a row for each vectorizer and a column for each label."""
    vectorizers = next(iter(measures.values()))["rows"]
    return {
        "heads": [humanise(label) for label in measures],
        "rows": [
            {
                "name": name,
                "main": name == main,
                "cells": [_cell(measure["rows"][name][figure]) for measure in measures.values()],
            }
            for name in vectorizers
        ],
    }


def _spreads(spread: Results, main: str) -> Results:
    figures = list(next(iter(spread.values()), {}))
    titles = {"spread": "mean distance between two of the five"}
    return {
        "heads": [titles.get(figure, humanise(figure)) for figure in figures],
        "rows": [
            {"name": name, "main": name == main, "cells": [_cell(row[each]) for each in figures]}
            for name, row in spread.items()
        ],
    }


def _cell(row: Estimate) -> Results:
    return {"value": f"{row.value:.3f}", "interval": f"{row.low:.3f} to {row.high:.3f}"}


def _reported(scores: Results) -> list[Results]:
    """Return a row for each score that a manifest reports, with the score measured here."""
    return [
        {"name": name, "label": humanise(label), "cell": _cell(row["measured"]), **row}
        for name, labels in scores.items()
        for label, row in labels.items()
    ]


def _crops(crops: Results | None, about: Results, main: str) -> Results | None:
    if not crops:
        return None
    variants = about["crops"]
    own = {humanise(name): crops[main][name] for name in variants}
    gain = crops[main]["right_crop_minus_whole"]
    return {
        "variants": [(humanise(name), text) for name, text in variants.items()],
        "heads": [humanise(name) for name in variants],
        "rows": [
            {"name": name, "main": name == main, "cells": [_cell(row[each]) for each in variants]}
            for name, row in crops.items()
        ],
        "gain": _cell(gain),
        "clear": gain.low > 0,
        "svg": mark_safe(draw_intervals("crops of a photo", own, "right crop")),  # noqa: S308
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
