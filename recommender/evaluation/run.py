"""Run an evaluation."""

from __future__ import annotations

from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from recommender.evaluation import measuring
from recommender.evaluation.crops import VARIANTS, measure_crops
from recommender.evaluation.datasets import (
    CATALOGUE,
    PHOTOS,
    Dataset,
    EvaluationError,
    LabelledPicture,
    Progress,
    open_catalogue,
    open_photos,
)
from recommender.evaluation.metrics import DEFINITIONS
from recommender.evaluation.page_parts import measure_pages, queries_in_order
from recommender.evaluation.street_photos import StreetPhoto, read_street_photos
from recommender.evaluation.vectorizers import (
    Network,
    UnavailableVectorizer,
    Vectorizer,
    open_vectorizers,
    reported_measure,
    reported_scores,
)
from recommender.evaluation.vectors import vectors_of
from shop.catalogue.images.conversion import upright_rgb

Results = dict[str, Any]
THUMBNAIL = 96
PACKAGES = ("numpy", "pillow", "openvino", "tensorflow-cpu", "tensorflow")


@dataclass(frozen=True)
class Request:
    """Holds the options of an evaluation.

    The report is about the first of ``models``; the other models are compared with this one.
    Without a ``catalogue`` the shop's products are used, unless ``photos_only`` is set.
    ``exclude_queries`` keeps the queries out of the gallery. ``product_pages`` measures similar
    items and ``street_photos`` measures photo search, both by the code of the shop's pages;
    ``street_part`` is the part of the photos to search with.
    """

    models: tuple[str, ...]
    without: tuple[str, ...]
    catalogue: Path | None
    queries: Path | None
    photos: Path | None
    photos_only: bool
    exclude_queries: bool
    product_pages: bool
    street_photos: Path | None
    street_part: str
    seed: int


def evaluate(request: Request, progress: Progress) -> Results:
    """Return all figures, and pictures for the report. Raises ``EvaluationError``."""
    _check(request)
    photos = (
        read_street_photos(request.street_photos, request.street_part)
        if request.street_photos
        else []
    )
    opened = list(open_vectorizers(request.models, request.without, request.seed))
    vectorizers = [
        vectorizer for vectorizer in opened if not isinstance(vectorizer, UnavailableVectorizer)
    ]
    networks = [vectorizer for vectorizer in vectorizers if isinstance(vectorizer, Network)]
    main = next(vectorizer for vectorizer in networks if vectorizer.name == request.models[0])
    results: Results = {
        "about": _about(request),
        "vectorizers": [_describe(vectorizer) for vectorizer in opened],
    }
    with ExitStack() as stack:
        # All are opened before anything is embedded, so that a bad file is reported early.
        for dataset in [stack.enter_context(each) for each in _open(request, progress)]:
            figures = _evaluate(dataset, vectorizers, main, request.seed, progress)
            results[dataset.name] = figures
            if dataset.name == PHOTOS:
                results["crops"] = measure_crops(dataset, vectorizers, request.seed, progress)
            if dataset.name == CATALOGUE and (request.product_pages or photos):
                results |= _measure_pages(request, dataset, main, photos, progress)
    return results


def _measure_pages(
    request: Request,
    dataset: Dataset,
    network: Network,
    photos: Sequence[StreetPhoto],
    progress: Progress,
) -> Results:
    queries = queries_in_order(dataset, request.queries) if request.product_pages else None
    return measure_pages(
        dataset, network, request.catalogue, queries, photos, request.seed, progress
    )


def _open(request: Request, progress: Progress) -> Iterator[AbstractContextManager[Dataset]]:
    if not request.photos_only:
        yield open_catalogue(
            request.catalogue,
            request.queries,
            request.seed,
            progress,
            exclude_queries=request.exclude_queries,
        )
    if request.photos:
        yield open_photos(request.photos, progress)


def _check(request: Request) -> None:
    if request.photos_only and not request.photos:
        raise EvaluationError("There is nothing to measure: name the photos with --photos.")
    if request.photos_only and (request.catalogue or request.queries):
        raise EvaluationError("Leave out --catalogue and --queries, or --photos-only.")
    if request.photos_only and (request.product_pages or request.street_photos):
        raise EvaluationError("Leave out --product-pages and --street-photos, or --photos-only.")
    if request.seed < 0:
        raise EvaluationError(f"--seed is {request.seed}; it must be 0 or more.")
    if len(set(request.models)) < len(request.models):
        raise EvaluationError("A model is named twice; name each once.")


def _about(request: Request) -> Results:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "model": request.models[0],
        "seed": request.seed,
        "definitions": DEFINITIONS,
        "crops": VARIANTS,
        "packages": found,
    }


def _describe(vectorizer: Vectorizer | UnavailableVectorizer) -> Results:
    if isinstance(vectorizer, UnavailableVectorizer):
        return {"name": vectorizer.name, "missing": vectorizer.reason}
    return {
        "name": vectorizer.name,
        "description": vectorizer.description,
        "key": vectorizer.key,
        "measure": reported_measure(vectorizer),
    }


def _evaluate(
    dataset: Dataset,
    vectorizers: Sequence[Vectorizer],
    main: Vectorizer,
    seed: int,
    progress: Progress,
) -> Results:
    found, arguments = {}, (dataset.pictures, progress)
    for vectorizer in vectorizers:
        found[vectorizer.name] = measuring.find_five(vectors_of(vectorizer, *arguments), dataset)
    first, own = dataset.labels[0], found[main.name]
    rows = measuring.measure(dataset, found, seed, main.name)
    spread = measuring.measure_spread(dataset, found, vectors_of(main, *arguments), seed)
    worst = measuring.worst_queries(dataset, first, own)
    return {
        "source": dataset.source,
        "digest": dataset.digest,
        "queries": len(dataset.queries),
        "gallery": len(dataset.gallery),
        "pictures": len(dataset.pictures),
        "damaged": dataset.damaged,
        "measures": rows,
        "without_duplicates": measuring.measure_without_duplicates(dataset, found, seed, main.name),
        "reported_scores": _compare(
            {each.name: reported_scores(each) for each in vectorizers}, rows
        ),
        "spread": spread,
        "right": {
            name: measuring.count_right(dataset, first, neighbours)
            for name, neighbours in found.items()
        },
        "classes": measuring.by_class(dataset, first, own),
        "confusions": measuring.confusions(dataset, first, own),
        "worst": [_example(dataset, **each) for each in worst],
    }


def _compare(reported: Mapping[str, Mapping[str, float]], measures: Results) -> Results:
    """Return each score reported in a manifest beside the one measured here, by label.

    A reported score ``holds`` unless the whole interval of the measured one is below it.
    """
    compared: Results = defaultdict(dict)
    for label, measure in measures.items():
        for name, row in measure["rows"].items():
            score, measured = reported.get(name, {}).get(label), row["precision"]
            if score is not None:
                holds = measured.high >= score
                compared[name][label] = {"reported": score, "measured": measured, "holds": holds}
    return dict(compared)


def _example(dataset: Dataset, query: int, found: list[int]) -> Results:
    return {
        "query": _show(dataset.pictures[query]),
        "found": [_show(dataset.pictures[row]) for row in found],
    }


def _show(picture: LabelledPicture) -> Results:
    return {"id": picture.id, "labels": picture.labels, "picture": _thumbnail(picture.read())}


def _thumbnail(content: bytes) -> str:
    """Return a small JPEG as a data URI."""
    image = upright_rgb(Image.open(BytesIO(content)))
    image.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=78, optimize=True)
    return f"data:image/jpeg;base64,{b64encode(buffer.getvalue()).decode()}"
