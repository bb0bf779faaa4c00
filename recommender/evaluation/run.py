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
    PHOTO_CLASS,
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
from recommender.evaluation.vectors import vectors_of
from recommender.evaluation.ways import (
    Missing,
    Network,
    Way,
    claimed_on,
    claims,
    open_ways,
    references,
)
from shop.catalogue.images.pictures import upright_rgb

Results = dict[str, Any]
# What the manifests call the labels.
CLAIMED_AS = {PHOTO_CLASS: "street_photo_class"}
THUMBNAIL = 96
PACKAGES = ("numpy", "pillow", "openvino", "tensorflow-cpu", "tensorflow")


@dataclass(frozen=True)
class Request:
    """Say what to measure.

    ``models``: the first is the one that the report is about. ``catalogue`` ``None``: the shop's
    own, unless ``photos_only``. ``product_pages`` and ``street_photos`` go through the pages.
    """

    models: tuple[str, ...]
    without: tuple[str, ...]
    catalogue: Path | None
    queries: Path | None
    photos: Path | None
    photos_only: bool
    product_pages: bool
    street_photos: Path | None
    seed: int


def evaluate(request: Request, progress: Progress) -> Results:
    """All figures, ready for JSON but for pictures. Raises ``EvaluationError``."""
    _check(request)
    photos = read_street_photos(request.street_photos) if request.street_photos else []
    opened = list(open_ways(request.models, request.without, request.seed))
    ways = [way for way in opened if not isinstance(way, Missing)]
    networks = [way for way in ways if isinstance(way, Network)]
    main = next(way for way in networks if way.name == request.models[0])
    results: Results = {"about": _about(request), "ways": [_describe(way) for way in opened]}
    with ExitStack() as stack:
        # All are opened and read before anything is embedded: what is wrong is said early.
        for collection in [stack.enter_context(each) for each in _open(request, progress)]:
            figures = _evaluate(collection, ways, main, request.seed, progress)
            results[collection.name] = figures
            if collection.name == PHOTOS:
                results["parts"] = measure_parts(collection, ways, request.seed, progress)
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
        yield open_catalogue(request.catalogue, request.queries, request.seed, progress)
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


def _describe(way: Way | Missing) -> Results:
    if isinstance(way, Missing):
        return {"name": way.name, "missing": way.reason}
    return {"name": way.name, "what": way.what, "key": way.key, "measure": claimed_on(way)}


def _evaluate(
    collection: Collection, ways: Sequence[Way], main: Way, seed: int, progress: Progress
) -> Results:
    found, asked = {}, (collection.pictures, progress)
    for way in ways:
        found[way.name] = measuring.find_five(vectors_of(way, *asked), collection)
    first, own = collection.labels[0], found[main.name]
    rows = measuring.measure(collection, found, seed, main.name)
    spread = measuring.measure_spread(collection, found, vectors_of(main, *asked), seed)
    worst = measuring.worst_queries(collection, first, own)
    return {
        "source": collection.source,
        "digest": collection.digest,
        "queries": len(collection.queries),
        "gallery": len(collection.gallery),
        "damaged": collection.damaged,
        "measures": rows,
        "uncopied": measuring.measure_uncopied(collection, found, seed, main.name),
        "claims": _compare({way.name: claims(way) for way in ways}, rows),
        "references": {
            way.name: said
            for way in ways
            if (said := _compare(references(way), rows, of_rivals=True))
        },
        "spread": spread,
        "right": {
            way.name: measuring.right_counts(collection, first, found[way.name]) for way in ways
        },
        "classes": measuring.by_class(collection, first, own),
        "confusions": measuring.confusions(collection, first, own),
        "worst": [_example(collection, **each) for each in worst],
    }


def _compare(
    said: Mapping[str, Mapping[str, float]], measures: Results, *, of_rivals: bool = False
) -> Results:
    """What a manifest says of rows, by label, beside these figures.

    ``holds`` unless all of the interval is lower; ``of_rivals``, unless all of it is higher.
    """
    compared: Results = defaultdict(dict)
    for label, measure in measures.items():
        for way, row in measure["rows"].items():
            claimed = said.get(way, {}).get(CLAIMED_AS.get(label, label))
            if claimed is not None:
                seen = row["precision"]
                holds = seen.low <= claimed if of_rivals else seen.high >= claimed
                compared[way][label] = {"claimed": claimed, "seen": seen, "holds": holds}
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
