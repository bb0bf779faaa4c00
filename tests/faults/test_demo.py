"""``python -m demo``: it announces itself, survives killed servers, and stops with Ctrl-C."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import pytest
from django.conf import settings

from demo.servers import EmbeddedServers
from tests.faults.shop import SET_UP

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
DEADLINE_SECONDS = 120
# A shop that has products, so that the demo does not draw its own.
FILL = """
from tests.factories import make_product, make_stored_image
make_stored_image(make_product(name="Blue shirt"))
"""


class Demo:
    def __init__(self, folder: Path, port: int) -> None:
        self.servers = EmbeddedServers(folder)
        self.url = f"http://127.0.0.1:{port}/"
        self.command = [sys.executable, "-m", "demo", "--port", str(port)]
        unset = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY"}
        self.environment = {k: v for k, v in os.environ.items() if k not in unset}
        self.environment["VAR_DIR"] = str(folder)
        self.log = folder / "demo-output"
        self.process: subprocess.Popen[bytes] | None = None

    def fill(self) -> None:
        with self.servers.running():
            environment = self.environment | self.servers.environment
            environment["DJANGO_SETTINGS_MODULE"] = "config.settings"
            for command in (["manage.py", "migrate", "-v0"], ["-c", SET_UP + FILL]):
                subprocess.run(
                    [sys.executable, *command], cwd=settings.BASE_DIR, env=environment, check=True
                )

    def start(self) -> None:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command, cwd=settings.BASE_DIR, env=self.environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def run_again(self) -> subprocess.CompletedProcess[str]:
        """Run a start that is to be refused."""
        return subprocess.run(
            self.command, cwd=settings.BASE_DIR, env=self.environment, capture_output=True,
            text=True,
        )  # fmt: skip

    def output(self) -> str:
        return self.log.read_text()

    def answers(self) -> bool:
        with suppress(OSError), urlopen(f"{self.url}products/", timeout=5) as page:  # noqa: S310
            return page.status == 200 and b"Blue shirt" in page.read()
        return False


def wait_for(what: str, condition: Callable[[], bool], demo: Demo) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not in time\n{demo.output()}"
        time.sleep(0.2)


@pytest.fixture
def demo() -> Iterator[Demo]:
    folder = Path(tempfile.mkdtemp(prefix="demo-", dir="/tmp"))
    folder.chmod(0o755)
    cache = settings.BASE_DIR / "var" / "network-cache"
    if cache.exists():  # exporting the network would take ten seconds
        shutil.copytree(cache, folder / "network-cache")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    demo = Demo(folder, port)
    demo.fill()
    yield demo
    if demo.process and demo.process.poll() is None:
        os.killpg(demo.process.pid, signal.SIGKILL)
        demo.process.wait(DEADLINE_SECONDS)
    demo.servers.stop()
    shutil.rmtree(folder)


def test_the_demo_prints_its_url_survives_killed_servers_and_stops(demo: Demo) -> None:
    demo.start()
    wait_for("the address", lambda: "Ctrl-C stops everything." in demo.output(), demo)
    assert demo.url in demo.output()
    assert demo.answers()
    wait_for("embedded", lambda: "All 1 pictures are searchable." in demo.output(), demo)

    second = demo.run_again()
    assert second.returncode == 1
    folder = demo.servers.folder
    assert second.stderr.strip() == f"A demo is running in {folder} already: {demo.url}"

    for pid_file in (demo.servers.data / "postmaster.pid", demo.servers.redis_data / "pid"):
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)
        wait_for(f"the shop after {pid_file} was killed", demo.answers, demo)

    assert demo.process is not None
    assert demo.process.poll() is None, demo.output()
    os.killpg(demo.process.pid, signal.SIGINT)  # as a terminal does for Ctrl-C
    assert demo.process.wait(DEADLINE_SECONDS) == 0
    assert not (demo.servers.sockets / ".s.PGSQL.5432").exists()
    assert not (folder / "demo.env").exists()


def test_a_used_port_is_reported_before_anything_starts(demo: Demo) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(demo.command[-1])))
        taken.listen()
        done = subprocess.run(
            demo.command,
            cwd=settings.BASE_DIR,
            env=demo.environment,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 1
    assert f"Port {demo.command[-1]} cannot be used" in done.stderr
    assert "PORT=8001 make demo" in done.stderr
