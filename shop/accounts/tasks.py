from __future__ import annotations

from celery import shared_task
from django.contrib.sessions.backends.db import SessionStore


@shared_task
def clear_sessions() -> None:
    """Delete expired sessions, which Django leaves in the database."""
    SessionStore.clear_expired()
