"""The whole shop on this machine: services, catalogue, web, four workers and beat."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from threading import Thread
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from honcho.manager import Manager

from recommender.models import EmbeddingModel
from recommender.pending import pending
from shop.catalogue.models import Product
from shop.core.tasks import send

STAFF = "staff"
STARTUP_SECONDS = 300
# Bulk work yields to who is waiting (bench/photo.py has the figures). Where the kernel groups
# processes by session it weighs the groups, and `nice` alone changes nothing.
BULK = ("catalogue", "uploads")
YIELDING = "echo 10 2>/dev/null >/proc/self/autogroup; exec nice -n 10"


class Command(BaseCommand):
    help = "Runs the shop with a drawn catalogue; Ctrl-C stops everything."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))

    def handle(self, *args: Any, **options: Any) -> None:
        _check_port(options["port"])
        call_command("migrate", verbosity=0)
        call_command("collectstatic", verbosity=0, interactive=False)
        password = _staff_password(settings.VAR_DIR / "staff-password")
        _load_demo_catalogue(settings.VAR_DIR / "demo-catalogue")
        manager = Manager()
        for name, command in _processes(options["port"]).items():
            manager.add_process(name, command, quiet=True, env={**os.environ})
        watcher = Thread(target=self._announce, args=(manager, options["port"], password))
        watcher.daemon = True
        watcher.start()
        manager.loop()
        if manager.returncode not in (0, 130, -2, -15, None):
            raise CommandError(f"A process ended early; its log is in {settings.VAR_DIR / 'log'}.")

    def _announce(self, manager: Manager, port: int, password: str) -> None:
        """Wait until all is searchable, then say where it is."""
        try:
            self._wait_until_searchable()
        except TimeoutError as error:
            self.stderr.write(str(error))
            manager.terminate()
            return
        self.stdout.write(
            f"\n  The shop       http://127.0.0.1:{port}/\n"
            f"  Staff          http://127.0.0.1:{port}/admin/\n"
            f"  Staff login    {STAFF}  {password}\n\n"
            "  Ctrl-C stops everything.\n"
        )
        self.stdout.flush()

    def _wait_until_searchable(self) -> None:
        from django.db import connection

        model = EmbeddingModel.objects.active()
        deadline = time.monotonic() + STARTUP_SECONDS
        send("recommender.tasks.embed_pending_images")
        while left := pending(model).count():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{left} pictures are still waiting; see {settings.VAR_DIR}/log")
            self.stdout.write(f"\r  looking at {left} pictures … ", ending="")
            self.stdout.flush()
            time.sleep(0.5)
        connection.close()


def _check_port(port: int) -> None:
    """Before minutes of work, not after."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CommandError(
                f"Port {port} cannot be used ({error.strerror}). Try PORT=8001 make demo"
            ) from error


def _load_demo_catalogue(folder: Path) -> None:
    """Into an empty shop; the folder is there until all of it is loaded, so a kill is made good."""
    if Product.objects.exists() and not folder.exists():
        return
    call_command("make_demo_catalogue", str(folder))
    call_command("import_catalogue", str(folder))
    shutil.rmtree(folder)


def _staff_password(file: Path) -> str:
    """Of the staff account, made once and kept where only its owner can read it."""
    user_model = get_user_model()
    if file.exists() and user_model.objects.filter(username=STAFF).exists():
        return file.read_text()
    password = secrets.token_urlsafe(9)
    file.touch(mode=0o600)
    file.write_text(password)
    user, _created = user_model.objects.get_or_create(
        username=STAFF, defaults={"is_staff": True, "is_superuser": True}
    )
    user.set_password(password)
    user.save()
    return password


def _processes(port: int) -> dict[str, str]:
    """Name and shell command; each writes its own log."""
    log = settings.VAR_DIR / "log"
    log.mkdir(exist_ok=True)
    python = f"{sys.executable} -W ignore::RuntimeWarning -m"
    worker = f"{python} celery -A config worker --concurrency 1 --without-gossip --without-mingle"
    commands = {
        "web": f"{python} gunicorn config.wsgi -c python:config.gunicorn --bind 127.0.0.1:{port}",
        "search": f"{worker} -Q search -n search@%h",
        "catalogue": f"{worker} -Q catalogue -n catalogue@%h",
        "uploads": f"{worker} -Q uploads -n uploads@%h",
        "shop": f"{worker} -Q shop -n shop@%h",
        "beat": f"{python} celery -A config beat",
    }
    return {
        name: f"{YIELDING if name in BULK else 'exec'} {command} > {log}/{name}.log 2>&1"
        for name, command in commands.items()
    }
