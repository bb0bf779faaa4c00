"""The web server, wherever the shop runs: ``gunicorn config.wsgi -c python:config.gunicorn``.

For two cores that PostgreSQL shares; ``docs/adr/0010-web-server.md`` says why. An argument
of the command line or in ``GUNICORN_CMD_ARGS`` counts more than what stands here.
"""

from __future__ import annotations

from typing import Any

workers = 2
threads = 8
timeout = 60


def post_worker_init(worker: Any) -> None:
    """Before the first request is taken; not in one of the threads that keep a connection."""
    from django.db import connections

    from config.warming import warm_up

    warm_up(worker.wsgi)
    connections.close_all()
