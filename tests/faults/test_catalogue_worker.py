"""Embed images with real workers that are killed, get bad images, or lose Redis."""

from __future__ import annotations

import pytest

from tests.faults.shop import FAST_VECTORS, FILL, LOG_WRITES, SLOW_VECTORS, UNTOUCHED, Shop

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
BREAK_ONE = """
from shop.catalogue.models import ProductImage, StoredFile

image = ProductImage.objects.order_by("pk")[5]
StoredFile.objects.filter(pk=image.file).update(content=b"no picture at all")
print(image.pk)
"""
SEND_TASK = """
from shop.core.tasks import send

print(int(send("recommender.tasks.embed_pending_images")))
"""
RETRY = """
from recommender.embedding.queue import failed, requeue
from recommender.models import EmbeddingModel
from shop.catalogue.models import ProductImage

failures = failed(EmbeddingModel.objects.active())
print(requeue(ProductImage.objects.filter(pk__in=failures.values("pk"))))
"""
SAVE_ONE = """
from shop.catalogue.models import Product, ProductImage

product = Product.objects.first()
print("ready", flush=True)
input()
started = time.monotonic()
ProductImage.objects.create(product=product, file=f"{0:064x}.jpg", width=60, height=80)
print(time.monotonic() - started)
"""
SEARCH_WITH_PHOTO = """
from recommender.models import QueryPhoto
from recommender.photo_search.photos import store_photo
from recommender.tasks import embed_query_photo
from shop.catalogue.models import StoredFile

photo = store_photo(bytes(StoredFile.objects.first().content))
started = time.monotonic()
embed_query_photo.delay(photo.pk)
while QueryPhoto.objects.filter(pk=photo.pk, embedding=None).exists():
    assert time.monotonic() - started < 120
    time.sleep(0.05)
print(time.monotonic() - started)
"""


def test_a_killed_worker_and_a_flushed_redis_embed_every_image_once(
    shop: Shop,
) -> None:
    count = 300
    shop.run(FILL, count=count)
    shop.sql(LOG_WRITES)
    shop.sql(SLOW_VECTORS)
    worker = shop.start_worker("catalogue")
    beat = shop.start_beat()
    assert shop.run(SEND_TASK) == 1
    shop.wait_for("some embedded", lambda: shop.embeddings("embedding IS NOT NULL") >= 32)
    shop.kill(worker)
    shop.kill(beat)
    shop.sql(FAST_VECTORS)
    done = shop.embeddings("embedding IS NOT NULL")
    assert 0 < done < count
    assert shop.embeddings("attempts > 0") > 0  # claimed by the dead worker
    with shop.redis() as client:
        client.flushall()
    shop.start_worker("catalogue")
    shop.start_beat()
    shop.wait_until_all_embedded()
    assert shop.embeddings(UNTOUCHED) == count
    assert shop.sql("SELECT count(*) FROM written") == count
    assert shop.sql("SELECT count(DISTINCT image_id) FROM written") == count


def test_an_unreadable_image_fails_and_the_others_are_embedded(shop: Shop) -> None:
    shop.run(FILL, count=40)
    broken = shop.run(BREAK_ONE)
    shop.start_worker("catalogue")
    assert shop.run(SEND_TASK) == 1
    shop.wait_for("failed", lambda: shop.embeddings("status = 'failed'") == 1)
    shop.wait_for("all others", lambda: shop.embeddings("embedding IS NOT NULL") == 39)
    row = f"FROM recommender_embedding_blue WHERE image_id = {broken}"
    assert shop.sql(f"SELECT attempts {row}") == 3
    shop.wait_for("reason", lambda: shop.sql(f"SELECT failure {row}") != "")
    assert shop.sql(f"SELECT failure {row}").startswith("PictureError: We can’t read this file")
    assert shop.embeddings("attempts > 0") == 1
    assert shop.run(RETRY) == 1
    assert shop.embeddings(UNTOUCHED) == 40


def test_an_image_saved_while_redis_is_down_is_embedded_later(shop: Shop) -> None:
    shop.run(FILL, count=3)
    shop.start_worker("catalogue")
    shop.start_beat()
    shop.wait_until_all_embedded()
    with shop.paused(SAVE_ONE) as save, shop.redis() as client:
        client.shutdown(nosave=True)
        assert save() < 5
    assert shop.embeddings("embedding IS NULL") == 1
    shop.servers.start_missing()
    shop.wait_until_all_embedded()


def test_a_photo_search_does_not_wait_for_the_catalogue_queue(shop: Shop) -> None:
    shop.start_worker("search")
    shop.run(FILL, count=20)
    shop.run(SEARCH_WITH_PHOTO)  # the search worker has loaded the network
    shop.run(FILL.replace("range(count)", "range(20, count)"), count=500)
    shop.sql(SLOW_VECTORS)
    shop.start_worker("catalogue")
    assert shop.run(SEND_TASK) == 1
    shop.wait_for("some embedded", lambda: shop.embeddings("embedding IS NOT NULL") >= 32)
    assert shop.run(SEARCH_WITH_PHOTO) < 10
    assert shop.embeddings("embedding IS NULL") > 0
