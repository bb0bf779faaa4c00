from __future__ import annotations

from celery import shared_task

from shop.catalogue.browsing import spelling
from shop.catalogue.images import unused_files


@shared_task
def refresh_search_words() -> None:
    """Recount the words from which spelling corrections are chosen."""
    spelling.refresh_search_words()


@shared_task(time_limit=1800)
def delete_unused_files() -> None:
    """Delete stored pictures that no row refers to."""
    unused_files.delete_unused()
