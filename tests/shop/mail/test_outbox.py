from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.test import Client
from django.utils import timezone

from shop.mail import outbox
from shop.mail.models import Mail
from tests.shop.mail import server as servers

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(settings: Any) -> Iterator[servers.MailServer]:
    with servers.running() as made:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", made.port
        settings.EMAIL_USE_TLS, settings.EMAIL_TIMEOUT = False, 5
        yield made


def post(*to: str, subject: str = "Hello") -> None:
    mail = EmailMultiAlternatives(subject, "In words.", to=list(to))
    mail.attach_alternative("<p>In colours.</p>", "text/html")
    outbox.post(mail)


def waiting() -> list[tuple[str, int, str]]:
    return list(Mail.objects.order_by("pk").values_list("to", "attempts", "problem"))


def test_what_was_posted_is_sent_once_and_kept_nowhere(server: servers.MailServer) -> None:
    post("alice@example.com", "bob@example.com")
    assert (outbox.send_due(), outbox.send_due()) == (2, 0)
    assert [to for to, _text in server.received] == ["alice@example.com", "bob@example.com"]
    text = server.received[0][1]
    assert all(part in text for part in ("Subject: Hello", "In words.", "<p>In colours.</p>"))
    assert "bob" not in text
    assert not Mail.objects.exists()


@pytest.mark.parametrize("how", ["refused_names", "refused_texts"])
@pytest.mark.parametrize(("code", "left"), [(550, []), (450, [("alice@example.com", 1)])])
def test_who_is_refused_holds_nobody_up(
    server: servers.MailServer, how: str, code: int, left: list[tuple[str, int]]
) -> None:
    getattr(server, how)["alice@example.com"] = code
    for name in ("alice", "bob"):
        post(f"{name}@example.com")
    assert (outbox.send_due(), outbox.send_due()) == (1, 0)
    assert [to for to, _text in server.received] == ["bob@example.com"]
    assert [row[:2] for row in waiting()] == left


def test_one_that_cannot_be_written_holds_nobody_up(server: servers.MailServer) -> None:
    post("alice@example.com", subject="Two\nlines")
    post("bob@example.com")
    assert outbox.send_due() == 1
    ((to, attempts, problem),) = waiting()
    assert (to, attempts) == ("alice@example.com", 1)
    assert "Header values can't contain newlines" in problem


def test_while_no_server_is_there_all_wait_longer_and_longer(settings: Any) -> None:
    with socket.socket() as closed:  # nobody listens
        closed.bind(("127.0.0.1", 0))
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = closed.getsockname()
        post("alice@example.com")
        post("bob@example.com")
        waits = []
        for _round in range(6):
            begin = timezone.now()
            Mail.objects.filter(to="alice@example.com").update(due=begin - timedelta(days=1))
            assert outbox.send_due() == 0
            alice = Mail.objects.get(to="alice@example.com")
            waits.append(round((alice.due - begin) / timedelta(minutes=1)))
    assert waits == [1, 2, 4, 8, 15, 15]
    assert "Connection refused" in alice.problem
    # One attempt a round was enough.
    assert waiting()[1] == ("bob@example.com", 0, "")
    Mail.objects.update(created=timezone.now() - timedelta(days=3, minutes=1), due=timezone.now())
    assert (outbox.send_due(), outbox.send_due()) == (0, 0)
    assert waiting() == []


def test_after_an_outage_everybody_gets_theirs(server: servers.MailServer, settings: Any) -> None:
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    for name in ("alice", "bob"):
        post(f"{name}@example.com")
    assert outbox.send_due() == 0
    settings.EMAIL_PORT = port
    assert outbox.send_due() == 1
    Mail.objects.update(due=timezone.now())
    assert outbox.send_due() == 1
    assert {to for to, _text in server.received} == {"alice@example.com", "bob@example.com"}


@pytest.mark.django_db(transaction=True)
def test_a_mail_is_part_of_the_transaction_that_it_tells_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rung: list[int] = []
    monkeypatch.setattr("shop.core.tasks.send", lambda name: rung.append(Mail.objects.count()))
    with transaction.atomic():
        post("alice@example.com")
        transaction.set_rollback(True)
    assert (Mail.objects.count(), rung) == (0, [])
    with transaction.atomic():
        post("alice@example.com")
        assert rung == []
    assert rung == [1]


@pytest.mark.django_db(transaction=True)
def test_with_redis_away_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    from kombu.exceptions import OperationalError

    def away(*args: object, **options: object) -> None:
        raise OperationalError

    monkeypatch.setattr("celery.app.base.Celery.send_task", away)
    post("alice@example.com")
    assert waiting() == [("alice@example.com", 0, "")]


def test_staff_see_what_waits_and_why_and_not_what_it_says(admin_client: Client) -> None:
    mail = Mail.objects.create(to="alice@example.com", subject="Hello", text="A secret link")
    Mail.objects.update(problem="450 Greylisted")
    page = admin_client.get("/admin/mail/mail/").content.decode()
    assert all(words in page for words in ("alice@example.com", "450 Greylisted"))
    detail = admin_client.get(f"/admin/mail/mail/{mail.pk}/change/").content.decode()
    assert "A secret link" not in page + detail
