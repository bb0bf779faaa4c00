"""On which server a search runs: the replica if there is one and it serves, or the primary.

A search runs on one server as a whole: which model is active, its column and the vectors come from
there, so that a replica which has not heard of a switch answers as before it, and never with both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.db import DEFAULT_DB_ALIAS, Error, connection, connections
from psycopg.errors import SerializationFailure

from recommender.replica import PATIENCE_SECONDS, REPLICA, configured, hung_up_after, watch

PRIMARY = DEFAULT_DB_ALIAS
Found = TypeVar("Found")


def searched(search: Callable[[str], list[Found]]) -> list[Found]:
    """What ``search`` finds, called with the name of a connection.

    Nothing found on the replica may be news that have not arrived: the primary is asked. So it is
    when the replica fails, and within a transaction, whose own changes the search must see.
    """
    if configured() and not connection.in_atomic_block and watch.serving():
        try:
            with hung_up_after(PATIENCE_SECONDS, REPLICA):
                found = search(REPLICA)
        except Error as error:
            connections[REPLICA].close()
            # Rows that it read were cleaned up on the primary: bad luck, no reason to rest.
            if not isinstance(error.__cause__, SerializationFailure):
                watch.failed(error)
        else:
            if found:
                return found
    return search(PRIMARY)
