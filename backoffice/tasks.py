"""Define the task that sends heartbeats, which show monitors that workers are alive."""

from __future__ import annotations

import time

from celery import shared_task
from django.core.cache import cache


@shared_task
def heartbeat(queue: str) -> None:
    """Store the time at which a worker of the queue executed this task."""
    cache.set(heartbeat_key(queue), time.time(), timeout=None)


def heartbeat_key(queue: str) -> str:
    return f"heartbeat:{queue}"
