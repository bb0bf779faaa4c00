"""The network in Keras: ResNet50, average pooling, 2,048 L2-normalised values.

Source: He et al., "Deep Residual Learning for Image Recognition", 2015, as in
``keras.applications.ResNet50``. This module imports TensorFlow: only workers import it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
from keras.applications import resnet50
from safetensors.numpy import load_file

from recommender.folder import ModelFolder, ModelFolderError


def build_network(folder: ModelFolder) -> keras.Model:
    """RGB pixels (n, side, side, 3), float32, 0 to 255 -> (n, 2048) vectors of length 1."""
    backbone = build_backbone(folder.side)
    load_weights(backbone, folder)
    pixels = keras.Input((folder.side, folder.side, 3))
    features = backbone(resnet50.preprocess_input(pixels))
    return keras.Model(pixels, keras.ops.normalize(features, axis=-1, order=2))


def build_backbone(side: int) -> keras.Model:
    """Preprocessed pixels (n, side, side, 3) -> (n, 2048), with random weights."""
    shape = (side, side, 3)
    return resnet50.ResNet50(include_top=False, weights=None, pooling="avg", input_shape=shape)


def weight_names(network: keras.Model) -> Iterator[tuple[str, Any]]:
    """Every variable with its name in the weights' file: ``<layer>/<variable>``."""
    for layer in network.layers:
        for variable in layer.weights:
            yield f"{layer.name}/{variable.name}", variable


def load_weights(network: keras.Model, folder: ModelFolder) -> None:
    """Fill every variable. Raises ``ModelFolderError`` on a missing name or another shape."""
    tensors = load_file(folder.weights())
    for name, variable in weight_names(network):
        if name not in tensors or tensors[name].shape != tuple(variable.shape):
            raise ModelFolderError(f"{folder.path}: no tensor {name} of shape {variable.shape}")
        variable.assign(tensors[name].astype("float32"))
