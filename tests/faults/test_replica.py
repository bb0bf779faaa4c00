"""A real streaming replica serves the vector searches: it lags, dies, freezes and comes back."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.searchers import CARD, Flip, Searchers, wrong_results
from tests.faults.shop import Shop
from tests.faults.standby import Standby

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
PRODUCTS = 60
PHOTOS = 4
# Long enough for the searches that must see old data, on a busy machine.
MAX_LAG_SECONDS = 4
GUNICORN = "-m gunicorn config.wsgi -w 1 --threads 8"
WEB = ("env", "DEBUG=1", sys.executable, *GUNICORN.split())

# Two models that see everything differently; no network has to run. The fives are NumPy's.
FILL = """
import json
import numpy as np
from django.db.models import F
from recommender.models import EmbeddingModel, QueryPhoto
from shop.catalogue.models import Category, Product, ProductImage

other = EmbeddingModel.objects.create(name="other", slot="green", state="filling")
fashion = EmbeddingModel.objects.get(name="fashion-3")
category, _new = Category.objects.get_or_create(name="Shirts")
chance = np.random.default_rng(7)

def vectors(count):
    points = np.zeros((count, 256), np.float32)
    points[:, :8] = chance.normal(size=(count, 8))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return points.astype(np.float16).astype(np.float64)

stored = {"fashion-3": vectors(products), "other": vectors(products)}
seen = {"fashion-3": vectors(photos), "other": vectors(photos)}
rows = [
    Product(name=f"Shape {n}", slug=f"shape-{n}", category=category, price=9, stock=9)
    for n in range(products)
]
Product.objects.bulk_create(rows)
ProductImage.objects.bulk_create(
    ProductImage(
        product=product,
        file=f"{n:064x}.jpg",
        width=60,
        height=80,
    )
    for n, product in enumerate(rows)
)
for model in (fashion, other):
    for n, product in enumerate(rows):
        embedded = model.embeddings.filter(product=product)
        at = stored[model.name][n].tolist()
        embedded.update(embedding=at, duplicate_group=F("image"), status="embedded")
ids = np.array([product.pk for product in rows])

def five(name, vector, without=-1):
    distances = np.linalg.norm(stored[name] - vector, axis=1)
    order = np.argsort(distances, kind="stable")
    return ids[order[order != without]][:5].tolist()

fives = {
    name: {f"product {pk}": five(name, stored[name][n], n) for n, pk in enumerate(ids)}
    | {f"photo {n}": five(name, seen[name][n]) for n in range(photos)}
    for name in stored
}
both = zip(fives["fashion-3"].values(), fives["other"].values())
assert all(one != two for one, two in both)
slugs = {product.pk: product.slug for product in rows}
print(json.dumps([slugs, fives, {name: seen[name].tolist() for name in seen}]))
"""
SEND = """
INSERT INTO recommender_queryphoto (id, content, width, height, embedding, whole_embedding,
    embedding_model_id, failure, crop_box, created, expires)
SELECT '{name}', '', 60, 80, '{vector}', '{vector}', id, '', '', now(), now() + interval '1 day'
FROM recommender_embeddingmodel WHERE state = 'active' RETURNING id
"""
FLIP = """
BEGIN;
UPDATE recommender_embeddingmodel SET state = 'previous' WHERE name = 'fashion-3';
UPDATE recommender_embeddingmodel SET state = 'active' WHERE name = 'other';
COMMIT;
"""
# An idle connection shows its last query.
SEARCHED_HERE = """SELECT count(*) FROM pg_stat_activity
WHERE query LIKE '%WITH query AS%' AND pid <> pg_backend_pid()"""


@pytest.fixture
def standby(shop: Shop) -> Iterator[Standby]:
    folder = Path(tempfile.mkdtemp(prefix="sb-", dir="/tmp"))
    folder.chmod(0o755)
    made = Standby(shop.servers, folder / "run")
    shop.environment["DATABASE_REPLICA_URL"] = made.url
    shop.environment["DATABASE_REPLICA_MAX_LAG_SECONDS"] = str(MAX_LAG_SECONDS)
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder)
        for name in [name for name in shop.environment if name.startswith("DATABASE_REPLICA")]:
            del shop.environment[name]


@pytest.fixture
def searchers(shop: Shop, standby: Standby) -> Iterator[Searchers]:
    made = Searchers(shop.folder / "web.sock")
    yield made
    made.stop()


def send(shop: Shop, name: str, vector: list[float]) -> str:
    """Store a photo with an embedding of the active model."""
    return str(shop.sql(SEND.format(name=name, vector=vector)))


def health(searchers: Searchers) -> dict[str, Any]:
    """Check that the site is ready, whatever the replica does."""
    assert json.loads(searchers.ask("/health/ready")) == {"database": True}
    # 503, because no worker sends heartbeats in this test.
    body = json.loads(searchers.ask("/health/status", expected=503))
    assert (body["database"], body["redis"]) == (True, True)
    replica: dict[str, Any] = body["replica"]
    return replica


def similar(searchers: Searchers, slug: str) -> list[int]:
    page = searchers.ask(f"/products/{slug}/")
    strip = page.split('data-block="similar"')[1].split("</section>")[0]
    return [int(pk) for pk in CARD.findall(strip)]


def found(searchers: Searchers, photo: str) -> list[int]:
    body = json.loads(searchers.ask(f"/api/v1/image-searches/{photo}/"))
    assert body["state"] == "ready"
    return [product["id"] for product in body["products"]]


def wait_until_replicated(shop: Shop, standby: Standby) -> None:
    """Wait until the replica has everything that the primary has written so far."""
    written = shop.sql("SELECT pg_current_wal_flush_lsn()::text")
    applied = f"SELECT pg_last_wal_replay_lsn() >= '{written}'"
    shop.wait_for("what was written to arrive", lambda: standby.sql(applied))


def begin(shop: Shop, standby: Standby, searchers: Searchers) -> Any:
    """Fill the shop and start a replica; return slugs, expected results and embeddings."""
    filled = shop.run(FILL, products=PRODUCTS, photos=PHOTOS)
    standby.copy()
    standby.start()
    searchers.web.unlink(missing_ok=True)
    shop.start("--bind", f"unix:{searchers.web}", program=WEB)
    shop.wait_for("web server", searchers.web.exists)
    shop.wait_for("the replica to serve", lambda: health(searchers)["serving"])
    return filled


def test_a_lagging_replica_answers_with_one_model_and_is_soon_left_out(
    shop: Shop, standby: Standby, searchers: Searchers
) -> None:
    slugs, fives, seen = begin(shop, standby, searchers)
    assert standby.sql("SELECT pg_is_in_recovery()") is True
    key, slug = next(iter(slugs.items()))
    old, new = (fives[name][f"product {key}"] for name in ("fashion-3", "other"))
    assert similar(searchers, slug) == old
    photo = send(shop, "early", seen["fashion-3"][0])
    assert found(searchers, photo) == fives["fashion-3"]["photo 0"]
    wait_until_replicated(shop, standby)  # the primary answers for a photo that has not

    standby.sql("SELECT 1 FROM pg_wal_replay_pause()")
    photo = send(shop, "unheard-of", seen["fashion-3"][1])
    assert standby.sql("SELECT count(*) FROM recommender_queryphoto") == 1
    assert found(searchers, photo) == fives["fashion-3"]["photo 1"]
    shop.sql(FLIP)
    assert health(searchers)["serving"] is True
    # Which only the replica says: on the primary another model is active.
    assert similar(searchers, slug) == old
    photo = send(shop, "late", seen["other"][2])
    assert found(searchers, photo) == fives["other"]["photo 2"]

    shop.wait_for("the replica to be left out", lambda: not health(searchers)["serving"])
    body = health(searchers)
    assert body["lag_seconds"] > MAX_LAG_SECONDS
    assert body["problem"] == "too far behind"
    assert similar(searchers, slug) == new

    standby.sql("SELECT 1 FROM pg_wal_replay_resume()")
    shop.wait_for("the replica to serve again", lambda: health(searchers)["serving"])
    wait_until_replicated(shop, standby)
    assert standby.sql("SELECT count(*) FROM recommender_queryphoto") == 3
    assert similar(searchers, slug) == new

    standby.sql("SELECT pg_promote()")  # a primary of its own from now on
    shop.wait_for("the stranger to be left out", lambda: not health(searchers)["serving"])
    assert health(searchers)["problem"] == "is not a standby of this primary"
    assert similar(searchers, slug) == new


def test_shoppers_do_not_notice_a_dead_or_frozen_replica(
    shop: Shop, standby: Standby, searchers: Searchers
) -> None:
    slugs, fives, seen = begin(shop, standby, searchers)
    photos = {f"photo {n}": send(shop, f"p{n}", one) for n, one in enumerate(seen["fashion-3"])}
    searchers.start(searchers.pages({int(pk): slug for pk, slug in slugs.items()}))
    searchers.start(searchers.programs([int(pk) for pk in slugs]))
    searchers.start(searchers.old_photos(photos))
    shop.wait_for("searches on the replica", lambda: standby.sql(SEARCHED_HERE) > 0)

    standby.signal(signal.SIGKILL)
    more_answers(shop, searchers)
    assert health(searchers)["serving"] is False
    standby.start()
    shop.wait_for("searches on it again", lambda: standby.sql(SEARCHED_HERE) > 0)

    standby.signal(signal.SIGSTOP)
    shop.wait_for("it to be left out", lambda: not health(searchers)["serving"])
    more_answers(shop, searchers)
    standby.signal(signal.SIGCONT)
    shop.wait_for("the replica to serve again", lambda: health(searchers)["serving"])
    searchers.stop()

    assert searchers.wrong == []
    assert wrong_results(searchers.answers, [Flip("fashion-3", 0, 0)], fives) == []
    assert {answer.kind for answer in searchers.answers} == {"page", "API", "old photo"}


def more_answers(shop: Shop, searchers: Searchers) -> None:
    """Wait until five searches of each kind have started after this call."""
    began = len(searchers.answers)

    def answered() -> bool:
        kinds = [answer.kind for answer in searchers.answers[began:]]
        return all(kinds.count(kind) >= 5 for kind in ("page", "API", "old photo"))

    shop.wait_for("more answers", answered)
