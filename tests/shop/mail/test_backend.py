from __future__ import annotations

from email import message_from_string, policy
from email.message import EmailMessage as ParsedMessage
from typing import Any

import pytest
from django.core.mail import BadHeaderError, EmailMessage, get_connection, send_mail
from django.core.management import call_command
from django.db import transaction
from django.test import Client

from config import settings as written
from shop.mail.delivery import send_due
from shop.mail.models import QueuedEmail, StoredMessage
from tests.factories import make_customer
from tests.shop.mail.server import MailServer

pytestmark = pytest.mark.django_db
PASSWORD = "correct-horse-7"


def everything() -> EmailMessage:
    """Build a message that uses every feature of Django's class."""
    message = EmailMessage(
        "Grüße",
        "Schöne Worte.\r\nFrom here on.\n" + "x" * 1200,
        "Our Shöp <shop@example.com>",
        ["Älice <alice@example.com>", "bob@example.com"],
        bcc=["dave@example.com"],
        cc=["carol@example.com"],
        reply_to=["help@example.com"],
        headers={
            "List-Unsubscribe": "<https://shop.example/>",
            "X-Word": "ü",
            "Message-Id": "<1@a.b>",
        },
    )
    message.attach("invoice.pdf", bytes(range(256)), "application/pdf")
    message.attach("forwarded.eml", EmailMessage("In", "Side ä"), "message/rfc822")
    return message


def received(server: MailServer) -> dict[str, ParsedMessage]:
    parse = {to: message_from_string(text, policy=policy.default) for to, text in server.received}
    return parse  # type: ignore[return-value]


def test_the_settings_use_the_queue_backend() -> None:
    assert written.EMAIL_BACKEND == "shop.mail.backends.QueueBackend"
    assert "smtp" in written.EMAIL_DELIVERY_BACKEND or "filebased" in written.EMAIL_DELIVERY_BACKEND


def test_every_recipient_gets_the_message_separately(server: MailServer) -> None:
    assert everything().send() == 1
    assert send_due() == 4
    messages = received(server)
    assert list(messages) == [f"{name}@example.com" for name in ("alice", "bob", "carol", "dave")]
    assert len({str(message) for message in messages.values()}) == 1
    one = messages["dave@example.com"]
    assert one["To"] == "Älice <alice@example.com>, bob@example.com"
    assert (one["Cc"], one["Bcc"]) == ("carol@example.com", None)


def test_no_part_of_the_message_is_lost(server: MailServer) -> None:
    everything().send()
    send_due()
    message = received(server)["alice@example.com"]
    assert (message["Subject"], message["From"]) == ("Grüße", "Our Shöp <shop@example.com>")
    assert (message["Reply-To"], message["X-Word"]) == ("help@example.com", "ü")
    assert message["List-Unsubscribe"] == "<https://shop.example/>"
    assert message.get_all("Message-ID") == ["<1@a.b>"]
    invoice, forwarded = message.iter_attachments()
    assert (invoice.get_filename(), invoice.get_content()) == ("invoice.pdf", bytes(range(256)))
    assert forwarded.get_content()["Subject"] == "In"


def test_the_sent_bytes_equal_those_of_django() -> None:
    message = everything()
    message.extra_headers |= {"Date": "now"}
    mime = message.message()
    mime.set_boundary("b")
    message.message = lambda: mime  # type: ignore[method-assign]
    message.send()
    stored = StoredMessage(QueuedEmail.objects.all()[0]).message()
    assert stored.as_bytes() == mime.as_bytes()
    assert stored.as_bytes(linesep="\r\n") == mime.as_bytes(linesep="\r\n")


def test_the_message_id_names_the_shop_and_not_the_machine(settings: Any) -> None:
    settings.SITE_URL = "https://shop.example:8000/"
    message = EmailMessage("Hello", "Words", to=["alice@example.com"])
    for _time in range(2):
        message.send()
    ids = [StoredMessage(email).message()["Message-ID"] for email in QueuedEmail.objects.all()]
    assert [identifier.endswith("@shop.example>") for identifier in ids] == [True, True]
    assert ids[0] != ids[1]
    assert message.extra_headers == {}


def test_a_multiline_header_is_refused_at_once() -> None:
    with pytest.raises(BadHeaderError):
        send_mail("Two\nlines", "Words", None, ["alice@example.com"])
    assert not QueuedEmail.objects.exists()


def test_messages_are_counted_and_not_recipients() -> None:
    messages = [everything(), EmailMessage("To nobody", "Words"), everything()]
    assert get_connection().send_messages(messages) == 2
    assert QueuedEmail.objects.count() == 8


@pytest.mark.django_db(transaction=True)
def test_an_email_is_queued_in_the_callers_transaction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[tuple[str, int]] = []
    monkeypatch.setattr(
        "shop.core.tasks.send", lambda name: sent.append((name, QueuedEmail.objects.count()))
    )
    with transaction.atomic():
        send_mail("Hello", "Words", None, ["alice@example.com"])
        transaction.set_rollback(True)
    assert (QueuedEmail.objects.count(), sent) == (0, [])
    with transaction.atomic():
        send_mail("Hello", "Words", None, ["alice@example.com"])
        assert sent == []
    assert sent == [("shop.mail.tasks.send_queued_emails", 1)]


@pytest.mark.django_db(transaction=True)
def test_emails_stay_queued_while_redis_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    from kombu.exceptions import OperationalError

    def away(*args: object, **options: object) -> None:
        raise OperationalError

    monkeypatch.setattr("celery.app.base.Celery.send_task", away)
    send_mail("Hello", "Words", None, ["alice@example.com"])
    assert QueuedEmail.objects.get().to == "alice@example.com"


def test_account_emails_are_queued_too(client: Client) -> None:
    make_customer("bob@example.com", PASSWORD)
    new = {"email": "alice@example.com", "password1": PASSWORD, "password2": PASSWORD}
    client.post("/account/signup/", new)
    client.post("/account/password/reset/", {"email": "bob@example.com"})
    addresses = QueuedEmail.objects.order_by("pk").values_list("to", flat=True)
    assert list(addresses) == ["alice@example.com", "bob@example.com"]


def test_djangos_own_emails_are_queued_too() -> None:
    call_command("sendtestemail", "carol@example.com")
    assert QueuedEmail.objects.get().to == "carol@example.com"
