"""Send searches to a streaming replica while it is healthy, and to the primary otherwise.

One thread per process checks both servers every second, so that no request waits to find out that
the replica is down. The lag is measured by positions in the write-ahead log (WAL): a lag of n
seconds means that the replica has replayed what the primary had written n seconds ago. A replica
that lost its connection to the primary falls behind by this measure, although it has replayed all
that it received.
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
Result = TypeVar("Result")
CHECK_SECONDS = 1.0
# After a search on the replica fails, no search is sent to it for this time.
COOLDOWN_SECONDS = 5.0
# A state this old means that the check hangs, so the replica counts as down.
STALE_SECONDS = 4.0
# This limit is enforced by the client, because a frozen server does not apply its own
# statement_timeout.
QUERY_TIMEOUT_SECONDS = 2.5
# A check waits at most this long for the replica to replay the newest change, which mostly takes
# milliseconds. Without waiting, even a small lag would be measured as the second since the last
# check.
REPLAY_WAIT_SECONDS = 0.1

PRIMARY_POSITION = """SELECT system_identifier, pg_current_wal_flush_lsn() - '0/0'
FROM pg_control_system()"""
REPLICA_POSITION = """SELECT system_identifier, pg_last_wal_replay_lsn() - '0/0'
FROM pg_control_system() WHERE pg_is_in_recovery()"""


class WrongReplicaError(RuntimeError):
    """Raised when the replica is no standby of our primary, such as after it was promoted."""


@dataclass
class PositionHistory:
    """Holds WAL positions of the primary that the replica has not replayed, with their times."""

    pending: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=3600))
    replayed_at: float | None = None

    def add(self, now: float, written: int) -> None:
        self.pending.append((now, written))

    def lag(self, now: float, replayed: int) -> float | None:
        """Return an upper bound of the replica's lag in seconds, given the position it replayed.

        Returns 0 if the replica has replayed every known position, ``None`` if it has replayed
        none.
        """
        while self.pending and self.pending[0][1] <= replayed:
            self.replayed_at = self.pending.popleft()[0]
        if not self.pending:
            return 0.0
        return None if self.replayed_at is None else now - self.replayed_at


@dataclass(frozen=True)
class State:
    """Holds the result of a check.

    ``lag`` is in seconds, if known. ``problem`` says why the replica is not used; it is empty while
    the replica is used.
    """

    serving: bool = False
    lag: float | None = None
    problem: object = _("not checked yet")
    checked_at: float = float("-inf")


class ReplicaMonitor:
    """Checks the replica in a thread and holds its state for this process."""

    def __init__(self) -> None:
        self._state = State()
        self._positions = PositionHistory()
        self._excluded_until = 0.0
        self._process = 0
        self._lock = threading.Lock()
        self._checked = threading.Event()

    def serving(self) -> bool:
        """Return whether the last check found the replica healthy; do not wait for a check."""
        return self.state(timeout=0).serving

    def state(self, timeout: float = CHECK_SECONDS) -> State:
        """Return the last state, after waiting at most ``timeout`` for the first check."""
        self._start()
        self._checked.wait(timeout)
        state = self._state
        if state.serving and time.monotonic() - state.checked_at > STALE_SECONDS:
            return self._set_state(State(problem=_("does not answer")))
        return state

    def failed(self, error: Exception) -> None:
        """Send no search to the replica for ``COOLDOWN_SECONDS``, because one failed."""
        self._excluded_until = time.monotonic() + COOLDOWN_SECONDS
        self._set_state(State(problem=_first_line(error), checked_at=time.monotonic()))

    def _start(self) -> None:
        """Start the thread once per process, because a fork does not copy its parent's thread."""
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
                self.check()
            except Exception as error:  # the thread must survive, as the replica may recover
                logger.exception("The replica cannot be checked")
                self.failed(error)
            time.sleep(CHECK_SECONDS)

    def check(self) -> State:
        """Compare the positions of both servers and return the new state."""
        try:
            state = self._state_of_lag(self._measure_lag())
        except (Error, WrongReplicaError) as error:
            connections[REPLICA].close()
            state = State(problem=_first_line(error), checked_at=time.monotonic())
        if state.serving and time.monotonic() < self._excluded_until:
            return self._state
        return self._set_state(state)

    def _measure_lag(self) -> float | None:
        primary, written = _position(DEFAULT_DB_ALIAS, PRIMARY_POSITION)
        started = time.monotonic()
        self._positions.add(started, written)
        while True:
            standby, replayed = _position(REPLICA, REPLICA_POSITION)
            if standby != primary:
                raise WrongReplicaError(_("is not a standby of this primary"))
            now = time.monotonic()
            if replayed >= written:
                self._positions.lag(now, replayed)
                return now - started
            if now - started > REPLAY_WAIT_SECONDS:
                return self._positions.lag(now, replayed)
            time.sleep(REPLAY_WAIT_SECONDS / 10)

    def _state_of_lag(self, lag: float | None) -> State:
        now = time.monotonic()
        if lag is not None and lag <= settings.DATABASE_REPLICA_MAX_LAG_SECONDS:
            return State(serving=True, lag=lag, problem="", checked_at=now)
        return State(lag=lag, problem=_("too far behind"), checked_at=now)

    def _set_state(self, state: State) -> State:
        """Store the state, log it if it has changed, and return it."""
        before, self._state = self._state, state
        if state.serving and not before.serving:
            logger.warning("The replica serves the searches, %.3f s behind", state.lag)
        elif not state.serving and (before.serving or not self._checked.is_set()):
            logger.warning("Searches go to the primary; the replica: %s", state.problem)
        self._checked.set()
        return state


monitor = ReplicaMonitor()


def configured() -> bool:
    return REPLICA in settings.DATABASES


def read_with_fallback(search: Callable[[str], list[Result]]) -> list[Result]:
    """Call ``search`` with the name of the connection to search on, and return what it finds.

    The primary is searched if the replica finds nothing, since it may lack recent rows; if the
    replica fails; and within a transaction, whose own changes the search must see. ``search`` reads
    everything from one server, the active model too, so that it never mixes two models.
    """
    if configured() and not connection.in_atomic_block and monitor.serving():
        try:
            with close_after(QUERY_TIMEOUT_SECONDS, REPLICA):
                found = search(REPLICA)
        except Error as error:
            connections[REPLICA].close()
            # If the primary has just vacuumed rows that the search was reading, the replica is
            # healthy nevertheless.
            if not isinstance(error.__cause__, SerializationFailure):
                monitor.failed(error)
        else:
            if found:
                return found
    return search(PRIMARY)


def _position(alias: str, sql: str) -> tuple[int, int]:
    with close_after(QUERY_TIMEOUT_SECONDS, alias), connections[alias].cursor() as cursor:
        cursor.execute(sql)
        row = cursor.fetchone()
    if row is None or row[1] is None:
        raise WrongReplicaError(_("is not a standby of this primary"))
    return row[0], int(row[1])


@contextmanager
def close_after(seconds: float, alias: str) -> Iterator[None]:
    """Close the connection after ``seconds`` in the block, so that its query raises an error.

    The error is ``OperationalError``. Timeouts of PostgreSQL and of TCP do not end a query on a
    server whose processes are frozen, because the server's kernel still acknowledges packets.
    """
    timer = threading.Timer(seconds, _close_socket, [connections[alias]])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _close_socket(wrapper: object) -> None:
    with suppress(Exception):  # the connection may be closed already, or not be open yet
        descriptor = os.dup(wrapper.connection.pgconn.socket)  # type: ignore[attr-defined]
        with socket.socket(fileno=descriptor) as connected:
            connected.shutdown(socket.SHUT_RDWR)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__
