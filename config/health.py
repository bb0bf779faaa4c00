"""Answer the health checks of load balancers and monitors."""

from __future__ import annotations

import shutil
import time
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis import Redis, RedisError

from backoffice.tasks import heartbeat_key
from config.beat_schedule import QUEUES
from recommender.models import EmbeddingModel, ImageEmbedding
from recommender.search import replica

# A queue is late if its last heartbeat is older than this. Heartbeats are sent every minute and
# wait in their queue like any task; one upload may occupy its worker for an hour.
LATE_SECONDS = dict.fromkeys(QUEUES, 180) | {"uploads": 3600}
MIN_FREE_BYTES = 1024**3


@require_safe
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """Answer 200 as long as the process responds at all."""
    return JsonResponse({"live": True})


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 if PostgreSQL answers, else 503, because every page needs the database."""
    answers = _database_answers()
    return JsonResponse({"database": answers}, status=200 if answers else 503)


@require_safe
@never_cache
def status(request: HttpRequest) -> JsonResponse:
    """Answer 200 and "ok", or 503 and "degraded" if something needs an operator.

    A degraded shop may still serve every page, so this is for monitors, not for load balancers.
    """
    parts: dict[str, Any] = {"database": _database_answers(), "redis": _redis_answers()}
    problems = [name for name, answers in parts.items() if not answers]
    if parts["redis"]:
        parts["queues"] = queues = _queues()
        problems += [f"queue {name}" for name, queue in queues.items() if queue["late"]]
    if parts["database"]:
        parts["embeddings"] = _embeddings()
    parts["disk_free_bytes"] = free = shutil.disk_usage(settings.VAR_DIR).free
    problems += ["disk"] if free < MIN_FREE_BYTES else []
    if replica.configured():
        parts["replica"] = seen = _replica()
        problems += [] if seen["serving"] else ["replica"]
    body = {"status": "degraded" if problems else "ok", "problems": problems} | parts
    return JsonResponse(body, status=503 if problems else 200)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _redis_answers() -> bool:
    try:
        with Redis.from_url(settings.REDIS_URL) as client:
            return bool(client.ping())
    except RedisError:
        return False


def _queues() -> dict[str, dict[str, Any]]:
    """Return how many tasks wait in each queue, and how long ago a worker took a heartbeat.

    No task has waited longer than that (plus the minute between heartbeats), because heartbeats
    wait in the same queue.
    """
    with Redis.from_url(settings.REDIS_URL) as client:
        waiting: dict[str, Any] = {name: client.llen(name) for name in QUEUES}
    beats = cache.get_many([heartbeat_key(name) for name in QUEUES])
    found = {}
    for name in QUEUES:
        beat = beats.get(heartbeat_key(name))
        age = None if beat is None else round(time.time() - beat)
        late = age is None or age > LATE_SECONDS[name]
        found[name] = {"waiting": waiting[name], "heartbeat_age_seconds": age, "late": late}
    return found


def _embeddings() -> dict[str, Any]:
    """Return how many images there are, and how many the active model has embedded."""
    model = EmbeddingModel.objects.active()
    total = model.embeddings.count()
    embedded = model.embeddings.filter(status=ImageEmbedding.Status.EMBEDDED).count()
    coverage = round(embedded / total, 4) if total else 1.0
    return {"model": model.name, "images": total, "embedded": embedded, "coverage": coverage}


def _replica() -> dict[str, Any]:
    """Return the state of the replica. While it does not serve, searches use the primary."""
    seen = replica.monitor.state()
    lag = None if seen.lag is None else round(seen.lag, 3)
    return {"serving": seen.serving, "lag_seconds": lag, "problem": str(seen.problem)}
