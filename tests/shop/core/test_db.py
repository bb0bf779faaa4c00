from __future__ import annotations

import pytest
from django.db import connection, transaction

from shop.core.db import planner_settings
from shop.core.locks import AdvisoryLock, try_lock, try_lock_until_commit

pytestmark = pytest.mark.django_db


def setting(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        return str(cursor.fetchone()[0])


def test_planner_settings_end_with_their_block() -> None:
    with connection.cursor() as cursor:
        with planner_settings(cursor, enable_seqscan=False, random_page_cost=1.5):
            assert (setting("enable_seqscan"), setting("random_page_cost")) == ("off", "1.5")
        assert (setting("enable_seqscan"), setting("random_page_cost")) == ("on", "4")


def test_planner_settings_end_with_an_aborted_transaction() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic(), connection.cursor() as cursor:  # noqa: SIM117
        with planner_settings(cursor, enable_seqscan=False):
            raise ZeroDivisionError
    assert setting("enable_seqscan") == "on"


@pytest.mark.django_db(transaction=True)
def test_a_lock_is_refused_to_another_session() -> None:
    from django.db import connections

    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [AdvisoryLock.IMPORT])
            cursor.execute("SELECT pg_advisory_lock(%s, 5)", [AdvisoryLock.UPLOAD_JOB])
        with transaction.atomic():
            assert not try_lock_until_commit(AdvisoryLock.IMPORT)
            assert try_lock_until_commit(AdvisoryLock.MODEL_ROLLOUT)
        with try_lock(AdvisoryLock.UPLOAD_JOB, 5) as locked:
            assert not locked
        with try_lock(AdvisoryLock.UPLOAD_JOB, 6) as locked:
            assert locked
    finally:
        other.close()
