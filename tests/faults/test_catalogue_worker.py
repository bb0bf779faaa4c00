"""The pictures' pipeline with real workers: killed, poisoned, cut off from Redis, and flooded."""

from __future__ import annotations

import pytest

from tests.faults.shop import FAST_VECTORS, SLOW_VECTORS, UNTOUCHED, Shop

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
FILL = """
from io import BytesIO
from PIL import Image, ImageDraw
from shop.catalogue.models import Category, Product, ProductImage, StoredFile

category, _new = Category.objects.get_or_create(name="Shirts")
products, files, images = [], [], []
for number in range(count):
    image = Image.new("RGB", (60, 80), (number % 256, number // 256 * 60, 90))
    ImageDraw.Draw(image).ellipse((10, 10, 20 + number % 30, 60), fill="orange")
    buffer = BytesIO()
    image.save(buffer, "JPEG")
    name = f"{number:064x}.jpg"
    product = Product(name=f"Shirt {number}", slug=f"shirt-{number}", category=category, price=9)
    products.append(product)
    files.append(StoredFile(name=name, content=buffer.getvalue(), size=buffer.tell()))
    images.append(ProductImage(product=product, file=name, width=60, height=80))
StoredFile.objects.bulk_create(files)
Product.objects.bulk_create(products)
ProductImage.objects.bulk_create(images)
"""
POISON = """
from shop.catalogue.models import ProductImage, StoredFile

image = ProductImage.objects.order_by("pk")[5]
StoredFile.objects.filter(pk=image.file).update(content=b"no picture at all")
print(image.pk)
"""
RING = """
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
LOG_WRITES = """
CREATE TABLE IF NOT EXISTS written (image_id bigint);
TRUNCATE written;
CREATE OR REPLACE FUNCTION log_write() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO written VALUES (NEW.image_id); RETURN NULL; END $$;
CREATE OR REPLACE TRIGGER log_write AFTER INSERT OR UPDATE OF embedding
    ON recommender_embedding_blue FOR EACH ROW WHEN (NEW.embedding IS NOT NULL)
    EXECUTE FUNCTION log_write();
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
    assert shop.run(RING) == 1
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
    poison = shop.run(POISON)
    shop.start_worker("catalogue")
    assert shop.run(RING) == 1
    shop.wait_for("parked", lambda: shop.embeddings("status = 'failed'") == 1)
    shop.wait_for("the good ones", lambda: shop.embeddings("embedding IS NOT NULL") == 39)
    row = f"FROM recommender_embedding_blue WHERE image_id = {poison}"
    assert shop.sql(f"SELECT attempts {row}") == 3
    shop.wait_for("reason", lambda: shop.sql(f"SELECT failure {row}") != "")
    assert shop.sql(f"SELECT failure {row}").startswith("PictureError: This file is not a picture")
    assert shop.embeddings("attempts > 0") == 1
    assert shop.run(RETRY) == 1
    assert shop.embeddings(UNTOUCHED) == 40


def test_an_image_saved_while_redis_is_down_is_embedded_later(shop: Shop) -> None:
    shop.run(FILL, count=3)
    shop.start_worker("catalogue")
    shop.start_beat()
    shop.wait_until_all_embedded()
    with shop.begun(SAVE_ONE) as save, shop.redis() as client:
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
    assert shop.run(RING) == 1
    shop.wait_for("some embedded", lambda: shop.embeddings("embedding IS NOT NULL") >= 32)
    assert shop.run(SEARCH_WITH_PHOTO) < 10
    assert shop.embeddings("embedding IS NULL") > 0
