"""A separate shop for tests that kill its processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import redis
from django.conf import settings

from demo.servers import EmbeddedServers

DEADLINE_SECONDS = 240
# Slow, so that a test can act while the worker is busy, on any machine.
SLOW_VECTORS = """
CREATE OR REPLACE FUNCTION write_slowly() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(0.4); RETURN NULL; END $$;
CREATE TRIGGER write_slowly AFTER UPDATE OF embedding
    ON recommender_embedding_blue FOR EACH STATEMENT EXECUTE FUNCTION write_slowly();
CREATE TRIGGER write_slowly AFTER UPDATE OF embedding
    ON recommender_embedding_green FOR EACH STATEMENT EXECUTE FUNCTION write_slowly();
"""
FAST_VECTORS = """
DROP TRIGGER IF EXISTS write_slowly ON recommender_embedding_blue;
DROP TRIGGER IF EXISTS write_slowly ON recommender_embedding_green;
"""
# Adds ``count`` products, each with one small image.
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
# Logs each embedding that is written, to find images embedded twice.
LOG_WRITES = """
CREATE TABLE IF NOT EXISTS written (image_id bigint);
TRUNCATE written;
CREATE OR REPLACE FUNCTION log_write() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO written VALUES (NEW.image_id); RETURN NULL; END $$;
CREATE OR REPLACE TRIGGER log_write AFTER INSERT OR UPDATE OF embedding
    ON recommender_embedding_blue FOR EACH ROW WHEN (NEW.embedding IS NOT NULL)
    EXECUTE FUNCTION log_write();
"""
# Holds for each image that no worker has had trouble with.
UNTOUCHED = "attempts = 0 AND claimed_until IS NULL AND failure = ''"
LEASE_SECONDS = 3
CELERY = (sys.executable, "-m", "celery", "-A", "config")
SET_UP = "import time\nimport django\ndjango.setup()\n"


class Shop:
    """Owns a shop in a folder: its servers, catalogue and the processes of one test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.servers = EmbeddedServers(folder)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.environment = {**os.environ, **self.servers.environment}
        self.environment.pop("DEFAULT_MODEL", None)
        self.environment |= {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "EMBED_LEASE_SECONDS": str(LEASE_SECONDS),
            "EMBED_BATCH": "16",
            "PHOTO_SEARCHES_PER_HOUR": "100000",
            "API_RATE_ANONYMOUS": "100000/hour",
            "API_RATE_IMAGE_SEARCHES": "100000/hour",
        }

    def run(self, script: str, **values: Any) -> Any:
        """Run a script against the shop and return the JSON that it prints."""
        names = "".join(f"{name} = {value!r}\n" for name, value in values.items())
        program = f"{SET_UP}{names}{script}"
        return json.loads(self._complete(sys.executable, "-c", program) or "null")

    @contextmanager
    def paused(self, script: str) -> Iterator[Callable[[], Any]]:
        """Run a script up to its ``input()``; yield a function that resumes it for its JSON."""
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

    def start(self, *arguments: str, program: tuple[str, ...] = CELERY) -> subprocess.Popen[bytes]:
        """Start a process as the leader of a process group."""
        with (self.folder / "celery.log").open("ab") as log:
            process = subprocess.Popen(
                [*program, *arguments],
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
        """Send SIGKILL to the process and its children."""
        if process in self.processes:
            self.processes.remove(process)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(DEADLINE_SECONDS)

    def sql(self, statement: str) -> Any:
        """Execute SQL and return the first value of the first row, if there are rows."""
        with psycopg.connect(self.servers.database_url, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None

    def embeddings(self, condition: str, slot: str = "blue") -> int:
        """Return how many rows of the slot's table meet the condition."""
        table = f"recommender_embedding_{slot}"
        return int(self.sql(f"SELECT count(*) FROM {table} WHERE {condition}"))  # noqa: S608

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
        self.wait_for("all embedded", lambda: self.embeddings("embedding IS NULL") == 0)
