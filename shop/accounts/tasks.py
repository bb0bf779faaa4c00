from __future__ import annotations

from celery import shared_task
from django.contrib.sessions.backends.db import SessionStore


@shared_task
def clear_sessions() -> None:
    """Those that have expired: Django leaves them where they are."""
    SessionStore.clear_expired()
