from __future__ import annotations

from pathlib import Path

import pytest

# The demo catalogue of 309 products as make_demo_catalogue drew it, its pictures 64 px high.
DEMO = Path(__file__).with_name("demo-64px.zip")


@pytest.fixture
def places(settings, tmp_path: Path) -> Path:
    """Use a VAR_DIR and a model folder of this test; the shipped model can be found too."""
    settings.VAR_DIR = tmp_path
    settings.MODEL_FOLDERS = [tmp_path / "models", settings.MODEL_FOLDERS[1]]
    settings.NETWORK_CACHE = tmp_path / "network-cache"
    return tmp_path
