"""Answer the health checks of monitors."""

from __future__ import annotations

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis import Redis, RedisError

from recommender.search import replica


@require_safe
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """Answer as long as the process does."""
    return JsonResponse({"live": True})


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 if PostgreSQL and Redis answer, else 503.

    The state of a replica is told and changes nothing, because the primary can do its work.
    """
    state = {"database": _database_answers(), "redis": _redis_answers()}
    status = 200 if all(state.values()) else 503
    if not replica.configured():
        return JsonResponse(state, status=status)
    seen = replica.watch.state()
    lag = None if seen.lag is None else round(seen.lag, 3)
    told = {"serving": seen.serving, "lag_seconds": lag, "problem": str(seen.problem)}
    return JsonResponse(state | {"replica": told}, status=status)


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
