"""The pictures' pipeline with real workers: killed, poisoned, cut off from Redis, and flooded."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from django.conf import settings

from config.embedded import EmbeddedServers

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
DEADLINE_SECONDS = 120
LEASE_SECONDS = 3
CELERY = (sys.executable, "-m", "celery", "-A", "config")

SET_UP = "import time\nimport django\ndjango.setup()\n"
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
from recommender.tasks import embed_pending_images, ring

print(int(ring(embed_pending_images)))
"""
RETRY = """
from recommender import pending

print(pending.retry(pending.parked()))
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
from recommender.photos import keep_photo
from recommender.tasks import embed_query_photo
from shop.catalogue.models import StoredFile

photo = keep_photo(bytes(StoredFile.objects.first().content))
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
$$ BEGIN INSERT INTO written VALUES (NEW.id); RETURN NULL; END $$;
CREATE OR REPLACE TRIGGER log_write AFTER INSERT OR UPDATE OF embedding_blue
    ON catalogue_productimage FOR EACH ROW WHEN (NEW.embedding_blue IS NOT NULL)
    EXECUTE FUNCTION log_write();
"""
EMPTY = """
TRUNCATE catalogue_product, catalogue_productimage, catalogue_storedfile, recommender_queryphoto
    CASCADE
"""


class Shop:
    """A shop of its own in a folder: servers, catalogue, and the processes of one test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.servers = EmbeddedServers(folder)
        self.processes: list[subprocess.Popen[bytes]] = []
        ours = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DEFAULT_MODEL"}
        self.environment = {name: value for name, value in os.environ.items() if name not in ours}
        self.environment |= {
            "VAR_DIR": str(folder),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "EMBED_LEASE_SECONDS": str(LEASE_SECONDS),
            "EMBED_BATCH": "16",
        }

    def run(self, script: str, **values: Any) -> Any:
        """Run a script against the shop; what it prints as JSON."""
        names = "".join(f"{name} = {value!r}\n" for name, value in values.items())
        program = f"{SET_UP}{names}{script}"
        return json.loads(self._complete(sys.executable, "-c", program) or "null")

    @contextmanager
    def begun(self, script: str) -> Iterator[Callable[[], Any]]:
        """Run a script up to its ``input()``; the call lets it go on, to what it prints."""
        with subprocess.Popen(
            [sys.executable, "-c", f"{SET_UP}{script}"],
            cwd=settings.BASE_DIR,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n"
                yield lambda: json.loads(process.communicate("\n", timeout=DEADLINE_SECONDS)[0])
            finally:
                process.kill()

    def manage(self, *arguments: str) -> None:
        self._complete(sys.executable, "manage.py", *arguments)

    def _complete(self, *command: str) -> str:
        done = subprocess.run(
            command,
            cwd=settings.BASE_DIR,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A Celery process at the head of a process group."""
        with (self.folder / "celery.log").open("ab") as log:
            process = subprocess.Popen(
                [*CELERY, *arguments],
                cwd=settings.BASE_DIR,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def start_worker(self, queue: str) -> subprocess.Popen[bytes]:
        options = ("--without-gossip", "--without-mingle", "-n", f"{queue}@%h")
        return self.start("worker", "-Q", queue, "-c", "1", *options)

    def start_beat(self) -> subprocess.Popen[bytes]:
        return self.start("beat", "--pidfile=")

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """SIGKILL to the process and its children."""
        if process in self.processes:
            self.processes.remove(process)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(DEADLINE_SECONDS)

    def sql(self, statement: str) -> Any:
        """The first value of the first row, if there are rows."""
        with psycopg.connect(self.servers.database_url, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None

    def images(self, condition: str) -> int:
        return int(
            self.sql(f"SELECT count(*) FROM catalogue_productimage WHERE {condition}")  # noqa: S608
        )

    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.servers.redis_url)

    def log(self) -> str:
        return (self.folder / "celery.log").read_text(errors="replace")[-4000:]

    def wait_for(self, what: str, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"{what}: not in time\n{self.log()}"
            time.sleep(0.1)

    def wait_until_all_embedded(self) -> None:
        self.wait_for("all embedded", lambda: self.images("embedding_blue IS NULL") == 0)


@pytest.fixture(scope="module")
def whole_shop() -> Iterator[Shop]:
    shop = Shop(Path(tempfile.mkdtemp(prefix="shop-", dir="/tmp")))
    cache = settings.BASE_DIR / "var" / "network-cache"
    if cache.exists():  # exporting the network would take ten seconds
        shutil.copytree(cache, shop.folder / "network-cache")
    try:
        shop.servers.use()
        shop.manage("migrate", "--verbosity", "0")
        yield shop
    finally:
        shop.servers.leave()
        shop.servers.stop()
        shutil.rmtree(shop.folder)


@pytest.fixture
def shop(whole_shop: Shop) -> Iterator[Shop]:
    """The shop, empty and with nothing running but its servers."""
    whole_shop.servers.use()
    whole_shop.sql(EMPTY)
    with whole_shop.redis() as client:
        client.flushall()
    yield whole_shop
    for process in list(whole_shop.processes):
        whole_shop.kill(process)


def test_a_killed_worker_and_an_emptied_redis_lose_no_picture_and_write_none_twice(
    shop: Shop,
) -> None:
    count = 600
    shop.run(FILL, count=count)
    shop.sql(LOG_WRITES)
    worker = shop.start_worker("catalogue")
    beat = shop.start_beat()
    assert shop.run(RING) == 1
    shop.wait_for("some embedded", lambda: shop.images("embedding_blue IS NOT NULL") >= 32)
    shop.kill(worker)
    shop.kill(beat)
    done = shop.images("embedding_blue IS NOT NULL")
    assert 0 < done < count
    assert shop.images("attempts > 0") > 0  # claimed by the dead worker
    with shop.redis() as client:
        client.flushall()
    shop.start_worker("catalogue")
    shop.start_beat()
    shop.wait_until_all_embedded()
    assert shop.images("attempts <> 0 OR claimed_until IS NOT NULL OR failure <> ''") == 0
    assert shop.sql("SELECT count(*) FROM written") == count
    assert shop.sql("SELECT count(DISTINCT image_id) FROM written") == count


def test_a_picture_that_cannot_be_read_is_parked_and_the_others_are_embedded(shop: Shop) -> None:
    shop.run(FILL, count=40)
    poison = shop.run(POISON)
    shop.start_worker("catalogue")
    assert shop.run(RING) == 1
    shop.wait_for("parked", lambda: shop.images("attempts >= 3") == 1)
    shop.wait_for("the good ones", lambda: shop.images("embedding_blue IS NOT NULL") == 39)
    row = f"FROM catalogue_productimage WHERE id = {poison}"
    assert shop.sql(f"SELECT attempts {row}") == 3
    shop.wait_for("reason", lambda: shop.sql(f"SELECT failure {row}") != "")
    assert shop.sql(f"SELECT failure {row}").startswith("UnidentifiedImageError")
    assert shop.images("attempts > 0") == 1
    assert shop.run(RETRY) == 1
    assert shop.images("attempts > 0 OR failure <> ''") == 0


def test_a_picture_saved_while_redis_is_down_is_embedded_when_redis_is_back(shop: Shop) -> None:
    shop.run(FILL, count=3)
    shop.start_worker("catalogue")
    shop.start_beat()
    shop.wait_until_all_embedded()
    with shop.begun(SAVE_ONE) as save, shop.redis() as client:
        client.shutdown(nosave=True)
        assert save() < 5
    assert shop.images("embedding_blue IS NULL") == 1
    shop.servers.use()
    shop.wait_until_all_embedded()


def test_a_search_with_a_photo_does_not_wait_for_the_catalogue(shop: Shop) -> None:
    shop.start_worker("search")
    shop.run(FILL, count=20)
    shop.run(SEARCH_WITH_PHOTO)  # the search worker has loaded the network
    shop.run(FILL.replace("range(count)", "range(20, count)"), count=900)
    shop.start_worker("catalogue")
    assert shop.run(RING) == 1
    shop.wait_for("some embedded", lambda: shop.images("embedding_blue IS NOT NULL") >= 32)
    assert shop.run(SEARCH_WITH_PHOTO) < 10
    assert shop.images("embedding_blue IS NULL") > 0
