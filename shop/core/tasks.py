"""Send Celery tasks by name, so that callers need not import the tasks."""

from __future__ import annotations

import logging
from functools import partial

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

# Seconds after which workers discard a message. A lost message does no harm, because beat enqueues
# pending work again.
EXPIRES: dict[str, int | None] = {
    "recommender.tasks.embed_pending_images": 60,
    "recommender.tasks.embed_query_photo": 60,
    "recommender.tasks.fill_garments": 3600,
    "recommender.tasks.warm_up": 60,
    "shop.imports.tasks.run_upload": None,
    "shop.mail.tasks.send_queued_emails": 60,
}


def enqueue(name: str, *args: object) -> None:
    """Send the task when the current transaction commits, or at once without a transaction."""
    transaction.on_commit(partial(send, name, *args), robust=True)


def send(name: str, *args: object) -> bool:
    """Send the task now; return ``False`` if the broker is unavailable.

    A lost message does no harm, because beat finds pending work in the database.
    """
    try:
        current_app.send_task(name, args, expires=EXPIRES[name])
    except OperationalError as error:
        logger.warning("The broker is unavailable, %s was not sent: %s", name, error)
        return False
    return True
