"""Emails are sent through the real queue, even if Redis loses their task."""

from __future__ import annotations

import pytest

from tests.faults.shop import Shop

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
SEND = """
from django.core.mail import send_mail

send_mail(subject, "In words.", None, ["alice@example.com"])
"""


def subjects(shop: Shop) -> list[str]:
    """Of what was sent: each into a file of its own, or a later one's below it."""
    files = (shop.folder / "mail").glob("*")
    lines = [line for file in files for line in file.read_text().splitlines()]
    return sorted(line.split()[1] for line in lines if line.startswith("Subject: "))


def test_an_email_is_sent_after_redis_lost_its_task(shop: Shop) -> None:
    shop.sql("DELETE FROM mail_mail")
    shop.run(SEND, subject="First")
    with shop.redis() as client:
        assert client.llen("shop") == 1
        client.flushall()
    assert shop.sql("SELECT count(*) FROM mail_mail") == 1
    shop.start_worker("shop")
    shop.run(SEND, subject="Second")
    shop.wait_for("both", lambda: shop.sql("SELECT count(*) FROM mail_mail") == 0)
    assert subjects(shop) == ["First", "Second"]
