"""Replace the tests' database by one of an older version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

NAME = "test_upgrade"


@contextmanager
def database_at(blocker: Any, migrations: Mapping[str, str]) -> Iterator[Any]:
    """Use a new database, migrated to these migrations by app, in the block; yield its models.

    For upgrades that cannot be undone. ``blocker`` is the fixture ``django_db_blocker``; the test
    also needs ``django_db_setup``, and does not use the mark ``django_db``.
    """
    with blocker.unblock():
        own = connection.settings_dict["NAME"]
        _drop_database()
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {NAME}")
        connection.close()
        connection.settings_dict["NAME"] = NAME
        try:
            executor = MigrationExecutor(connection)
            executor.migrate(list(migrations.items()))
            yield executor.loader.project_state(list(migrations.items())).apps
        finally:
            connection.close()
            connection.settings_dict["NAME"] = own
            _drop_database()


def leaf_migrations() -> dict[str, str]:
    """Return the newest migration of each app."""
    return dict(MigrationExecutor(connection).loader.graph.leaf_nodes())


def _drop_database() -> None:
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
