"""Build Django's ``DATABASES`` from URLs."""

from __future__ import annotations

from typing import Any

import dj_database_url

# Lets Django start without DATABASE_URL; the first query fails and names the variable.
UNSET = "postgresql://%2FDATABASE_URL-is-not-set/none"
# Timeouts are short, because shoppers wait for the replica. The replica serves only vector
# searches: no database router chooses it, and it is never migrated.
REPLICA_OPTIONS = {"connect_timeout": 2, "options": "-c statement_timeout=2000"}


def build_databases(primary: str, replica: str, max_age: int, pooled: bool) -> dict[str, Any]:
    """Return Django's ``DATABASES`` for a primary and, if its URL is not empty, a replica.

    ``pooled`` turns off server-side cursors, because a pooler lends a connection for one
    transaction only.
    """
    kept: dict[str, Any] = {"conn_max_age": max_age, "conn_health_checks": True}
    kept["disable_server_side_cursors"] = pooled
    databases: dict[str, Any] = {"default": dj_database_url.parse(primary or UNSET, **kept)}
    if replica:
        mirror = {"MIRROR": "default"}
        found: dict[str, Any] = {**dj_database_url.parse(replica, **kept, test_options=mirror)}
        databases["replica"] = found | {"OPTIONS": REPLICA_OPTIONS | found.get("OPTIONS", {})}
    return databases
