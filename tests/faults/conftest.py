from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.faults.shop import FAST_VECTORS, Shop

EMPTY = """
TRUNCATE catalogue_product, catalogue_productimage, catalogue_storedfile, recommender_queryphoto
    CASCADE;
DELETE FROM recommender_embeddingmodel WHERE state <> 'active';
UPDATE recommender_embeddingmodel SET name = 'fashion-3', slot = 'blue', sha256 = '';
"""


@pytest.fixture(scope="session")
def whole_shop() -> Iterator[Shop]:
    shop = Shop(Path(tempfile.mkdtemp(prefix="shop-", dir="/tmp")))
    cache = settings.BASE_DIR / "var" / "network-cache"
    if cache.exists():  # exporting the network would take ten seconds
        shutil.copytree(cache, shop.folder / "network-cache")
    try:
        shop.servers.start()
        shop.manage("migrate", "--verbosity", "0")
        yield shop
    finally:
        shop.servers.stop()
        shutil.rmtree(shop.folder)


@pytest.fixture
def shop(whole_shop: Shop) -> Iterator[Shop]:
    """An empty shop that runs nothing but its servers."""
    whole_shop.servers.start_missing()
    whole_shop.sql(FAST_VECTORS)
    whole_shop.sql(EMPTY)
    with whole_shop.redis() as client:
        client.flushall()
    yield whole_shop
    for process in list(whole_shop.processes):
        whole_shop.kill(process)
