#!/usr/bin/env python
"""Run Django's commands."""

from __future__ import annotations

import os
import sys

NO_DATABASE = 'There is no database. Start the demo ("make demo"), or set DATABASE_URL.'


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.conf import settings
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        execute_from_command_line(sys.argv)
    except OperationalError:
        if settings.DATABASE_URL:
            raise
        sys.exit(NO_DATABASE)


if __name__ == "__main__":
    main()
