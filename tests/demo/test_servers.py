"""The embedded servers with real processes that share them, end, and are killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from django.conf import settings

from demo.servers import EmbeddedServers

USER = """
import sys
from pathlib import Path
from demo.servers import EmbeddedServers

EmbeddedServers(Path(sys.argv[1])).use()
print("ready", flush=True)
sys.stdin.read()
"""
DEADLINE_SECONDS = 60


class User:
    """A process that uses the servers until it is told to end."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER, str(folder)],
            cwd=settings.BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def ready(self) -> User:
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
def use(servers: EmbeddedServers) -> Iterator[Callable[..., User]]:
    users: list[User] = []

    def start(folder: Path = servers.folder) -> User:
        users.append(User(folder))
        return users[-1]

    yield start
    for user in users:
        user.kill()


def _remove(servers: EmbeddedServers) -> None:
    servers.stop()
    shutil.rmtree(servers.sockets, ignore_errors=True)
    shutil.rmtree(servers.folder)


def _pids(servers: EmbeddedServers) -> tuple[int, int]:
    """Of the postmaster and of redis-server."""
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


def test_the_last_process_that_ends_stops_both_servers(
    servers: EmbeddedServers, use: Callable[..., User]
) -> None:
    first, second = use(), use()  # at the same moment, where nothing runs
    first.ready()
    second.ready()
    pids = _pids(servers)
    _keep_a_row(servers)
    first.end()
    assert all(_runs(pid) for pid in pids)
    assert _row_is_there(servers)
    assert _redis_works(servers)
    second.end()
    assert _ended(*pids)


def test_a_killed_postmaster_is_replaced_and_its_data_is_there(
    servers: EmbeddedServers, use: Callable[..., User]
) -> None:
    use().ready()
    postmaster, redis_server = _pids(servers)
    _keep_a_row(servers)
    os.kill(postmaster, signal.SIGKILL)
    use().ready()
    assert _row_is_there(servers)
    assert _pids(servers)[0] != postmaster
    assert _pids(servers)[1] == redis_server


def test_a_killed_redis_is_replaced(servers: EmbeddedServers, use: Callable[..., User]) -> None:
    use().ready()
    postmaster, redis_server = _pids(servers)
    os.kill(redis_server, signal.SIGKILL)
    assert _ended(redis_server)
    use().ready()
    assert _redis_works(servers)
    assert _pids(servers)[0] == postmaster
    assert _pids(servers)[1] != redis_server


def test_that_nothing_runs_is_noticed_at_once(tmp_path: Path) -> None:
    started = time.monotonic()
    EmbeddedServers(tmp_path).stop()
    assert time.monotonic() - started < 1.5


def test_after_a_killed_process_the_next_one_finds_the_servers_and_stops_them(
    servers: EmbeddedServers, use: Callable[..., User]
) -> None:
    killed = use().ready()
    pids = _pids(servers)
    _keep_a_row(servers)
    killed.kill()
    assert all(_runs(pid) for pid in pids)
    following = use().ready()
    assert _pids(servers) == pids
    assert _row_is_there(servers)
    following.end()
    assert _ended(*pids)


def test_everything_killed_at_once_starts_again_with_its_data(
    servers: EmbeddedServers, use: Callable[..., User]
) -> None:
    killed = use().ready()
    pids = _pids(servers)
    _keep_a_row(servers)
    killed.kill()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    following = use().ready()
    assert _row_is_there(servers)
    assert _redis_works(servers)
    pids = _pids(servers)
    following.end()
    assert _ended(*pids)


def test_a_half_made_cluster_is_replaced(
    servers: EmbeddedServers, use: Callable[..., User]
) -> None:
    use().ready()
    assert _sql(servers, "SELECT 1") == [(1,)]
    assert not (servers.folder / "postgres.new").exists()


def test_a_long_path_has_its_sockets_in_a_short_folder(
    servers: EmbeddedServers, use: Callable[..., User]
) -> None:
    deep = EmbeddedServers(servers.folder / ("long" * 20) / ("path" * 20))
    other = EmbeddedServers(servers.folder / ("long" * 20) / ("road" * 20))
    assert servers.sockets == servers.folder / "run"
    assert len(bytes(deep.sockets / ".s.PGSQL.5432.lock")) < 107
    assert deep.sockets != other.sockets
    user = use(deep.folder).ready()
    try:
        assert _sql(deep, "SELECT 1") == [(1,)]
        assert _redis_works(deep)
        pids = _pids(deep)
        user.end()
        assert _ended(*pids)
    finally:
        user.kill()
        _remove(deep)
