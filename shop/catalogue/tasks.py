from __future__ import annotations

from celery import shared_task

from shop.catalogue import search


@shared_task(expires=3600)
def refresh_search_words() -> None:
    search.refresh_search_words()
