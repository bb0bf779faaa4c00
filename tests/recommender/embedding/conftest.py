from __future__ import annotations

from pathlib import Path

import pytest

SIDE = 32


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of models with ``small``, an untrained network."""
    import keras
    import numpy as np

    from recommender.embedding.model_folder import write_model
    from recommender.embedding.network import build_trunk, weight_names

    keras.utils.set_random_seed(3)
    tensors = {name: np.asarray(v) for name, v in weight_names(build_trunk(SIDE))}
    weights = {"file": "weights.safetensors"}
    manifest = {"name": "small", "input": {"size": [SIDE, SIDE]}, "weights": weights}
    parent = tmp_path_factory.mktemp("models")
    write_model(parent / "small", manifest, tensors, {})
    return parent
