"""The backup described in docs/operations.md can be restored, and holds no query photos."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import connection
from psycopg import sql

from demo.servers import _postgres_programs
from recommender.models import QueryPhoto
from recommender.photo_search.photos import store_photo
from shop.api.models import IdempotencyRecord
from shop.catalogue.models import ProductImage, StoredFile
from tests.factories import embed, make_product, make_stored_image, picture_bytes

RESTORED = "test_restored"


@pytest.fixture
def environment(transactional_db: None) -> Iterator[dict[str, str]]:
    """Environment variables for PostgreSQL's programs, and a database to restore into."""
    server = connection.settings_dict
    names = {"HOST": "PGHOST", "PORT": "PGPORT", "USER": "PGUSER", "PASSWORD": "PGPASSWORD"}
    values = {names[key]: str(server[key]) for key in names if server[key]}
    path = f"{_postgres_programs()}:{os.environ['PATH']}"
    yield os.environ | values | {"PATH": path, "DATABASE_URL": str(server["NAME"])}
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {RESTORED}")


def written() -> list[str]:
    """Return the two commands of the documentation."""
    text = (Path(settings.BASE_DIR) / "docs" / "operations.md").read_text()
    (dump,) = re.findall(r"^    (pg_dump .*)$", text, re.MULTILINE)
    (restore,) = re.findall(r"^    (createdb .*)$", text, re.MULTILINE)
    return [dump, re.sub(r"\brestored\b", RESTORED, restore)]


def counts(database: psycopg.Connection) -> list[int]:
    models = (QueryPhoto, Session, IdempotencyRecord, StoredFile, ProductImage)
    tables = [sql.Identifier(model._meta.db_table) for model in models]
    rows = [database.execute(sql.SQL("SELECT FROM {}").format(table)) for table in tables]
    return [row.rowcount for row in rows]


def test_a_backup_holds_the_shop_without_query_photos(
    environment: dict[str, str], tmp_path: Path
) -> None:
    image = make_stored_image(make_product())
    embed(image, 1)
    store_photo(picture_bytes("red"))
    SessionStore().create()
    IdempotencyRecord.objects.create(owner="somebody", key="1", content={"email": "a@example.com"})
    with connection.cursor() as cursor:
        assert counts(cursor.connection) == [1, 1, 1, 1, 1]
    for line in written():
        subprocess.run(line, shell=True, check=True, cwd=tmp_path, env=environment)  # noqa: S602
    server = {k: environment.get(f"PG{k.upper()}") for k in ("host", "port", "user", "password")}
    with psycopg.connect(dbname=RESTORED, **server) as restored:
        assert counts(restored) == [0, 0, 0, 1, 1]
        (found,) = restored.execute("SELECT content FROM catalogue_storedfile").fetchall()
        (near,) = restored.execute(
            "SELECT image_id FROM recommender_embedding_blue WHERE embedding IS NOT NULL"
        ).fetchall()
    assert (found[0], near[0]) == (image.read(), image.pk)
