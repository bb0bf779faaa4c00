"""Configure the web server: ``gunicorn config.wsgi -c python:config.gunicorn``.

The numbers suit two cores shared with PostgreSQL (docs/adr/0010-web-server.md). Arguments on the
command line or in ``GUNICORN_CMD_ARGS`` override them.
"""

from __future__ import annotations

workers = 2
threads = 8
timeout = 60
# Seconds that requests in progress have to finish at shutdown. docker-compose.yml waits longer
# before it kills the process.
graceful_timeout = 30
