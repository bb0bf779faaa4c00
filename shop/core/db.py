"""Change PostgreSQL's planner settings for single queries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any


@contextmanager
def planner_settings(cursor: Any, **settings: object) -> Iterator[None]:
    """Apply settings such as ``enable_seqscan=False`` to the queries in the block.

    A transaction is required. After an error, its rollback resets the settings.
    """
    calls = ", ".join("set_config(%s, %s, true)" for _name in settings)
    values = [text for name, value in settings.items() for text in (name, _text(value))]
    cursor.execute(f"SELECT {calls}", values)
    yield
    cursor.execute("; ".join(f"SET LOCAL {name} TO DEFAULT" for name in settings))


def execute_with_settings(
    cursor: Any, sql: str, parameters: Mapping[str, Any], settings: Mapping[str, object]
) -> None:
    """Execute one query with these settings and then reset them, in one round trip."""
    before = "".join(f"SET LOCAL {name} = '{_text(value)}';\n" for name, value in settings.items())
    after = "".join(f";\nSET LOCAL {name} TO DEFAULT" for name in settings)
    cursor.execute(before + sql + after, parameters)
    while cursor.description is None:
        cursor.nextset()


def _text(value: object) -> str:
    """Return a value as PostgreSQL writes it in settings."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)
