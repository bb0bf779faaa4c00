"""Roll out another embedding model while the shop is open.

``add`` claims the free slot, workers fill its table, ``activate`` flips. The model that was active
is ``PREVIOUS``: it is still filled, so that ``rollback`` can flip back, until ``remove`` empties
its table. After a rollback the other is ``BACKFILLING`` again: neither command, run twice, undoes
itself. Each of them holds one lock; whoever comes second is told so.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from PIL import Image

from recommender.embedding.inference import embedder
from recommender.embedding.model_folder import ModelFolderError
from recommender.embedding.model_store import find_model
from recommender.embedding.preprocessing import decode
from recommender.embedding.queue import failed
from recommender.models import DIMENSIONS, EmbeddingModel, ImageEmbedding
from recommender.models.trigger_sql import correct_stale, insert_missing
from recommender.search.similar import retrieves_itself
from recommender.search.spread import measure_spread
from shop.catalogue.images.pictures import open_stored
from shop.catalogue.models import ProductImage
from shop.core.locks import AdvisoryLock, try_lock_until_commit

State = EmbeddingModel.State
# Longer than any page takes: who read that the previous model is active is done with it.
PAUSE_SECONDS = 30
# A page that waits for the table waits no longer; then the lock is asked for again.
LOCK_TIMEOUT = "200ms"
LOCK_ATTEMPTS = 100
SAMPLE = 20
# A copy (2 % cut off each side, JPEG quality 85) must have its original among its nearest five.
# Below nine in ten the vectors are not this network's, or it sees nothing; one in ten may fail
# where a catalogue holds many pictures of nearly the same thing.
RETRIEVED = 0.9
SHOWN = 10


class RolloutError(RuntimeError):
    """What is asked for cannot be done now; the message says what to do."""


@contextmanager
def _alone() -> Iterator[None]:
    """Run the block in a transaction that no other rollout runs beside."""
    with transaction.atomic():
        if not try_lock_until_commit(AdvisoryLock.MODEL_ROLLOUT):
            raise RolloutError(_("Another switch of models is under way; try again after it."))
        yield


def add(name: str) -> EmbeddingModel:
    """Check the folder, claim the free slot and add a row for each image.

    Raises ``RolloutError``.
    """
    with _usable_folder():
        folder = find_model(name)
        _check_folder(name)
    with _alone():
        slot = _free_slot(name)
        model = EmbeddingModel.objects.create(
            name=name, slot=slot, state=State.BACKFILLING, sha256=folder.sha256
        )
        if folder.spread:
            model.spread = folder.spread
            model.save(update_fields=["spread"])
        _run(insert_missing(slot))
        return model


def repair() -> int:
    """Add rows that are missing, correct those that are stale; return how many there were.

    A row is missing where an import was open while its slot was added, and stale where a change of
    a product ran beside the insertion of its image.
    """
    slots = EmbeddingModel.objects.filling().values_list("slot", flat=True)
    return sum(_run(insert_missing(slot)) + _run(correct_stale(slot)) for slot in slots)


def _run(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return int(cursor.rowcount)


@contextmanager
def _usable_folder() -> Iterator[None]:
    """Turn whatever is wrong with a model's folder into a ``RolloutError``."""
    try:
        yield
    except RolloutError:
        raise
    except Exception as error:  # a manifest and tensors can be wrong in any way
        known = isinstance(error, ModelFolderError)
        reason = str(error) if known else f"{type(error).__name__}: {error}"
        raise RolloutError(_("The model folder cannot be used: %s") % reason) from error


def _check_folder(name: str) -> None:
    """Embed one picture with it: a worker would find out what is wrong when nobody looks."""
    folder = find_model(name)
    folder.weights()
    longest = EmbeddingModel._meta.get_field("name").max_length or 0
    if folder.name != name or len(name) > longest:
        raise RolloutError(_("The manifest in %s names another model.") % folder.path)
    network = embedder(EmbeddingModel(name=name))
    grey = np.full((network.input_size, network.input_size, 3), 127, np.uint8)
    found = int(np.isfinite(network.embed([grey])).sum())
    if found != DIMENSIONS:
        text = _("The model has %(found)s values a picture; the columns hold %(wanted)s.")
        raise RolloutError(text % {"found": found, "wanted": DIMENSIONS})


def _free_slot(name: str) -> str:
    models = EmbeddingModel.objects.exclude(state=State.RETIRED)
    for model in models:
        if model.name == name:
            _check_not_removing(model)
            raise RolloutError(_("%s is there already.") % model)
    taken = {model.slot for model in models}
    free = next((slot for slot in EmbeddingModel.Slot.values if slot not in taken), None)
    if free is None:
        other = models.exclude(state=State.ACTIVE).get()
        text = _("Both columns are taken; first run: manage.py embedding_model remove %s")
        raise RolloutError(text % other.name)
    return free


def coverage(model: EmbeddingModel) -> tuple[int, int]:
    """Return how many images of listed products the model has embedded, and how many there are."""
    done = model.embeddings.filter(
        status=ImageEmbedding.Status.EMBEDDED, image__product__listed=True
    )
    return done.count(), ProductImage.objects.filter(product__listed=True).count()


def activate(name: str = "") -> EmbeddingModel:
    """Flip to the model that is ready, in one transaction. Raises ``RolloutError``."""
    with _alone():
        model = _candidate(name)
        _check_coverage(model)
        _check_sanity(model)
        # That took seconds, in which pictures may have come.
        _check_coverage(model)
        model.spread = measure_spread(model, model.spread)
        return _flip(model, State.PREVIOUS)


def _candidate(name: str) -> EmbeddingModel:
    """Return the previous model only by its name: to run the command twice must not go back."""
    models = EmbeddingModel.objects.exclude(state=State.RETIRED)
    model = models.filter(**({"name": name} if name else {"state": State.BACKFILLING})).first()
    if model is None:
        text = _("There is no other model %s; first run: manage.py embedding_model add NAME")
        raise RolloutError((text % name).replace("  ", " ").replace(" ;", ";"))
    if model.state == State.ACTIVE:
        raise RolloutError(_("%s is active already.") % model.name)
    _check_not_removing(model)
    return model


def _check_not_removing(model: EmbeddingModel) -> None:
    if model.state == State.REMOVING:
        text = _("%(name)s is half removed; first run: manage.py embedding_model remove %(name)s")
        raise RolloutError(text % {"name": model.name})


def _check_coverage(model: EmbeddingModel) -> None:
    done, every = coverage(model)
    if done == every:
        return
    rows = failed(model).filter(image__product__listed=True).select_related("image__product")
    lines = [f"  {row.image.product.name}: {row.failure or '-'}" for row in rows[:SHOWN]]
    text = _("%(done)d of %(all)d pictures of listed products have a vector of %(name)s.")
    parts = [text % {"done": done, "all": every, "name": model.name}]
    if lines:
        parts.append(_("Parked; replace these pictures, or look at them again under Pictures:"))
        parts += lines
    if every - done > rows.count():
        parts.append(_("The others wait for a worker of the queue “catalogue”; try again later."))
    raise RolloutError("\n".join(parts))


def _check_sanity(model: EmbeddingModel) -> None:
    images = list(_sample(model))
    if not images:
        return
    with _usable_folder():
        network = embedder(model)
    size = network.input_size
    copies = network.embed([decode(_copy(_content(image)), size) for image in images])
    found = sum(
        retrieves_itself(model, image.pk, vector.tolist())
        for image, vector in zip(images, copies, strict=True)
    )
    if found < RETRIEVED * len(images):
        text = _("Only %(found)d of %(all)d copies found their original with %(name)s: ")
        text += _("its column holds other vectors, or it sees nothing. Remove it and add it again.")
        raise RolloutError(text % {"found": found, "all": len(images), "name": model.name})


def _sample(model: EmbeddingModel) -> QuerySet[ProductImage]:
    """Return images spread over the catalogue: by the hash that names their file."""
    embedded = model.embeddings.filter(status=ImageEmbedding.Status.EMBEDDED)
    images = ProductImage.objects.filter(product__listed=True, pk__in=embedded.values("pk"))
    return images.order_by("file", "pk")[:SAMPLE]


def _content(image: ProductImage) -> bytes:
    try:
        content = image.read()
        open_stored(content).load()
    except Exception as error:  # storages and decoders raise anything
        text = _("The picture of %(product)s cannot be read; replace it: %(reason)s")
        raise RolloutError(text % {"product": image.product.name, "reason": error}) from error
    return content


def _copy(content: bytes) -> bytes:
    """Return the picture slightly cropped and compressed again."""
    with Image.open(io.BytesIO(content)) as opened:
        image = opened.convert("RGB")
    width, height = image.size
    x, y = round(width * 0.02), round(height * 0.02)
    buffer = io.BytesIO()
    image.crop((x, y, width - x, height - y)).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _flip(model: EmbeddingModel, other: State) -> EmbeddingModel:
    """Make the model active, and the one that was active until now what ``other`` says."""
    EmbeddingModel.objects.filter(state=State.ACTIVE).update(state=other)
    model.state = State.ACTIVE
    model.save(update_fields=["state", "spread"])
    return model


def rollback() -> EmbeddingModel:
    """Flip back to the model that was active before. Raises ``RolloutError``.

    At once, whatever is missing: the other may be the reason why workers see nothing.
    """
    with _alone():
        model = EmbeddingModel.objects.filter(state=State.PREVIOUS).first()
        if model is None:
            raise RolloutError(_("There is no previous model to go back to."))
        return _flip(model, State.BACKFILLING)


def remove(name: str) -> int:
    """Empty the table of a model that is not active and free its slot; can be run again.

    Returns how many rows were deleted. Raises ``RolloutError``.
    """
    if _removable(name).state != State.REMOVING:
        time.sleep(PAUSE_SECONDS)
    with _alone():
        model = _removable(name)
        model.state = State.REMOVING
        model.save(update_fields=["state"])
    for _attempt in range(LOCK_ATTEMPTS):
        try:
            return _truncate(name)
        except OperationalError:
            time.sleep(0.2)
    raise RolloutError(_("The table of %s is in use; run the command again.") % name)


def _truncate(name: str) -> int:
    with _alone(), connection.cursor() as cursor:
        model = _removable(name)
        count = model.embeddings.count()
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'; TRUNCATE {model.table}")
        EmbeddingModel.objects.filter(pk=model.pk).update(state=State.RETIRED)
        return count


def _removable(name: str) -> EmbeddingModel:
    model = EmbeddingModel.objects.filter(name=name).exclude(state=State.RETIRED).first()
    if model is None:
        raise RolloutError(_("There is no model %s that holds a column.") % name)
    if model.state == State.ACTIVE:
        text = _("%s is active; activate another model or roll back first.")
        raise RolloutError(text % model.name)
    return model
