"""The web server, wherever the shop runs: ``gunicorn config.wsgi -c python:config.gunicorn``.

For two cores that PostgreSQL shares; ``docs/adr/0010-web-server.md`` says why. An argument
of the command line or in ``GUNICORN_CMD_ARGS`` counts more than what stands here.
"""

from __future__ import annotations

workers = 2
threads = 8
timeout = 60
