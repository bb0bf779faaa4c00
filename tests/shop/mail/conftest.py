from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.shop.mail import server as servers


@pytest.fixture(autouse=True)
def _queue(settings: Any) -> None:
    """Use the project's own backend, which Django's test runner replaces by one in memory."""
    settings.EMAIL_BACKEND = "shop.mail.backends.QueueBackend"


@pytest.fixture
def server(settings: Any) -> Iterator[servers.MailServer]:
    """Start a mail server and let queued emails be delivered to it."""
    with servers.running() as made:
        settings.EMAIL_DELIVERY_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", made.port
        settings.EMAIL_USE_TLS, settings.EMAIL_TIMEOUT = False, 5
        yield made
