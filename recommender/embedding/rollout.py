"""Roll out another embedding model while the shop is open.

There are two slots, each with a table of embeddings. ``add`` gives the free slot to a new model,
workers backfill its table, and ``activate`` makes searches use it. The old model becomes
``PREVIOUS``: workers still fill its table, so that ``rollback`` can switch back, until ``remove``
empties it. A rollback makes the newer model ``BACKFILLING`` again, so that a second rollback cannot
switch forward. Each command holds a lock and fails while another one runs.
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
# The wait before a table is emptied is longer than any request, so that no request that began while
# the model was active still reads the table.
PAUSE_SECONDS = 30
# TRUNCATE blocks searches while it waits for its lock, so it gives up early and is retried.
LOCK_TIMEOUT = "200ms"
LOCK_ATTEMPTS = 100
SAMPLE = 20
# This share of copies (2 % cropped on each side, JPEG quality 85) must find their originals among
# the nearest five. Fewer do if another network computed the vectors in the table; a tenth may fail
# in a catalogue with many nearly equal images.
MIN_RETRIEVED = 0.9
MAX_FAILURES_LISTED = 10


class RolloutError(RuntimeError):
    """Raised when a command cannot be carried out; the message says what to do."""


@contextmanager
def _exclusively() -> Iterator[None]:
    """Run the block in a transaction. Raises ``RolloutError`` while another command runs."""
    with transaction.atomic():
        if not try_lock_until_commit(AdvisoryLock.MODEL_ROLLOUT):
            raise RolloutError(_("Another change of embedding models is running; try again later."))
        yield


def add(name: str) -> EmbeddingModel:
    """Check the model folder, give the model the free slot and add a pending row for each image.

    Raises ``RolloutError``.
    """
    with _usable_folder():
        folder = find_model(name)
        _check_folder(name)
    with _exclusively():
        slot = _free_slot(name)
        model = EmbeddingModel.objects.create(
            name=name, slot=slot, state=State.BACKFILLING, sha256=folder.sha256
        )
        if folder.spread:
            model.spread = folder.spread
            model.save(update_fields=["spread"])
        _execute(insert_missing(slot))
        return model


def repair() -> int:
    """Add missing rows and correct stale ones in the tables of embeddings; return their number.

    A row is missing if its image was imported in a transaction that began before the model got its
    slot, and stale if its product changed while another transaction inserted the image.
    """
    slots = EmbeddingModel.objects.in_use().values_list("slot", flat=True)
    return sum(_execute(insert_missing(slot)) + _execute(correct_stale(slot)) for slot in slots)


def _execute(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return int(cursor.rowcount)


@contextmanager
def _usable_folder() -> Iterator[None]:
    """Turn any error in reading a model folder into a ``RolloutError``."""
    try:
        yield
    except RolloutError:
        raise
    except Exception as error:  # a broken manifest or tensor raises any exception
        known = isinstance(error, ModelFolderError)
        reason = str(error) if known else f"{type(error).__name__}: {error}"
        raise RolloutError(_("The model folder cannot be used: %s") % reason) from error


def _check_folder(name: str) -> None:
    """Embed one image with the model, so that staff see an error now, not in a worker's log."""
    folder = find_model(name)
    folder.weights()
    longest = EmbeddingModel._meta.get_field("name").max_length or 0
    if folder.name != name or len(name) > longest:
        raise RolloutError(_("The manifest in %s names another model.") % folder.path)
    network = embedder(EmbeddingModel(name=name))
    grey = np.full((network.input_size, network.input_size, 3), 127, np.uint8)
    found = int(np.isfinite(network.embed([grey])).sum())
    if found != DIMENSIONS:
        text = _("The model's vectors have %(found)s values; the table needs %(wanted)s.")
        raise RolloutError(text % {"found": found, "wanted": DIMENSIONS})


def _free_slot(name: str) -> str:
    models = EmbeddingModel.objects.exclude(state=State.RETIRED)
    for model in models:
        if model.name == name:
            _check_not_removing(model)
            raise RolloutError(_("%s already exists.") % model)
    taken = {model.slot for model in models}
    free = next((slot for slot in EmbeddingModel.Slot.values if slot not in taken), None)
    if free is None:
        other = models.exclude(state=State.ACTIVE).get()
        text = _("Both slots are in use; first run: manage.py embedding_model remove %s")
        raise RolloutError(text % other.name)
    return free


def coverage(model: EmbeddingModel) -> tuple[int, int]:
    """Return how many images of listed products the model has embedded, and how many there are."""
    done = model.embeddings.filter(
        status=ImageEmbedding.Status.EMBEDDED, image__product__listed=True
    )
    return done.count(), ProductImage.objects.filter(product__listed=True).count()


def activate(name: str = "") -> EmbeddingModel:
    """Switch searches to a backfilled model, in one transaction. Raises ``RolloutError``."""
    with _exclusively():
        model = _candidate(name)
        _check_coverage(model)
        _check_sanity(model)
        # Checked again, because images may have been added in the seconds since the first check.
        _check_coverage(model)
        model.spread = measure_spread(model, model.spread)
        return _switch_to(model, State.PREVIOUS)


def _candidate(name: str) -> EmbeddingModel:
    """Return the model to activate: the one being backfilled, unless another is named.

    To return to the previous model, it must be named; otherwise running the command twice would
    switch back.
    """
    models = EmbeddingModel.objects.exclude(state=State.RETIRED)
    model = models.filter(**({"name": name} if name else {"state": State.BACKFILLING})).first()
    if model is None:
        text = _("There is no other model %s; first run: manage.py embedding_model add NAME")
        raise RolloutError((text % name).replace("  ", " ").replace(" ;", ";"))
    if model.state == State.ACTIVE:
        raise RolloutError(_("%s is already active.") % model.name)
    _check_not_removing(model)
    return model


def _check_not_removing(model: EmbeddingModel) -> None:
    if model.state == State.REMOVING:
        text = _("%(name)s is partly removed; first run: manage.py embedding_model remove %(name)s")
        raise RolloutError(text % {"name": model.name})


def _check_coverage(model: EmbeddingModel) -> None:
    done, every = coverage(model)
    if done == every:
        return
    rows = failed(model).filter(image__product__listed=True).select_related("image__product")
    lines = [
        f"  {row.image.product.name}: {row.failure or '-'}" for row in rows[:MAX_FAILURES_LISTED]
    ]
    text = _("%(done)d of %(all)d images of listed products have an embedding by %(name)s.")
    parts = [text % {"done": done, "all": every, "name": model.name}]
    if lines:
        parts.append(
            _("These images failed; replace them, or retry them in the admin under Images:")
        )
        parts += lines
    if every - done > rows.count():
        parts.append(
            _("The others are waiting for a worker of the queue “catalogue”; try again later.")
        )
    raise RolloutError("\n".join(parts))


def _check_sanity(model: EmbeddingModel) -> None:
    """Check that copies of sampled images find their originals. Raises ``RolloutError``."""
    images = list(_sample(model))
    if not images:
        return
    with _usable_folder():
        network = embedder(model)
    size = network.input_size
    copies = network.embed([decode(_altered(_content(image)), size) for image in images])
    found = sum(
        retrieves_itself(model, image.pk, vector.tolist())
        for image, vector in zip(images, copies, strict=True)
    )
    if found < MIN_RETRIEVED * len(images):
        text = _("Only %(found)d of %(all)d copies retrieved their original with %(name)s: ")
        text += _("its table holds vectors of another network. Remove the model and add it again.")
        raise RolloutError(text % {"found": found, "all": len(images), "name": model.name})


def _sample(model: EmbeddingModel) -> QuerySet[ProductImage]:
    """Return the first images by file name: a random sample, since file names are hashes."""
    embedded = model.embeddings.filter(status=ImageEmbedding.Status.EMBEDDED)
    images = ProductImage.objects.filter(product__listed=True, pk__in=embedded.values("pk"))
    return images.order_by("file", "pk")[:SAMPLE]


def _content(image: ProductImage) -> bytes:
    try:
        content = image.read()
        open_stored(content).load()
    except Exception as error:  # storages and decoders raise any exception
        text = _("The image of %(product)s cannot be read. Replace it: %(reason)s")
        raise RolloutError(text % {"product": image.product.name, "reason": error}) from error
    return content


def _altered(content: bytes) -> bytes:
    """Return the image slightly cropped and compressed again."""
    with Image.open(io.BytesIO(content)) as opened:
        image = opened.convert("RGB")
    width, height = image.size
    x, y = round(width * 0.02), round(height * 0.02)
    buffer = io.BytesIO()
    image.crop((x, y, width - x, height - y)).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _switch_to(model: EmbeddingModel, old_state: State) -> EmbeddingModel:
    """Make the model active, and change the state of the previously active one to ``old_state``."""
    EmbeddingModel.objects.filter(state=State.ACTIVE).update(state=old_state)
    model.state = State.ACTIVE
    model.save(update_fields=["state", "spread"])
    return model


def rollback() -> EmbeddingModel:
    """Switch back to the model that was active before. Raises ``RolloutError``.

    Unlike ``activate``, this function accepts missing embeddings, because the active model may be
    the reason why workers fail.
    """
    with _exclusively():
        model = EmbeddingModel.objects.filter(state=State.PREVIOUS).first()
        if model is None:
            raise RolloutError(_("There is no previous model to roll back to."))
        return _switch_to(model, State.BACKFILLING)


def remove(name: str) -> int:
    """Delete all embeddings of a model that is not active, and free its slot for another model.

    Returns how many rows were deleted. Raises ``RolloutError``, such as when searches keep the
    table locked; the command can then be run again.
    """
    if _removable(name).state != State.REMOVING:
        time.sleep(PAUSE_SECONDS)
    with _exclusively():
        model = _removable(name)
        model.state = State.REMOVING
        model.save(update_fields=["state"])
    for _attempt in range(LOCK_ATTEMPTS):
        try:
            return _truncate(name)
        except OperationalError:
            time.sleep(0.2)
    raise RolloutError(_("The table of %s is in use. Run the command again.") % name)


def _truncate(name: str) -> int:
    with _exclusively(), connection.cursor() as cursor:
        model = _removable(name)
        count = model.embeddings.count()
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'; TRUNCATE {model.table}")
        EmbeddingModel.objects.filter(pk=model.pk).update(state=State.RETIRED)
        return count


def _removable(name: str) -> EmbeddingModel:
    model = EmbeddingModel.objects.filter(name=name).exclude(state=State.RETIRED).first()
    if model is None:
        raise RolloutError(_("No slot holds a model %s.") % name)
    if model.state == State.ACTIVE:
        text = _("%s is active; activate another model or roll back first.")
        raise RolloutError(text % model.name)
    return model
