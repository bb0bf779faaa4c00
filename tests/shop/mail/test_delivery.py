from __future__ import annotations

import socket
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives, send_mail
from django.test import Client
from django.utils import timezone

from shop.mail.delivery import send_due
from shop.mail.models import QueuedEmail
from tests.shop.mail.server import MailServer

pytestmark = pytest.mark.django_db


def queue(*names: str) -> None:
    for name in names:
        send_mail("Hello", "In words.", None, [f"{name}@example.com"])


def waiting() -> list[tuple[str, int, str]]:
    return list(QueuedEmail.objects.order_by("pk").values_list("to", "attempts", "problem"))


def test_a_queued_email_is_sent_once_and_deleted(server: MailServer) -> None:
    message = EmailMultiAlternatives("Grüße", "In words: ä.", to=["alice@example.com"])
    message.attach_alternative("<p>In colours.</p>", "text/html")
    message.send()
    assert (send_due(), send_due()) == (1, 0)
    ((to, text),) = server.received
    assert to == "alice@example.com"
    subject = "Subject: =?utf-8?b?R3LDvMOfZQ==?="
    assert all(part in text for part in (subject, "In words: ä.", "<p>In colours.</p>"))
    assert not QueuedEmail.objects.exists()


@pytest.mark.parametrize("how", ["refused_names", "refused_texts"])
@pytest.mark.parametrize(("code", "left"), [(550, []), (450, [("alice@example.com", 1)])])
def test_a_refused_recipient_delays_no_other(
    server: MailServer, how: str, code: int, left: list[tuple[str, int]]
) -> None:
    getattr(server, how)["alice@example.com"] = code
    queue("alice", "bob")
    assert (send_due(), send_due()) == (1, 0)
    assert [to for to, _text in server.received] == ["bob@example.com"]
    assert [row[:2] for row in waiting()] == left


def test_an_email_that_cannot_be_sent_delays_no_other(server: MailServer) -> None:
    queue("alice", "bob")
    QueuedEmail.objects.filter(to="alice@example.com").update(to="alice@")
    assert send_due() == 1
    ((to, attempts, problem),) = waiting()
    assert (to, attempts) == ("alice@", 1)
    assert "Invalid address" in problem


def test_without_a_server_the_retry_delay_grows(settings: Any) -> None:
    with socket.socket() as closed:  # a port that is not listening
        closed.bind(("127.0.0.1", 0))
        settings.EMAIL_DELIVERY_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = closed.getsockname()
        queue("alice", "bob")
        waits = []
        for _round in range(6):
            begin = timezone.now()
            QueuedEmail.objects.filter(to="alice@example.com").update(due=begin - timedelta(days=1))
            assert send_due() == 0
            alice = QueuedEmail.objects.get(to="alice@example.com")
            waits.append(round((alice.due - begin) / timedelta(minutes=1)))
    assert waits == [1, 2, 4, 8, 15, 15]
    assert "Connection refused" in alice.problem
    # Only one email was attempted per round.
    assert waiting()[1] == ("bob@example.com", 0, "")


def test_an_undeliverable_email_is_deleted_after_three_days(server: MailServer) -> None:
    server.refused_names["alice@example.com"] = 450
    queue("alice")
    QueuedEmail.objects.update(created=timezone.now() - timedelta(days=2, hours=23))
    assert send_due() == 0
    assert [row[:2] for row in waiting()] == [("alice@example.com", 1)]
    old = timezone.now() - timedelta(days=3, minutes=1)
    QueuedEmail.objects.update(created=old, due=timezone.now())
    assert send_due() == 0
    assert waiting() == []


def test_all_emails_are_sent_after_an_outage(server: MailServer, settings: Any) -> None:
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    queue("alice", "bob")
    assert send_due() == 0
    settings.EMAIL_PORT = port
    assert send_due() == 1
    QueuedEmail.objects.update(due=timezone.now())
    assert send_due() == 1
    assert {to for to, _text in server.received} == {"alice@example.com", "bob@example.com"}


def test_staff_see_queued_emails_without_their_text(admin_client: Client) -> None:
    send_mail("Hello", "A secret link", None, ["alice@example.com"])
    QueuedEmail.objects.update(problem="450 Greylisted")
    page = admin_client.get("/admin/mail/queuedemail/").content.decode()
    assert all(words in page for words in ("alice@example.com", "450 Greylisted"))
    pk = QueuedEmail.objects.get().pk
    detail = admin_client.get(f"/admin/mail/queuedemail/{pk}/change/").content.decode()
    assert "A secret link" not in page + detail
