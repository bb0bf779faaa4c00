"""Switch from one embedding model to another while the shop is open.

``add`` claims the free column, workers fill it, ``activate`` flips. The model that was active is
``PREVIOUS``: it is still filled, so that ``rollback`` can flip back, until ``remove`` empties its
column. After a rollback the other is ``FILLING`` again: neither command, run twice, undoes itself.
Each of them holds one lock; whoever comes second is told so.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _
from PIL import Image

from recommender import pending
from recommender.folder import ModelFolderError
from recommender.model_store import find_model
from recommender.models import EmbeddingModel
from recommender.nearest.five import finds_again
from recommender.preprocessing import decode
from recommender.runtime import embedder
from shop.catalogue.models import VECTOR_DIMENSIONS, ProductImage
from shop.core.locks import AdvisoryLock, try_lock_until_commit

State = EmbeddingModel.State
BATCH = 1000
# Longer than any page takes: who read that the previous model is active is done with it.
PAUSE_SECONDS = 30
SAMPLE = 20
# A copy (2 % cut off each side, JPEG quality 85) must have its original among its nearest five.
# Below nine in ten the vectors are not this network's, or it sees nothing; one in ten may fail
# where a catalogue holds many pictures of nearly the same thing.
FOUND_AGAIN = 0.9
SHOWN = 10


class SwitchError(RuntimeError):
    """What is asked for cannot be done now; the message says what to do."""


@contextmanager
def _alone() -> Iterator[None]:
    """One transaction that no other switch runs beside."""
    with transaction.atomic():
        if not try_lock_until_commit(AdvisoryLock.MODEL_ROLLOUT):
            raise SwitchError(_("Another switch of models is under way; try again after it."))
        yield


def add(name: str) -> EmbeddingModel:
    """Check the folder and claim the free column for it. Raises ``SwitchError``."""
    with _usable_folder():
        _check_folder(name)
    with _alone():
        return EmbeddingModel.objects.create(name=name, slot=_free_slot(name), state=State.FILLING)


@contextmanager
def _usable_folder() -> Iterator[None]:
    """Whatever is wrong with a model's folder is said, not thrown."""
    try:
        yield
    except SwitchError:
        raise
    except Exception as error:  # a manifest and tensors can be wrong in any way
        known = isinstance(error, ModelFolderError)
        reason = str(error) if known else f"{type(error).__name__}: {error}"
        raise SwitchError(_("The model folder cannot be used: %s") % reason) from error


def _check_folder(name: str) -> None:
    """Look at one picture with it: a worker would find out what is wrong when nobody looks."""
    folder = find_model(name)
    folder.weights()
    longest = EmbeddingModel._meta.get_field("name").max_length or 0
    if folder.name != name or len(name) > longest:
        raise SwitchError(_("The manifest in %s names another model.") % folder.path)
    found = int(folder.manifest.get("dimensions", VECTOR_DIMENSIONS))
    if found == VECTOR_DIMENSIONS:
        network = embedder(name)
        grey = np.full((network.side, network.side, 3), 127, np.uint8)
        found = int(np.isfinite(network.embed([grey])).sum())
    if found != VECTOR_DIMENSIONS:
        text = _("The model has %(found)s values a picture; the columns hold %(wanted)s.")
        raise SwitchError(text % {"found": found, "wanted": VECTOR_DIMENSIONS})


def _free_slot(name: str) -> str:
    models = EmbeddingModel.objects.exclude(state=State.RETIRED)
    for model in models:
        if model.name == name:
            _check_not_freeing(model)
            raise SwitchError(_("%s is there already.") % model)
    taken = {model.slot for model in models}
    free = next((slot for slot in EmbeddingModel.Slot.values if slot not in taken), None)
    if free is None:
        other = models.exclude(state=State.ACTIVE).get()
        text = _("Both columns are taken; first run: manage.py embedding_model remove %s")
        raise SwitchError(text % other.name)
    # What was parked for a model that is gone says nothing about this one.
    active = EmbeddingModel.objects.active()
    done = ProductImage.objects.filter(**{f"{active.column}__isnull": False})
    done.filter(attempts__gt=0).update(attempts=0, claimed_until=None, failure="")
    given_up = ProductImage.objects.filter(attempts__gt=pending.MAX_ATTEMPTS)
    given_up.update(attempts=pending.MAX_ATTEMPTS)
    return free


def coverage(model: EmbeddingModel) -> tuple[int, int]:
    """How many pictures of listed products have a vector of this model, and how many there are."""
    counts = _listed().aggregate(done=Count(model.column), all=Count("pk"))
    return counts["done"], counts["all"]


def _listed() -> QuerySet[ProductImage]:
    return ProductImage.objects.filter(product__listed=True)


def activate(name: str = "") -> EmbeddingModel:
    """Flip to the model that is ready, in one transaction. Raises ``SwitchError``."""
    with _alone():
        model = _candidate(name)
        _check_coverage(model)
        _check_sanity(model)
        # That took seconds, in which pictures may have come.
        _check_coverage(model)
        return _flip(model, State.PREVIOUS)


def _candidate(name: str) -> EmbeddingModel:
    """The previous model only by its name: to run the command twice must not go back."""
    models = EmbeddingModel.objects.exclude(state=State.RETIRED)
    model = models.filter(**({"name": name} if name else {"state": State.FILLING})).first()
    if model is None:
        text = _("There is no other model %s; first run: manage.py embedding_model add NAME")
        raise SwitchError((text % name).replace("  ", " ").replace(" ;", ";"))
    if model.state == State.ACTIVE:
        raise SwitchError(_("%s is active already.") % model.name)
    _check_not_freeing(model)
    return model


def _check_not_freeing(model: EmbeddingModel) -> None:
    if model.state == State.FREEING:
        text = _("%(name)s is half removed; first run: manage.py embedding_model remove %(name)s")
        raise SwitchError(text % {"name": model.name})


def _check_coverage(model: EmbeddingModel) -> None:
    done, every = coverage(model)
    if done == every:
        return
    parked = pending.given_up(model).filter(product__listed=True).select_related("product")
    lines = [f"  {image.product.name}: {image.failure or '-'}" for image in parked[:SHOWN]]
    text = _("%(done)d of %(all)d pictures of listed products have a vector of %(name)s.")
    parts = [text % {"done": done, "all": every, "name": model.name}]
    if lines:
        parts.append(_("Parked; replace these pictures, or look at them again under Pictures:"))
        parts += lines
    if every - done > parked.count():
        parts.append(_("The others wait for a worker of the queue “catalogue”; try again later."))
    raise SwitchError("\n".join(parts))


def _check_sanity(model: EmbeddingModel) -> None:
    images = list(_sample(model))
    if not images:
        return
    with _usable_folder():
        network = embedder(model.name)
    copies = network.embed([decode(_copy(_content(image)), network.side) for image in images])
    found = sum(
        finds_again(model, image.pk, vector.tolist())
        for image, vector in zip(images, copies, strict=True)
    )
    if found < FOUND_AGAIN * len(images):
        text = _("Only %(found)d of %(all)d copies found their original with %(name)s: ")
        text += _("its column holds other vectors, or it sees nothing. Remove it and add it again.")
        raise SwitchError(text % {"found": found, "all": len(images), "name": model.name})


def _sample(model: EmbeddingModel) -> QuerySet[ProductImage]:
    """Spread over the catalogue: by the file's hash."""
    images = _listed().filter(**{f"{model.column}__isnull": False})
    return images.defer("embedding_blue", "embedding_green").order_by("file", "pk")[:SAMPLE]


def _content(image: ProductImage) -> bytes:
    try:
        content = image.read()
        Image.open(io.BytesIO(content)).load()
    except Exception as error:  # storages and decoders raise anything
        text = _("The picture of %(product)s cannot be read; replace it: %(reason)s")
        raise SwitchError(text % {"product": image.product.name, "reason": error}) from error
    return content


def _copy(content: bytes) -> bytes:
    """Slightly cropped and compressed again."""
    with Image.open(io.BytesIO(content)) as opened:
        image = opened.convert("RGB")
    width, height = image.size
    x, y = round(width * 0.02), round(height * 0.02)
    buffer = io.BytesIO()
    image.crop((x, y, width - x, height - y)).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _flip(model: EmbeddingModel, other: State) -> EmbeddingModel:
    """``other``: what the model becomes that was active until now."""
    EmbeddingModel.objects.filter(state=State.ACTIVE).update(state=other)
    model.state = State.ACTIVE
    model.save(update_fields=["state"])
    return model


def rollback() -> EmbeddingModel:
    """Flip back to the model that was active before. Raises ``SwitchError``.

    At once, whatever is missing: the other may be the reason why workers see nothing.
    """
    with _alone():
        model = EmbeddingModel.objects.filter(state=State.PREVIOUS).first()
        if model is None:
            raise SwitchError(_("There is no previous model to go back to."))
        return _flip(model, State.FILLING)


def remove(name: str, progress: Callable[[int], None] = lambda count: None) -> int:
    """Empty the column of a model that is not active; goes on where it was stopped.

    Returns how many vectors were deleted. Raises ``SwitchError``.
    """
    if _removable(name).state != State.FREEING:
        time.sleep(PAUSE_SECONDS)
    with _alone():
        model = _removable(name)
        model.state = State.FREEING
        model.save(update_fields=["state"])
    freed = last = 0
    # On from the last row: to pass all that are empty again would take longer each time.
    while (rows := _free_batch(model, last)) or last:
        freed += len(rows)
        last = rows[-1] if rows else 0
        if rows:
            progress(freed)
    return freed


def _removable(name: str) -> EmbeddingModel:
    model = EmbeddingModel.objects.filter(name=name).exclude(state=State.RETIRED).first()
    if model is None:
        raise SwitchError(_("There is no model %s that holds a column.") % name)
    if model.state == State.ACTIVE:
        text = _("%s is active; activate another model or roll back first.")
        raise SwitchError(text % model.name)
    return model


def _free_batch(model: EmbeddingModel, after: int) -> list[int]:
    """Empty some rows; the column is given away when none is left of all."""
    with _alone():
        if not EmbeddingModel.objects.filter(pk=model.pk, state=State.FREEING).exists():
            return []
        full = ProductImage.objects.filter(**{f"{model.column}__isnull": False}, pk__gt=after)
        some = full.order_by("pk").select_for_update().values_list("pk", flat=True)[:BATCH]
        rows = list(some)
        ProductImage.objects.filter(pk__in=rows).update(**{model.column: None})
        if not rows and not after:
            EmbeddingModel.objects.filter(pk=model.pk).update(state=State.RETIRED)
        return rows
