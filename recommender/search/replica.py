"""Whether the streaming replica may answer searches: it lives, follows our primary, and closely.

One thread a process asks both servers every second, so that no shopper waits to find out that the
replica is dead. The lag is measured by positions in the write-ahead log, not by clocks: what the
primary had written n seconds ago, the replica has by now. A replica that lost its primary falls
behind by this measure, although it has applied all that it ever received.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, Error, close_old_connections, connection, connections
from django.utils.translation import gettext_lazy as _
from psycopg.errors import SerializationFailure

logger = logging.getLogger(__name__)
PRIMARY, REPLICA = DEFAULT_DB_ALIAS, "replica"
Found = TypeVar("Found")
CHECK_SECONDS = 1.0
# After a search failed there; longer than the shortest outage, shorter than anybody's patience.
REST_SECONDS = 5.0
# A check that hangs is an answer too.
STALE_SECONDS = 4.0
# For one search; then we hang up: a frozen server keeps not even its own statement_timeout.
PATIENCE_SECONDS = 2.5
# Changes arrive within milliseconds; the wait tells the lag of a busy replica from one second.
ARRIVAL_SECONDS = 0.1

PRIMARY_POSITION = """SELECT system_identifier, pg_current_wal_flush_lsn() - '0/0'
FROM pg_control_system()"""
REPLICA_POSITION = """SELECT system_identifier, pg_last_wal_replay_lsn() - '0/0'
FROM pg_control_system() WHERE pg_is_in_recovery()"""


class NotOurReplicaError(RuntimeError):
    """What answers is no standby of our primary: it was promoted, or is another's."""


@dataclass
class Positions:
    """Where the primary was, and when (seconds of one clock)."""

    ahead: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=3600))
    passed: float | None = None

    def note(self, now: float, written: int) -> None:
        self.ahead.append((now, written))

    def lag(self, now: float, applied: int) -> float | None:
        """Seconds, at most; 0 when everything noted is there, ``None`` while nothing is."""
        while self.ahead and self.ahead[0][1] <= applied:
            self.passed = self.ahead.popleft()[0]
        if not self.ahead:
            return 0.0
        return None if self.passed is None else now - self.passed


@dataclass(frozen=True)
class State:
    """``problem``: why the replica is not used; empty when it is. ``lag`` in seconds, if known."""

    serving: bool = False
    lag: float | None = None
    problem: object = _("not measured yet")
    measured: float = float("-inf")


class Watch:
    """What this process knows about the replica."""

    def __init__(self) -> None:
        self._state = State()
        self._positions = Positions()
        self._rests_until = 0.0
        self._process = 0
        self._lock = threading.Lock()
        self._measured = threading.Event()

    def serving(self) -> bool:
        """At once, by the last check."""
        return self.state(patience=0).serving

    def state(self, patience: float = CHECK_SECONDS) -> State:
        """Waits for the first check only."""
        self._start()
        self._measured.wait(patience)
        state = self._state
        if state.serving and time.monotonic() - state.measured > STALE_SECONDS:
            return self._become(State(problem=_("does not answer")))
        return state

    def failed(self, error: Exception) -> None:
        """A search failed there: no other is sent for a few seconds."""
        self._rests_until = time.monotonic() + REST_SECONDS
        self._become(State(problem=_first_line(error), measured=time.monotonic()))

    def _start(self) -> None:
        """A thread of its own in each process; a fork leaves its parent's behind."""
        if self._process == os.getpid():
            return
        with self._lock:
            if self._process != os.getpid():
                self._process = os.getpid()
                threading.Thread(target=self._run, name="replica", daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                close_old_connections()
                self.look()
            except Exception as error:  # whatever it is, tomorrow the replica may be well
                logger.exception("The replica cannot be watched")
                self.failed(error)
            time.sleep(CHECK_SECONDS)

    def look(self) -> State:
        """Ask both servers."""
        try:
            state = self._judge(self._measure())
        except (Error, NotOurReplicaError) as error:
            connections[REPLICA].close()
            state = State(problem=_first_line(error), measured=time.monotonic())
        if state.serving and time.monotonic() < self._rests_until:
            return self._state
        return self._become(state)

    def _measure(self) -> float | None:
        owner, written = _ask(DEFAULT_DB_ALIAS, PRIMARY_POSITION)
        began = time.monotonic()
        self._positions.note(began, written)
        while True:
            follower, applied = _ask(REPLICA, REPLICA_POSITION)
            if follower != owner:
                raise NotOurReplicaError(_("is not a standby of this primary"))
            now = time.monotonic()
            if applied >= written:
                self._positions.lag(now, applied)
                return now - began
            if now - began > ARRIVAL_SECONDS:
                return self._positions.lag(now, applied)
            time.sleep(ARRIVAL_SECONDS / 10)

    def _judge(self, lag: float | None) -> State:
        now = time.monotonic()
        if lag is not None and lag <= settings.DATABASE_REPLICA_MAX_LAG_SECONDS:
            return State(serving=True, lag=lag, problem="", measured=now)
        return State(lag=lag, problem=_("too far behind"), measured=now)

    def _become(self, state: State) -> State:
        before, self._state = self._state, state
        if state.serving and not before.serving:
            logger.warning("The replica serves the searches, %.3f s behind", state.lag)
        elif not state.serving and (before.serving or not self._measured.is_set()):
            logger.warning("Searches go to the primary; the replica: %s", state.problem)
        self._measured.set()
        return state


watch = Watch()


def configured() -> bool:
    return REPLICA in settings.DATABASES


def read_with_fallback(search: Callable[[str], list[Found]]) -> list[Found]:
    """Return what ``search`` finds, called with the name of the connection to search on.

    The primary is asked if the replica finds nothing, as news may not have arrived there, if it
    fails, and within a transaction, whose own changes the search must see. Either server is asked
    for all of it, the active model too, so that a lagging replica never mixes two models.
    """
    if configured() and not connection.in_atomic_block and watch.serving():
        try:
            with hung_up_after(PATIENCE_SECONDS, REPLICA):
                found = search(REPLICA)
        except Error as error:
            connections[REPLICA].close()
            # Rows that it read were cleaned up on the primary: bad luck, no reason to rest.
            if not isinstance(error.__cause__, SerializationFailure):
                watch.failed(error)
        else:
            if found:
                return found
    return search(PRIMARY)


def _ask(alias: str, sql: str) -> tuple[int, int]:
    with hung_up_after(PATIENCE_SECONDS, alias), connections[alias].cursor() as cursor:
        cursor.execute(sql)
        row = cursor.fetchone()
    if row is None or row[1] is None:
        raise NotOurReplicaError(_("is not a standby of this primary"))
    return row[0], int(row[1])


@contextmanager
def hung_up_after(seconds: float, alias: str) -> Iterator[None]:
    """End what this thread waits for on that connection; it raises ``OperationalError`` then.

    Neither the server's timeouts nor TCP's help when the server is frozen and its kernel is not.
    """
    timer = threading.Timer(seconds, _hang_up, [connections[alias]])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _hang_up(wrapper: object) -> None:
    with suppress(Exception):  # it may be gone, or only half there
        descriptor = os.dup(wrapper.connection.pgconn.socket)  # type: ignore[attr-defined]
        with socket.socket(fileno=descriptor) as line:
            line.shutdown(socket.SHUT_RDWR)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__
