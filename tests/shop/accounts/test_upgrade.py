from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client

from shop.accounts.models import ApiToken
from tests.upgrades import database_at, leaf_migrations

pytestmark = pytest.mark.slow

# The table of rest_framework.authtoken.
TABLE = """
CREATE TABLE authtoken_token (
    key varchar(40) PRIMARY KEY, created timestamptz NOT NULL,
    user_id integer NOT NULL UNIQUE REFERENCES auth_user (id) DEFERRABLE INITIALLY DEFERRED)
"""
KEY = "0123456789abcdef0123456789abcdef01234567"


def test_tokens_of_the_first_version_still_work_and_are_hashed(
    django_db_setup: None, django_db_blocker: Any
) -> None:
    before = {"accounts": "0001_initial", "auth": "0012_alter_user_first_name_max_length"}
    with database_at(django_db_blocker, before):
        user = User.objects.create_user("alice")
        with connection.cursor() as cursor:
            cursor.execute(TABLE)
            cursor.execute("INSERT INTO authtoken_token VALUES (%s, now(), %s)", [KEY, user.pk])
        MigrationExecutor(connection).migrate(list(leaf_migrations().items()))
        token = ApiToken.objects.get()
        assert (token.user, token.scope, token.expires) == (user, "write", None)
        assert KEY not in str(ApiToken.objects.values().get())
        assert "authtoken_token" not in connection.introspection.table_names()
        answer = Client().get("/api/v1/cart/", headers={"Authorization": f"Token {KEY}"})
        assert answer.status_code == 200
        user.delete()
