"""Build the network in Keras: ResNet50, average pooling, a dense layer to 256 values.

Source: He et al., "Deep Residual Learning for Image Recognition", 2015, as in
``keras.applications.ResNet50``. This module imports TensorFlow, so only workers import it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
from keras.applications import resnet50
from numpy.typing import NDArray
from safetensors.numpy import load_file

from recommender.embedding.model_folder import ModelFolder, ModelFolderError
from recommender.models import DIMENSIONS

FEATURES = 2048
DENSE = "embedding"
SEED = 2048


def build_network(folder: ModelFolder) -> keras.Model:
    """Build the network that maps RGB pixels (n, size, size, 3), 0 to 255, to unit vectors."""
    trunk = build_trunk(folder.input_size)
    load_weights(trunk, folder)
    pixels = keras.Input((folder.input_size, folder.input_size, 3))
    values = trunk(resnet50.preprocess_input(pixels))
    return keras.Model(pixels, keras.ops.normalize(values, axis=-1, order=2))


def build_trunk(size: int) -> keras.Model:
    """Build ResNet50 and the dense layer, which map preprocessed pixels to vectors (n, 256).

    ResNet50 starts with random weights. The dense layer starts as a fixed projection onto 256
    orthonormal directions, which roughly preserves distances. It keeps this projection if a weights
    file has no tensors for the layer.
    """
    shape = (size, size, 3)
    pooled = resnet50.ResNet50(include_top=False, weights=None, pooling="avg", input_shape=shape)
    dense = keras.layers.Dense(DIMENSIONS, name=DENSE)
    trunk = keras.Model(pooled.input, dense(pooled.output))
    dense.set_weights([random_projection(), np.zeros(DIMENSIONS, np.float32)])
    return trunk


def random_projection() -> NDArray[np.float32]:
    """Return a matrix (2048, 256) with orthonormal columns, the same on every machine."""
    random = np.random.Generator(np.random.PCG64(SEED)).standard_normal((FEATURES, DIMENSIONS))
    columns, triangle = np.linalg.qr(random)
    # The signs are fixed, because LAPACK implementations choose them differently.
    result: NDArray[np.float32] = (columns * np.sign(np.diag(triangle))).astype(np.float32)
    return result


def weight_names(network: keras.Model) -> Iterator[tuple[str, Any]]:
    """Yield (name, variable) pairs, where names are ``<layer>/<variable>`` as in weights files."""
    for layer in network.layers:
        for variable in layer.weights:
            yield f"{layer.name}/{variable.name}", variable


def load_weights(network: keras.Model, folder: ModelFolder) -> None:
    """Load the folder's weights into the network; the dense layer's may be missing.

    Raises ``ModelFolderError`` if another tensor is missing or has the wrong shape.
    """
    tensors = load_file(folder.weights())
    has_dense = any(name.startswith(f"{DENSE}/") for name in tensors)
    for name, variable in weight_names(network):
        if name.startswith(f"{DENSE}/") and not has_dense:
            continue
        if name not in tensors or tensors[name].shape != tuple(variable.shape):
            raise ModelFolderError(f"{folder.path}: no tensor {name} of shape {variable.shape}")
        variable.assign(tensors[name].astype("float32"))
