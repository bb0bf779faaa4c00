"""Two hosts, and a third with the servers; they share URLs and a secret key, but no disk.

As root with ``ip`` and ``unshare`` each host is a network namespace of its own, and the folders of
the others are hidden there. Elsewhere the hosts are folders on 127.0.0.1.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings

from demo.servers import EmbeddedServers, _give_to_postgres_user, _redis_program

FOLDERS = (
    *("backoffice", "config", "demo", "recommender", "shop"),
    *("templates", "locale", "static"),
)
QUEUE = ("-Q", "catalogue", "-c", "1", "--without-gossip", "--without-mingle")
DEADLINE_SECONDS = 240


def can_isolate_hosts() -> bool:
    """Return whether this machine can simulate three."""
    tools = all(shutil.which(name) for name in ("ip", "unshare", "mount"))
    return tools and os.geteuid() == 0 and _runs("ip", "netns", "list")


def _runs(*command: str) -> bool:
    return subprocess.run(command, capture_output=True).returncode == 0


class Servers:
    """Runs PostgreSQL and Redis on TCP, for ``addresses`` only."""

    def __init__(self, folder: Path, addresses: list[str]) -> None:
        self.folder, self.addresses = folder, addresses
        self.listened = list(dict.fromkeys(addresses))
        self.postgres = EmbeddedServers(folder)
        self.postgres_port, self.redis_port = _free_port(), _free_port()
        self._redis: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.postgres.running(redis_server=False):
            pass  # the cluster exists from now on
        with (self.postgres.data / "pg_hba.conf").open("a") as rules:
            rules.writelines(f"host all all {address}/24 trust\n" for address in self.listened)
        listen = f'-c listen_addresses="{",".join(self.listened)}" -c port={self.postgres_port}'
        sockets = f'-c unix_socket_directories="{self.postgres.sockets}"'
        _give_to_postgres_user(self.postgres.sockets)
        where = ("-D", str(self.postgres.data), "-l", str(self.postgres.data / "server.log"))
        self.postgres._pg("pg_ctl", *where, "-w", "-o", f"{listen} {sockets}", "start")
        listen = ("--bind", *self.listened, "--port", str(self.redis_port))
        self._redis = subprocess.Popen(
            [str(_redis_program()), *listen, "--save", "", "--protected-mode", "no"],
            stdout=subprocess.DEVNULL,
        )

    def environment(self, address: str) -> dict[str, str]:
        return {
            "DATABASE_URL": f"postgresql://postgres@{address}:{self.postgres_port}/shop",
            "REDIS_URL": f"redis://{address}:{self.redis_port}/0",
        }

    def sql(self, statement: str) -> Any:
        sockets = f"host={self.postgres.sockets} port={self.postgres_port}"
        url = f"{sockets} user=postgres dbname=shop"
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None

    def stop(self) -> None:
        self.postgres.stop()
        if self._redis:
            self._redis.terminate()
            self._redis.wait(10)


class Host:
    """Simulates host ``number`` from 1; it cannot see the folders ``hidden``."""

    def __init__(self, folder: Path, number: int, servers: Servers, hidden: list[Path]) -> None:
        self.folder, self.name = folder, f"shop-{os.getpid()}-{number}"
        self.server, self.own = f"10.77.{number}.1", f"10.77.{number}.2"
        self.hidden = hidden
        self.processes: list[subprocess.Popen[bytes]] = []
        address = servers.addresses[number - 1]
        self.environment = {
            "PATH": os.environ["PATH"],
            "VAR_DIR": str(folder / "var"),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "EMBED_LEASE_SECONDS": "3",
            "EMBED_BATCH": "16",
            "NETWORK_THREADS": "1",  # a host of one core
            **servers.environment(address),
        }

    def set_up(self, key: str) -> None:
        """Copy code and packages, and create the network."""
        self.environment["SECRET_KEY"] = key
        (self.folder / "var").mkdir(parents=True)
        for name in FOLDERS:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(settings.BASE_DIR / name, self.folder / name, ignore=ignored)
        shutil.copy(settings.BASE_DIR / "manage.py", self.folder)
        (self.folder / ".venv").symlink_to(Path(sys.prefix).resolve())
        caches = [settings.BASE_DIR / "var" / "network-cache", settings.NETWORK_CACHE]
        for cache in filter(Path.exists, caches):  # exporting the network would take ten seconds
            shutil.copytree(cache, self.folder / "var" / "network-cache", dirs_exist_ok=True)

    def connect_network(self) -> None:
        """Connect the host to the servers' machine, in its own network namespace."""
        inside, outside = f"in-{self.name}"[-15:], f"out-{self.name}"[-15:]
        space = ("ip", "netns", "exec", self.name)
        for command in (
            ("ip", "netns", "add", self.name),
            ("ip", "link", "add", outside, "type", "veth", "peer", inside, "netns", self.name),
            ("ip", "addr", "add", f"{self.server}/24", "dev", outside),
            ("ip", "link", "set", outside, "up"),
            (*space, "ip", "addr", "add", f"{self.own}/24", "dev", inside),
            (*space, "ip", "link", "set", inside, "up"),
        ):
            subprocess.run(command, check=True)

    def unplug(self) -> None:
        command = ("ip", "netns", "del", self.name)
        subprocess.run(command, check=False)

    def command(self, *arguments: str) -> list[str]:
        """Start ``python ARGUMENTS`` on this host."""
        python = [str(self.folder / ".venv" / "bin" / "python"), *arguments]
        if not can_isolate_hosts():
            return python
        cover = "".join(f"mount -t tmpfs none '{path}' && " for path in self.hidden)
        script = f'{cover}cd "{self.folder}" && exec "$@"'
        inside = ("unshare", "--mount", "sh", "-c", script, "host", *python)
        return ["ip", "netns", "exec", self.name, *inside]

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def script(self, text: str) -> str:
        return self.run("-c", f"import time\nimport django\ndjango.setup()\n{text}")

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                self.command("-m", "celery", "-A", "config", *arguments),
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def start_worker(self) -> None:
        self.start("worker", *QUEUE, "-n", f"{self.name}@%h")

    def lose(self) -> None:
        """Send SIGKILL to all its processes, like a power failure."""
        while self.processes:
            process = self.processes.pop()
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(DEADLINE_SECONDS)


class Site:
    """Owns the servers and two hosts in a temporary folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        places = [folder / "one", folder / "two"]
        addresses = (
            ["10.77.1.1", "10.77.2.1"] if can_isolate_hosts() else ["127.0.0.1", "127.0.0.1"]
        )
        self.servers = Servers(folder / "servers", addresses)
        self.hosts = []
        for number, place in enumerate(places, 1):
            hidden = [folder / "servers", *(other for other in places if other != place)]
            self.hosts.append(Host(place, number, self.servers, hidden))

    def set_up(self) -> None:
        key = secrets.token_hex(32)
        for host in self.hosts:
            host.set_up(key)
            if can_isolate_hosts():
                host.connect_network()
        self.servers.start()
        self.hosts[0].run("manage.py", "migrate", "--verbosity", "0")

    def tear_down(self) -> None:
        for host in self.hosts:
            host.lose()
            if can_isolate_hosts():
                host.unplug()
        self.servers.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def embeddings(self, condition: str) -> int:
        statement = f"SELECT count(*) FROM recommender_embedding_blue WHERE {condition}"  # noqa: S608
        return int(self.servers.sql(statement))

    def logs(self) -> str:
        found = (host.folder / "log" for host in self.hosts)
        return "".join(log.read_text(errors="replace")[-3000:] for log in found if log.exists())

    def wait_for(self, what: str, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"{what}: not in time\n{self.logs()}"
            time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])
