from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from shop.mail.models import QueuedEmail, StoredMessage

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def migrate(name: str) -> Any:
    """Migrate the app to the migration; return the models of that time."""
    executor = MigrationExecutor(connection)
    executor.migrate([("mail", name)])
    return executor.loader.project_state([("mail", name)]).apps


def test_emails_queued_before_an_upgrade_are_sent_afterwards() -> None:
    old = migrate("0001_initial").get_model("mail", "Mail")
    values = {"subject": "Two\nlines", "text": "Wörds", "html": "<p>ä</p>"}
    pk = old.objects.create(to="alice@example.com", attempts=2, **values).pk
    migrate("0003_queuedemail_message")
    email = QueuedEmail.objects.get()
    assert (email.pk, email.to, email.attempts) == (pk, "alice@example.com", 2)
    message = StoredMessage(email).message()
    assert (message["Subject"], message["From"]) == ("Two lines", "shop@localhost")
    text, html = (part.get_payload(decode=True).decode() for part in message.get_payload())
    assert (text, html) == ("Wörds", "<p>ä</p>")


def test_permissions_to_view_emails_survive_the_upgrade() -> None:
    group = Group.objects.create(name="Post room")
    group.permissions.add(Permission.objects.get(codename="view_queuedemail"))
    migrate("0001_initial")
    assert [row.codename for row in group.permissions.all()] == ["view_mail"]
    migrate("0003_queuedemail_message")
    assert [row.codename for row in group.permissions.all()] == ["view_queuedemail"]
