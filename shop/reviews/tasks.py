from __future__ import annotations

from celery import shared_task

from shop.reviews import requests


@shared_task
def ask_for_reviews() -> None:
    requests.ask_for_reviews()
