"""Train the network, ResNet50 and its dense layer, with a cosine-softmax head for each label.

Source of the heads: Wang et al., "NormFace", 2017. This module imports TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from math import cos, pi
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.applications import resnet50
from numpy.typing import NDArray

from recommender.embedding.model_store import find_model
from recommender.embedding.network import DENSE, build_trunk, load_weights, weight_names
from recommender.models import DIMENSIONS
from recommender.training.augmentation import augment
from recommender.training.catalogue import LABELS
from recommender.training.options import LAST, UNTRAINED, Options, TrainingError
from recommender.training.snapshot import TRAIN, Snapshot

Tensors = dict[str, NDArray[np.float32]]
WEIGHTS = {"category": 1.0, "base_colour": 0.6, "gender": 0.3, "usage": 0.2}
# Logits are 16 times a cosine, because softmax over some hundred classes needs that range.
SCALE = 16.0
MAX_GRADIENT = 5.0
# Prefixes of the names of the layers that ``unfreeze="last"`` trains.
LAST_STAGE = ("conv5_", DENSE)
WARM_UP_STEPS = 20
# Factor of the learning rate while only the untrained heads learn, which cannot spoil the network.
HEADS_RATE = 10.0
EMBED_BATCH = 64


class Trainer:
    """Trains the network and its heads, epoch by epoch.

    All randomness derives from the seed and the epoch, so a run can resume at any epoch. BatchNorm
    keeps its initial statistics (0 and 1 in an untrained network) and learns scales and offsets:
    with the statistics of each batch, P@5 on the demo catalogue fell from 0.57 to 0.2 within 70
    steps, because inference then uses other statistics than training.
    """

    def __init__(self, options: Options, snapshot: Snapshot) -> None:
        keras.utils.set_random_seed(options.seed)
        tf.config.experimental.enable_op_determinism()
        self.options, self.snapshot = options, snapshot
        self.trunk = build_trunk(options.size)
        if options.source != UNTRAINED:
            load_weights(self.trunk, find_model(options.source))
        self.heads = [self._head(number) for number in range(len(LABELS))]
        self.optimizer: Any = None
        self._frozen: bool | None = None
        self._embeddings = tf.function(
            self._embed, input_signature=[_images(options.size)], reduce_retracing=True
        )

    def _head(self, number: int) -> Any:
        classes = max(1, len(self.snapshot.classes[number]))
        rng = np.random.default_rng([self.options.seed, 3, number])
        kernel = rng.normal(0, 1 / DIMENSIONS**0.5, (DIMENSIONS, classes)).astype(np.float32)
        return keras.Variable(kernel, name=LABELS[number])

    def _embed(self, pixels: Any) -> Any:
        values = self.trunk(resnet50.preprocess_input(pixels), training=False)
        return tf.math.l2_normalize(values, -1)

    def is_frozen(self, epoch: int) -> bool:
        return epoch <= self.options.frozen_epochs

    def learn(
        self, epoch: int, progress: Callable[[int, int], None] = lambda done, total: None
    ) -> float:
        """Train one epoch, counted from 1, and return the mean loss. Raises ``TrainingError``."""
        self.prepare(epoch)
        losses = []
        for step, (pixels, labels) in enumerate(self._batches(epoch)):
            rate = self.rate(epoch, step)
            losses.append(float(self._step(tf.constant(pixels), tf.constant(labels), rate)))
            if not np.isfinite(losses[-1]):
                raise TrainingError(
                    f"The loss is no longer a number in epoch {epoch}. Start again with a lower "
                    f"--learning-rate than {self.options.learning_rate:g}."
                )
            progress(step + 1, self.steps)
        return float(np.mean(losses))

    def prepare(self, epoch: int) -> None:
        """Set up the optimizer when a stage begins, to train the heads alone or the network too."""
        frozen = self.is_frozen(epoch)
        if frozen == self._frozen:
            return
        self._frozen = frozen
        variables = [*self.heads, *([] if frozen else self._unfrozen())]
        self.optimizer = keras.optimizers.Adam(global_clipnorm=MAX_GRADIENT)
        self.optimizer.build(variables)
        self._step = tf.function(
            lambda pixels, labels, rate: self._learn(pixels, labels, rate, variables),
            input_signature=[
                _images(self.options.size),
                tf.TensorSpec((None, len(LABELS)), tf.int32),
                tf.TensorSpec((), tf.float32),
            ],
        )

    def _unfrozen(self) -> list[Any]:
        start = LAST_STAGE if self.options.unfreeze == LAST else ("",)
        layers = (layer for layer in self.trunk.layers if layer.name.startswith(start))
        return [variable for layer in layers for variable in layer.trainable_variables]

    def _learn(self, pixels: Any, labels: Any, rate: Any, variables: list[Any]) -> Any:
        self.optimizer.learning_rate.assign(rate)
        with tf.GradientTape() as tape:
            loss = heads_loss(self._embed(pixels), self.heads, labels)
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        self.optimizer.apply(gradients, variables)
        return loss

    @property
    def steps(self) -> int:
        """Return the number of steps of an epoch; an incomplete last batch is dropped."""
        return max(1, len(self.snapshot.parts[TRAIN]) // self.options.batch)

    def rate(self, epoch: int, step: int) -> float:
        """Return the learning rate: in each stage a warm-up, then a cosine down to zero."""
        options = self.options
        first = 1 if self.is_frozen(epoch) else options.frozen_epochs + 1
        last = options.frozen_epochs if self.is_frozen(epoch) else options.epochs
        done = (epoch - first) * self.steps + step
        total = (last - first + 1) * self.steps
        warm = min(1.0, (done + 1) / min(WARM_UP_STEPS, total))
        rate = options.learning_rate * (HEADS_RATE if self.is_frozen(epoch) else 1.0)
        return rate * warm * 0.5 * (1 + cos(pi * done / total))

    def _batches(self, epoch: int) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int32]]]:
        """Yield the batches of an epoch, while a thread prepares the next batch."""
        rows = np.random.default_rng([self.options.seed, 4, epoch]).permutation(
            self.snapshot.parts[TRAIN]
        )
        size = self.options.batch
        groups = [rows[step * size : (step + 1) * size] for step in range(self.steps)]
        with ThreadPoolExecutor(1) as pool:
            next_batch = pool.submit(self._batch, groups[0], epoch)
            for following in [*groups[1:], None]:
                ready = next_batch.result()
                if following is not None:
                    next_batch = pool.submit(self._batch, following, epoch)
                yield ready

    def _batch(
        self, rows: NDArray[np.int64], epoch: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        seed = self.options.seed
        pictures = self.snapshot.pictures[rows]
        if self.options.augment:
            for place, row in enumerate(rows):
                rng = np.random.default_rng([seed, 5, epoch, int(row)])
                pictures[place] = augment(pictures[place], rng)
        return pictures.astype(np.float32), self.snapshot.labels[rows]

    def embed(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the unit vectors (n, 256) of these rows, without augmentation."""
        parts = [rows[start : start + EMBED_BATCH] for start in range(0, len(rows), EMBED_BATCH)]
        vectors = [
            self._embeddings(tf.constant(self.snapshot.pictures[part].astype(np.float32)))
            for part in parts
        ]
        return np.concatenate([np.asarray(each) for each in vectors])

    def variables(self) -> Iterator[tuple[str, Any]]:
        """Yield all variables of a checkpoint by name."""
        for name, variable in weight_names(self.trunk):
            yield f"trunk/{name}", variable
        for head in self.heads:
            yield f"head/{head.name}", head
        if self.optimizer is not None:
            for number, variable in enumerate(self.optimizer.variables):
                yield f"optimizer/{number}", variable

    def weights(self) -> Tensors:
        """Return the weights of the network, named as in a model folder."""
        return {name: values_of(variable) for name, variable in weight_names(self.trunk)}

    def restore(self, weights: Tensors) -> None:
        for name, variable in weight_names(self.trunk):
            variable.assign(weights[name])


def heads_loss(vectors: Any, heads: list[Any], labels: Any) -> Any:
    """Return the weighted sum of each label's loss, averaged over the pictures with the label.

    ``vectors`` (n, 256) are unit vectors, ``labels`` (n, 4) are -1 where missing. The mean of the
    batch is subtracted, because the outputs of an untrained dense layer on pooled ReLU features all
    point in nearly the same direction.
    """
    vectors = tf.math.l2_normalize(vectors - tf.reduce_mean(vectors, 0), -1)
    loss = tf.constant(0.0)
    for number, head in enumerate(heads):
        logits = SCALE * tf.matmul(vectors, tf.math.l2_normalize(head.value, 0))
        label = labels[:, number]
        known = tf.cast(label >= 0, tf.float32)
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.maximum(label, 0), logits)
        mean = tf.reduce_sum(each * known) / tf.maximum(tf.reduce_sum(known), 1.0)
        loss += WEIGHTS[LABELS[number]] * mean
    return loss


def _images(side: int) -> Any:
    return tf.TensorSpec((None, side, side, 3), tf.float32)


def values_of(variable: Any) -> NDArray[np.float32]:
    """Return a copy of a variable, which may be a scalar, as a NumPy array."""
    return np.asarray(variable.numpy()).copy()
