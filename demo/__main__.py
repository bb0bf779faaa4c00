"""Run the complete shop on this machine: ``python -m demo``; Ctrl-C stops everything."""

from __future__ import annotations

import os
import signal
import socket
import sys
from argparse import ArgumentParser
from pathlib import Path
from threading import Event, Thread

from environs import Env

from demo.environment import FolderInUseError, published, running_demo
from demo.servers import EmbeddedServerError, EmbeddedServers

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Start the servers, give their addresses to Django, and run the shop."""
    parser = ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
    port = parser.parse_args().port
    signal.signal(signal.SIGTERM, lambda *_signal: sys.exit(143))
    env = Env()
    env.read_env(str(ROOT / ".env"), recurse=False)
    folder = Path(env.str("VAR_DIR", str(ROOT / "var"))).resolve()
    try:
        _run(folder, port, env)
    except FolderInUseError as error:
        address = running_demo(folder).get("DEMO_URL", "")
        sys.exit(f"A demo is running in {folder} already: {address}" if address else str(error))
    except EmbeddedServerError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _run(folder: Path, port: int, env: Env) -> None:
    servers = EmbeddedServers(folder)
    given = {name: env.str(name, "") for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY")}
    with servers.running(postgres=not given["DATABASE_URL"], redis_server=not given["REDIS_URL"]):
        # The port is checked after the folder is locked, so that a demo that already runs is
        # reported instead of its busy port.
        _check_port(port)
        variables = servers.environment | {name: value for name, value in given.items() if value}
        variables["DEMO_URL"] = f"http://127.0.0.1:{port}/"
        os.environ |= variables | {"DJANGO_SETTINGS_MODULE": "config.settings"}
        # Static files are not compressed, because brotli would add 33 s to the first start.
        os.environ.setdefault(
            "STATICFILES_STORAGE",
            "django.contrib.staticfiles.storage.ManifestStaticFilesStorage",
        )
        stopped = Event()
        watch = Thread(target=servers.restart_dead, args=(stopped,), daemon=True)
        watch.start()
        try:
            with published(folder, variables):
                _run_shop(folder, variables["DEMO_URL"], port)
        finally:
            stopped.set()
            watch.join()


def _run_shop(folder: Path, url: str, port: int) -> None:
    """Set up Django, fill the database and run the shop's processes.

    The modules are imported here, because Django's settings need the addresses of the servers.
    """
    import django

    django.setup()

    from demo.shop import ProcessEndedError, prepare, run

    password = prepare(folder)
    try:
        run(folder, url, port, password)
    except ProcessEndedError as error:
        sys.exit(str(error))


def _check_port(port: int) -> None:
    """Exit if the port is in use; otherwise the demo would fail only after minutes of work."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            sys.exit(f"Port {port} cannot be used ({error.strerror}). Try PORT=8001 make demo")


if __name__ == "__main__":
    main()
