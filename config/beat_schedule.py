"""Assign Celery tasks to queues, and define the schedule of Celery beat."""

from __future__ import annotations

from typing import Any

from celery.schedules import crontab

# The queue of short tasks that must not wait: emails, payments, deleting expired rows.
DEFAULT_QUEUE = "shop"
QUEUES = ("search", "catalogue", "uploads", DEFAULT_QUEUE)
ROUTES = {
    # The tasks of photo search have a queue of their own, because a shopper waits for them.
    "recommender.tasks.embed_query_photo": {"queue": "search"},
    "recommender.tasks.embed_missed_query_photos": {"queue": "search"},
    "recommender.tasks.warm_up": {"queue": "search"},
    # Bulk work, split into short tasks.
    "recommender.tasks.embed_pending_images": {"queue": "catalogue"},
    "recommender.tasks.fill_garments": {"queue": "catalogue"},
    "recommender.tasks.repair_embeddings": {"queue": "catalogue"},
    "recommender.tasks.compute_affinities": {"queue": "catalogue"},
    "shop.catalogue.tasks.delete_unused_files": {"queue": "catalogue"},
    # Imports have a queue of their own, whose worker never loads the network.
    "shop.imports.tasks.run_upload": {"queue": "uploads"},
}


def _every(seconds: int, task: str) -> dict[str, Any]:
    return {"task": task, "schedule": seconds, "options": {"expires": max(seconds, 30)}}


def _daily(hour: int, minute: int, task: str) -> dict[str, Any]:
    """Schedule a task by time of day, because an interval would restart with each deployment."""
    schedule = crontab(hour=hour, minute=minute)
    return {"task": task, "schedule": schedule, "options": {"expires": 3600}}


def _heartbeat(queue: str) -> dict[str, Any]:
    options = {"queue": queue, "expires": 3600}
    task = "backoffice.tasks.heartbeat"
    return {"task": task, "schedule": 60, "args": (queue,), "options": options}


CELERY_BEAT_SCHEDULE = {
    **{f"heartbeat-{queue}": _heartbeat(queue) for queue in QUEUES},
    "embed-pending-images": _every(15, "recommender.tasks.embed_pending_images"),
    "embed-missed-query-photos": _every(15, "recommender.tasks.embed_missed_query_photos"),
    "send-queued-emails": _every(60, "shop.mail.tasks.send_queued_emails"),
    "reconcile-payments": _every(120, "shop.payments.tasks.reconcile_payments"),
    "restart-stalled-uploads": _every(60, "shop.imports.tasks.restart_stalled_uploads"),
    "send-stock-alerts": _every(300, "shop.wishlist.tasks.send_stock_alerts"),
    "delete-expired-query-photos": _every(600, "recommender.tasks.delete_expired_query_photos"),
    "fill-garments": _every(3600, "recommender.tasks.fill_garments"),
    "repair-embeddings": _every(3600, "recommender.tasks.repair_embeddings"),
    "cancel-unconfirmed-orders": _every(60, "shop.orders.tasks.cancel_unconfirmed_orders"),
    "ask-for-reviews": _every(3600, "shop.reviews.tasks.ask_for_reviews"),
    "delete-idempotency-records": _every(3600, "shop.api.tasks.delete_idempotency_records"),
    "refresh-search-words": _every(3600, "shop.catalogue.tasks.refresh_search_words"),
    "clear-sessions": _daily(2, 0, "shop.accounts.tasks.clear_sessions"),
    "delete-orphaned-carts": _daily(2, 10, "shop.cart.tasks.delete_orphaned_carts"),
    "delete-old-events": _daily(2, 20, "recommender.tasks.delete_old_events"),
    "expire-old-uploads": _daily(2, 30, "shop.imports.tasks.expire_old_uploads"),
    "delete-unused-files": _daily(2, 35, "shop.catalogue.tasks.delete_unused_files"),
    "compute-affinities": _daily(3, 0, "recommender.tasks.compute_affinities"),
}
