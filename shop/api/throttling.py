from __future__ import annotations

from typing import Any

from rest_framework import throttling


class _WholeSeconds:
    def wait(self) -> Any:
        wait = super().wait()  # type: ignore[misc]
        return None if wait is None else max(1, round(wait))


class AnonThrottle(_WholeSeconds, throttling.AnonRateThrottle):
    pass


class UserThrottle(_WholeSeconds, throttling.UserRateThrottle):
    pass


class ScopedThrottle(_WholeSeconds, throttling.ScopedRateThrottle):
    pass
