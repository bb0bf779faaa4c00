from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.db import transaction

from config.celery import app
from shop.core import tasks
from shop.core.tasks import EXPIRES, enqueue, send

ROOT = Path(__file__).resolve().parents[3]
NAME = "shop.mail.tasks.send_queued_emails"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    messages: list[tuple[Any, ...]] = []
    monkeypatch.setattr(tasks, "send", lambda *values: messages.append(values))
    return messages


def test_every_task_that_can_be_sent_is_registered() -> None:
    app.loader.import_default_modules()
    assert set(EXPIRES) <= set(app.tasks)


@pytest.mark.django_db(transaction=True)
def test_a_task_is_sent_when_the_transaction_commits(sent: list[tuple[Any, ...]]) -> None:
    with transaction.atomic():
        enqueue(NAME, 7)
        assert sent == []
    assert sent == [(NAME, 7)]


@pytest.mark.django_db(transaction=True)
def test_a_task_is_not_sent_when_the_transaction_is_rolled_back(
    sent: list[tuple[Any, ...]],
) -> None:
    with transaction.atomic():
        enqueue(NAME)
        transaction.set_rollback(True)
    assert sent == []


def test_a_message_expires_as_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(
        type(current_app._get_current_object()),
        "send_task",
        lambda self, name, args, **options: calls.append((name, args, options)),
    )
    assert send(NAME)
    assert calls == [(NAME, (), {"expires": EXPIRES[NAME]})]


def test_a_lost_broker_is_logged_and_not_raised(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.amqp, "_producer_pool", None)
    with app.connection_for_write("redis://127.0.0.1:1") as broken:
        monkeypatch.setattr(type(app), "connection_for_write", lambda self, *a, **k: broken)
        with caplog.at_level(logging.WARNING):
            assert send(NAME) is False
    assert "The broker is unavailable" in caplog.text


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(KeyError):
        send("shop.mail.tasks.send_parcels")
