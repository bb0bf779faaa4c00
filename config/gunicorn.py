"""``gunicorn config.wsgi -c python:config.gunicorn``: the web server, wherever the shop runs."""

from __future__ import annotations

import os

workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "4"))
