"""Embedded servers with real owner processes that exit or are killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
import redis
from django.conf import settings

from demo.servers import EmbeddedServers

pytestmark = pytest.mark.slow

OWNER = """
import sys
from pathlib import Path
from threading import Event, Thread
from demo.environment import FolderInUseError
from demo.servers import EmbeddedServers

servers = EmbeddedServers(Path(sys.argv[1]))
try:
    servers.start()
except FolderInUseError as error:
    sys.exit(str(error))
stopped = Event()
watch = Thread(target=servers.restart_dead, args=(stopped,))
watch.start()
print("ready", flush=True)
sys.stdin.read()
stopped.set()
watch.join()
servers.stop()
"""
DEADLINE_SECONDS = 60


class Owner:
    """Controls a process that owns the servers and restarts dead ones until it is stopped."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWNER, str(folder)],
            cwd=settings.BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def ready(self) -> Owner:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"
        return self

    def end(self) -> None:
        self.process.communicate(timeout=DEADLINE_SECONDS)
        assert self.process.returncode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=DEADLINE_SECONDS)


@pytest.fixture
def servers() -> Iterator[EmbeddedServers]:
    folder = Path(tempfile.mkdtemp(prefix="shop-", dir="/tmp"))
    servers = EmbeddedServers(folder)
    yield servers
    _remove(servers)


@pytest.fixture
def own(servers: EmbeddedServers) -> Iterator[Callable[..., Owner]]:
    owners: list[Owner] = []

    def start(folder: Path = servers.folder) -> Owner:
        owners.append(Owner(folder))
        return owners[-1]

    yield start
    for owner in owners:
        owner.kill()


def _remove(servers: EmbeddedServers) -> None:
    servers.stop()
    shutil.rmtree(servers.sockets, ignore_errors=True)
    shutil.rmtree(servers.folder)


def _pids(servers: EmbeddedServers) -> tuple[int, int]:
    """Return the process ids of the postmaster and of redis-server."""
    postmaster = (servers.data / "postmaster.pid").read_text().splitlines()[0]
    return int(postmaster), int((servers.redis_data / "pid").read_text())


def _runs(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():  # a zombie has ended
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _ended(*pids: int) -> bool:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while any(_runs(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _sql(servers: EmbeddedServers, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def _keep_a_row(servers: EmbeddedServers) -> None:
    _sql(servers, "DROP TABLE IF EXISTS kept")
    _sql(servers, "CREATE TABLE kept AS SELECT 42 AS answer")


def _row_is_there(servers: EmbeddedServers) -> bool:
    return _sql(servers, "SELECT answer FROM kept") == [(42,)]


def _redis_works(servers: EmbeddedServers) -> bool:
    with redis.Redis.from_url(servers.redis_url) as client:
        return bool(client.set("key", "value")) and client.get("key") == b"value"


def _restarted(servers: EmbeddedServers, old: tuple[int, int]) -> bool:
    """Wait until both servers have new process ids."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError, ValueError, IndexError):
            new = _pids(servers)
            if not set(new) & set(old) and all(_runs(pid) for pid in new):
                return True
        time.sleep(0.1)
    return False


def _wait_for_a_row(servers: EmbeddedServers) -> bool:
    """Return whether the row exists once the recovering server accepts connections."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        with suppress(psycopg.OperationalError):
            return _row_is_there(servers)
        time.sleep(0.1)
    return False


def test_the_servers_stop_when_their_owner_ends(
    servers: EmbeddedServers, own: Callable[..., Owner]
) -> None:
    owner = own().ready()
    pids = _pids(servers)
    assert all(_runs(pid) for pid in pids)
    owner.end()
    assert _ended(*pids)


def test_a_second_owner_is_refused(servers: EmbeddedServers, own: Callable[..., Owner]) -> None:
    own().ready()
    _stdout, error = own().process.communicate(timeout=DEADLINE_SECONDS)
    assert error.decode() == f"The servers in {servers.folder} belong to another process.\n"
    assert _redis_works(servers)


def test_killed_servers_are_restarted_with_their_data(
    servers: EmbeddedServers, own: Callable[..., Owner]
) -> None:
    own().ready()
    pids = _pids(servers)
    _keep_a_row(servers)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    assert _restarted(servers, pids)
    assert _wait_for_a_row(servers)
    assert _redis_works(servers)


def test_missing_servers_are_noticed_at_once(tmp_path: Path) -> None:
    started = time.monotonic()
    EmbeddedServers(tmp_path).stop()
    assert time.monotonic() - started < 1.5


def test_the_next_owner_after_a_kill_adopts_and_stops_the_servers(
    servers: EmbeddedServers, own: Callable[..., Owner]
) -> None:
    killed = own().ready()
    pids = _pids(servers)
    _keep_a_row(servers)
    killed.kill()
    assert all(_runs(pid) for pid in pids)
    following = own().ready()
    assert _pids(servers) == pids
    assert _row_is_there(servers)
    following.end()
    assert _ended(*pids)


def test_everything_killed_at_once_starts_again_with_its_data(
    servers: EmbeddedServers, own: Callable[..., Owner]
) -> None:
    killed = own().ready()
    pids = _pids(servers)
    _keep_a_row(servers)
    killed.kill()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    own().ready()
    assert _row_is_there(servers)
    assert _redis_works(servers)


def test_an_incomplete_cluster_is_replaced(
    servers: EmbeddedServers, own: Callable[..., Owner]
) -> None:
    (servers.folder / "postgres.new" / "base").mkdir(parents=True)
    own().ready()
    assert _sql(servers, "SELECT 1") == [(1,)]
    assert not (servers.folder / "postgres.new").exists()


def test_a_new_cluster_has_a_utf8_locale(
    servers: EmbeddedServers, own: Callable[..., Owner]
) -> None:
    own().ready()
    assert _sql(servers, "SELECT upper('straße café'), lower('ÄÖÜ')") == [("STRAßE CAFÉ", "äöü")]


def test_a_long_path_puts_its_sockets_into_a_short_folder(
    servers: EmbeddedServers, own: Callable[..., Owner]
) -> None:
    deep = EmbeddedServers(servers.folder / ("long" * 20) / ("path" * 20))
    other = EmbeddedServers(servers.folder / ("long" * 20) / ("road" * 20))
    assert servers.sockets == servers.folder / "run"
    assert len(bytes(deep.sockets / ".s.PGSQL.5432.lock")) < 107
    assert deep.sockets != other.sockets
    owner = own(deep.folder).ready()
    try:
        assert _sql(deep, "SELECT 1") == [(1,)]
        assert _redis_works(deep)
        pids = _pids(deep)
        owner.end()
        assert _ended(*pids)
    finally:
        owner.kill()
        _remove(deep)
