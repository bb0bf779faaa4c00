"""A streaming replica of a shop's PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from demo.servers import EmbeddedServers, _give_to_postgres_user


class Standby:
    """Runs a replica that was copied from ``primary``, on its own unix socket."""

    def __init__(self, primary: EmbeddedServers, folder: Path) -> None:
        self.primary = primary
        self.folder = folder
        self.data = folder / "data"
        self.url = f"postgresql://postgres@{quote(str(folder), safe='')}/shop"

    def copy(self) -> None:
        self.folder.mkdir(mode=0o700)
        _give_to_postgres_user(self.folder)
        source = ("-h", str(self.primary.sockets), "-U", "postgres", "-D", str(self.data))
        self.primary._pg("pg_basebackup", *source, "-R", "-X", "stream", "-c", "fast", "--no-sync")

    def start(self) -> None:
        options = f'-c listen_addresses="" -c unix_socket_directories="{self.folder}"'
        options += " -c hot_standby_feedback=on -c shared_buffers=64MB"
        log = str(self.folder / "log")
        deadline = time.monotonic() + 60
        while True:
            # Retried, because children of a killed postmaster hold its memory a moment longer.
            with suppress(subprocess.CalledProcessError):
                where = ("-D", str(self.data), "-l", log)
                self.primary._pg("pg_ctl", *where, "-w", "-o", options, "start")
                return
            assert time.monotonic() < deadline, Path(log).read_text()[-2000:]
            time.sleep(0.2)

    def processes(self) -> list[int]:
        """Return the process ids of the postmaster and its children."""
        postmaster = int((self.data / "postmaster.pid").read_text().split()[0])
        listing = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text()
        return [postmaster, *(int(pid) for pid in listing.split())]

    def signal(self, number: signal.Signals) -> None:
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def stop(self) -> None:
        with suppress(subprocess.CalledProcessError, FileNotFoundError):
            self.primary._pg("pg_ctl", "-D", str(self.data), "-m", "immediate", "stop")

    def sql(self, statement: str) -> Any:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(statement).fetchone()[0]
