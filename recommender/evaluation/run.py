"""One evaluation from the beginning to its figures."""

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
from recommender.evaluation.datasets import (
    CATALOGUE,
    PHOTOS,
    Collection,
    EvaluationError,
    Picture,
    Progress,
    open_catalogue,
    open_photos,
)
from recommender.evaluation.metrics import DEFINITIONS
from recommender.evaluation.page_parts import measure_pages, queries_in_order
from recommender.evaluation.parts import VARIANTS, measure_parts
from recommender.evaluation.street_photos import StreetPhoto, read_street_photos
from recommender.evaluation.vectorizers import (
    Missing,
    Network,
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
    """Say what to measure.

    ``models``: the first is the one that the report is about. ``catalogue`` ``None``: the shop's
    own, unless ``photos_only``. ``exclude_queries`` leaves them out of what is searched among.
    ``product_pages`` and ``street_photos`` go through the pages.
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
    seed: int


def evaluate(request: Request, progress: Progress) -> Results:
    """All figures, ready for JSON but for pictures. Raises ``EvaluationError``."""
    _check(request)
    photos = read_street_photos(request.street_photos) if request.street_photos else []
    opened = list(open_vectorizers(request.models, request.without, request.seed))
    vectorizers = [vectorizer for vectorizer in opened if not isinstance(vectorizer, Missing)]
    networks = [vectorizer for vectorizer in vectorizers if isinstance(vectorizer, Network)]
    main = next(vectorizer for vectorizer in networks if vectorizer.name == request.models[0])
    results: Results = {
        "about": _about(request),
        "vectorizers": [_describe(vectorizer) for vectorizer in opened],
    }
    with ExitStack() as stack:
        # All are opened and read before anything is embedded: what is wrong is said early.
        for collection in [stack.enter_context(each) for each in _open(request, progress)]:
            figures = _evaluate(collection, vectorizers, main, request.seed, progress)
            results[collection.name] = figures
            if collection.name == PHOTOS:
                results["parts"] = measure_parts(collection, vectorizers, request.seed, progress)
            if collection.name == CATALOGUE and (request.product_pages or photos):
                results |= _through_the_pages(request, collection, main, photos, progress)
    return results


def _through_the_pages(
    request: Request,
    collection: Collection,
    network: Network,
    photos: Sequence[StreetPhoto],
    progress: Progress,
) -> Results:
    queries = queries_in_order(collection, request.queries) if request.product_pages else None
    return measure_pages(
        collection, network, request.catalogue, queries, photos, request.seed, progress
    )


def _open(request: Request, progress: Progress) -> Iterator[AbstractContextManager[Collection]]:
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
        "parts": VARIANTS,
        "packages": found,
    }


def _describe(vectorizer: Vectorizer | Missing) -> Results:
    if isinstance(vectorizer, Missing):
        return {"name": vectorizer.name, "missing": vectorizer.reason}
    return {
        "name": vectorizer.name,
        "what": vectorizer.what,
        "key": vectorizer.key,
        "measure": reported_measure(vectorizer),
    }


def _evaluate(
    collection: Collection,
    vectorizers: Sequence[Vectorizer],
    main: Vectorizer,
    seed: int,
    progress: Progress,
) -> Results:
    found, asked = {}, (collection.pictures, progress)
    for vectorizer in vectorizers:
        found[vectorizer.name] = measuring.find_five(vectors_of(vectorizer, *asked), collection)
    first, own = collection.labels[0], found[main.name]
    rows = measuring.measure(collection, found, seed, main.name)
    spread = measuring.measure_spread(collection, found, vectors_of(main, *asked), seed)
    worst = measuring.worst_queries(collection, first, own)
    return {
        "source": collection.source,
        "digest": collection.digest,
        "queries": len(collection.queries),
        "gallery": len(collection.gallery),
        "pictures": len(collection.pictures),
        "damaged": collection.damaged,
        "measures": rows,
        "without_duplicates": measuring.measure_without_duplicates(
            collection, found, seed, main.name
        ),
        "reported_scores": _compare(
            {each.name: reported_scores(each) for each in vectorizers}, rows
        ),
        "spread": spread,
        "right": {
            name: measuring.right_counts(collection, first, neighbours)
            for name, neighbours in found.items()
        },
        "classes": measuring.by_class(collection, first, own),
        "confusions": measuring.confusions(collection, first, own),
        "worst": [_example(collection, **each) for each in worst],
    }


def _compare(reported: Mapping[str, Mapping[str, float]], measures: Results) -> Results:
    """Put each score that a manifest reports, by label, beside the one measured here.

    It ``holds`` unless all of the interval is lower.
    """
    compared: Results = defaultdict(dict)
    for label, measure in measures.items():
        for name, row in measure["rows"].items():
            score, measured = reported.get(name, {}).get(label), row["precision"]
            if score is not None:
                holds = measured.high >= score
                compared[name][label] = {"reported": score, "measured": measured, "holds": holds}
    return dict(compared)


def _example(collection: Collection, query: int, found: list[int]) -> Results:
    return {
        "query": _show(collection.pictures[query]),
        "found": [_show(collection.pictures[row]) for row in found],
    }


def _show(picture: Picture) -> Results:
    return {"id": picture.id, "labels": picture.labels, "picture": _thumbnail(picture.read())}


def _thumbnail(content: bytes) -> str:
    """A small JPEG as a data URI."""
    image = upright_rgb(Image.open(BytesIO(content)))
    image.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=78, optimize=True)
    return f"data:image/jpeg;base64,{b64encode(buffer.getvalue()).decode()}"
