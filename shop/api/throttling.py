"""Throttle the API with the shop's atomic rate limiter.

REST framework's own throttles read and write in two steps, so simultaneous calls could exceed a
limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from limits import RateLimitItemPerSecond
from rest_framework import throttling
from rest_framework.request import Request

from shop.core import rate_limit

if TYPE_CHECKING:
    # Imported for type checks only: this import reads the settings, which refer to this module.
    from rest_framework.views import APIView


class _AtomicThrottle(throttling.SimpleRateThrottle):
    num_requests: int
    duration: int

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count the call and return whether it is within the limit, if there is one."""
        if self.rate is None:
            return True
        key = self.get_cache_key(request, view)
        if key is None:
            return True
        self.counter = (RateLimitItemPerSecond(self.num_requests, self.duration), "api", key)
        return rate_limit.hit(*self.counter)

    def wait(self) -> float:
        """Return the seconds after which the next call may succeed."""
        return rate_limit.wait_seconds(*self.counter)

    def get_ident(self, request: Any) -> str:
        """Return the client's address as the shop's other limits do."""
        return rate_limit.client_network(request)


class AnonThrottle(throttling.AnonRateThrottle, _AtomicThrottle):
    pass


class UserThrottle(throttling.UserRateThrottle, _AtomicThrottle):
    pass


class ScopedThrottle(throttling.ScopedRateThrottle, _AtomicThrottle):
    pass
