"""Roll out a model while shoppers search and a worker is killed; no result mixes models."""

from __future__ import annotations

import shutil
import sys
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator

import pytest
from django.conf import settings

from tests.faults.searchers import Flip, Searchers, wrong_results
from tests.faults.shop import FAST_VECTORS, SLOW_VECTORS, Shop

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(600),
    pytest.mark.usefixtures("_other_model"),
]
PRODUCTS = 208
PHOTOS = 12
# Without collected files, so staticfiles must not look for their hashed names.
GUNICORN = "-m gunicorn config.wsgi -w 2 --threads 4"
WEB = ("env", "DEBUG=1", sys.executable, *GUNICORN.split())

# The other model is the shop's network at another size, which orders neighbours differently, with
# the values of a vector in another order: what is of both models is of neither.
OTHER_MODEL = """
import numpy as np
from django.conf import settings
from safetensors.numpy import load_file

from recommender.embedding.model_folder import write_model
from recommender.embedding.model_store import find_model

tensors = load_file(find_model("fashion-3").weights())
order = np.random.default_rng(1).permutation(256)
for name in ("embedding/kernel", "embedding/bias"):
    tensors[name] = np.ascontiguousarray(tensors[name][..., order])
weights = {"file": "weights.safetensors"}
manifest = {"name": "other", "input": {"size": [80, 80]}, "weights": weights}
write_model(settings.MODEL_FOLDERS[0] / "other", manifest, tensors, {})
"""
DRAW = """
import json
import random
from base64 import b64encode
from io import BytesIO
from PIL import Image, ImageDraw
from shop.core.tasks import send
from shop.catalogue.models import Category, Product, ProductImage
from shop.catalogue.images.pictures import read_picture

def draw(number):
    chance = random.Random(number)
    colours = [tuple(chance.randrange(256) for _channel in range(3)) for _shape in range(5)]
    image = Image.new("RGB", (60, 80), colours[0])
    pen = ImageDraw.Draw(image)
    for colour in colours[1:]:
        x, y = chance.randrange(50), chance.randrange(70)
        shape = chance.choice((pen.ellipse, pen.rectangle))
        shape((x, y, x + chance.randrange(5, 40), y + chance.randrange(5, 40)), fill=colour)
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()

category, _new = Category.objects.get_or_create(name="Shirts")
products = [
    Product(name=f"Shape {n}", slug=f"shape-{n}", category=category, price=9, stock=9)
    for n in range(count)
]
Product.objects.bulk_create(products)
ProductImage.objects.bulk_create(
    ProductImage(product=product, file=read_picture(draw(n)).save(), width=60, height=80)
    for n, product in enumerate(products)
)
photos = [draw(1000 + n) for n in range(photo_count)]
for photo in photos:
    assert read_picture(photo).jpeg == photo
send("recommender.tasks.embed_pending_images")
"""
# What a picture's colour adds to its distance is not this test's.
NO_COLOURS = """
CREATE OR REPLACE FUNCTION forget_colour() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN NEW.colour = NULL; RETURN NEW; END $$;
CREATE OR REPLACE TRIGGER forget_colour BEFORE UPDATE OF colour
    ON recommender_embedding_blue FOR EACH ROW EXECUTE FUNCTION forget_colour();
CREATE OR REPLACE TRIGGER forget_colour BEFORE UPDATE OF colour
    ON recommender_embedding_green FOR EACH ROW EXECUTE FUNCTION forget_colour();
"""
COLOURS = """
DROP TRIGGER IF EXISTS forget_colour ON recommender_embedding_blue;
DROP TRIGGER IF EXISTS forget_colour ON recommender_embedding_green;
"""
# By NumPy, from the pictures: neither the tables nor the SQL have a part in it. Left out are the
# subjects that rounding could decide, and those whose five would be the same in both models.
EXPECT = """
import json
import numpy as np
from recommender.embedding.preprocessing import decode
from recommender.embedding.inference import embedder
from recommender.models import EmbeddingModel, QueryPhoto
from recommender.photo_search.photos import analyse_photo
from shop.catalogue.models import ProductImage

images = list(ProductImage.objects.order_by("pk"))
ids = np.array([image.product_id for image in images])
contents = [image.read() for image in images]
subjects = [f"product {pk}" for pk in ids] + [f"photo {n}" for n in range(len(photos))]

def embed(name):
    network = embedder(EmbeddingModel(name=name))
    pixels = [decode(content, network.input_size) for content in contents]
    batches = [network.embed(pixels[at : at + 16]) for at in range(0, len(pixels), 16)]
    seen = [analyse_photo(QueryPhoto(content=photo), network)["embedding"] for photo in photos]
    return np.concatenate([*batches, np.array(seen)]).astype(np.float16).astype(np.float64)

def search(queries, stored):
    squared = (queries**2).sum(1)[:, None] + (stored**2).sum(1) - 2 * queries @ stored.T
    distances = np.sqrt(np.maximum(squared, 0))
    distances[np.arange(len(stored)), np.arange(len(stored))] = np.inf
    return distances, ids[np.argsort(distances, axis=1)[:, :5]]

vectors = {name: embed(name) for name in ("fashion-3", "other")}
stored = {name: vector[: len(images)] for name, vector in vectors.items()}
fives, clear = {}, np.ones(len(subjects), bool)
for name in vectors:
    distances, fives[name] = search(vectors[name], stored[name])
    assert distances[: len(images)].min() > 0.1  # no two are copies
    first = np.sort(distances, axis=1)[:, :6]
    clear &= np.diff(first, axis=1).min(axis=1) > 1e-3
one, two = fives.values()
clear &= (one != two).any(axis=1)
for asked, held in (("fashion-3", "other"), ("other", "fashion-3")):
    mixed = search(vectors[asked], stored[held])[1]
    clear &= (mixed != one).any(axis=1) & (mixed != two).any(axis=1)
kept = np.flatnonzero(clear)
fives = {n: {subjects[i]: five[i].tolist() for i in kept} for n, five in fives.items()}
print(json.dumps([[b64encode(photo).decode() for photo in photos], fives]))
"""
# A flip that others could see half done would now be seen.
SLOW_FLIPS = """
CREATE OR REPLACE FUNCTION wait_a_moment() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(0.15); RETURN NEW; END $$;
CREATE OR REPLACE TRIGGER wait_a_moment AFTER UPDATE ON recommender_embeddingmodel
    FOR EACH ROW EXECUTE FUNCTION wait_a_moment();
"""
REFUSED = """
import json
from django.db.models.functions import Now
from recommender.embedding import rollout
from shop.core.tasks import send

model = rollout.EmbeddingModel.objects.get(name="other")
try:
    rollout.activate("other")
except rollout.RolloutError as error:
    print(json.dumps([*rollout.coverage(model), str(error)]))
while model.embeddings.filter(claimed_until__gt=Now()).exists():
    time.sleep(0.1)
send("recommender.tasks.embed_pending_images")
"""
SWITCH_AND_FREE = """
import json
from recommender.embedding import rollout

flips = []
for name in names:
    began = time.monotonic()
    rollout.activate(name) if name else rollout.rollback()
    active = rollout.EmbeddingModel.objects.active().name
    flips.append([active, began, time.monotonic()])
    time.sleep(0.4)
rollout.PAUSE_SECONDS = 1
print(json.dumps([flips, rollout.remove("fashion-3")]))
"""
QUICK_FLIPS = "DROP TRIGGER IF EXISTS wait_a_moment ON recommender_embeddingmodel"


@pytest.fixture
def _other_model(shop: Shop) -> Iterator[None]:
    """The folder of the model ``other``; its export is cached for the next run."""
    cache, theirs = settings.NETWORK_CACHE, shop.folder / "network-cache"
    theirs.mkdir(exist_ok=True)
    for file in cache.glob("other-*"):
        shutil.copy(file, theirs / file.name)
    yield
    cache.mkdir(parents=True, exist_ok=True)
    for file in theirs.glob("other-*"):
        shutil.copy(file, cache / file.name)
    shop.sql(QUICK_FLIPS)
    shop.sql(COLOURS)


@pytest.fixture
def searchers(shop: Shop) -> Iterator[Searchers]:
    made = Searchers(shop.folder / "web.sock")
    yield made
    made.stop()


def test_every_search_during_a_rollout_is_answered_by_one_model(
    shop: Shop, searchers: Searchers
) -> None:
    shop.start("--bind", f"unix:{searchers.web}", program=WEB)
    shop.start_worker("search")
    worker = shop.start_worker("catalogue")
    prepare = DRAW + OTHER_MODEL + EXPECT
    shop.sql(NO_COLOURS)
    photos, fives = shop.run(prepare, count=PRODUCTS, photo_count=PHOTOS)
    shop.wait_until_all_embedded()
    shop.sql(SLOW_FLIPS)
    _search(shop, searchers, [b64decode(photo) for photo in photos], set(fives["other"]))
    flips = [Flip("fashion-3", 0, 0)]

    shop.sql(SLOW_VECTORS)
    shop.manage("embedding_model", "add", "other")

    def seen() -> int:
        return shop.embeddings("embedding IS NOT NULL", "green")

    shop.wait_for("some seen by the other", lambda: seen() > 0)
    shop.kill(worker)
    shop.sql(FAST_VECTORS)
    done = seen()
    assert 0 < done < PRODUCTS
    assert shop.embeddings("attempts > 0", "green") > 0  # claimed by the dead worker
    shop.start_worker("catalogue")  # no task was sent yet
    before, every, refusal = shop.run(REFUSED)
    assert (before, every) == (done, PRODUCTS)
    assert refusal.startswith(f"{done} of {PRODUCTS} images of listed products have an embedding")
    shop.wait_for("all seen by the other", lambda: seen() == PRODUCTS)

    began = time.monotonic()
    shop.manage("embedding_model", "activate")
    flips.append(Flip("other", began, time.monotonic()))
    more, removed = shop.run(SWITCH_AND_FREE, names=["", "other", "", "other"])
    flips += [Flip(*flip) for flip in more]
    assert [flip.model for flip in flips] == ["fashion-3", "other"] * 3
    assert (removed, shop.embeddings("true")) == (PRODUCTS, 0)
    searchers.stop()

    assert searchers.wrong == []
    assert wrong_results(searchers.answers, flips, fives) == []
    kinds = {answer.kind for answer in searchers.answers}
    seen_by = Counter(
        (answer.kind, model)
        for answer in searchers.answers
        for model in fives
        if fives[model][answer.subject] == list(answer.five)
    )
    assert set(seen_by) == {(kind, model) for kind in kinds for model in fives}


def _search(shop: Shop, searchers: Searchers, photos: list[bytes], clear: set[str]) -> None:
    """Start four kinds of searches for the subjects that have an unambiguous result."""
    shop.wait_for("web server", searchers.web.exists)
    slugs = shop.sql("SELECT json_object_agg(id, slug) FROM catalogue_product")
    slugs = {int(pk): slug for pk, slug in slugs.items() if f"product {pk}" in clear}
    named = {f"photo {n}": photo for n, photo in enumerate(photos) if f"photo {n}" in clear}
    searchers.start(searchers.pages(slugs))
    searchers.start(searchers.programs(list(slugs)))
    searchers.start(searchers.new_photos(named))
    searchers.start(searchers.old_photos({name: searchers.send(named[name]) for name in named}))
