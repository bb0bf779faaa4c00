from __future__ import annotations

from celery.schedules import crontab

from config.beat_schedule import CELERY_BEAT_SCHEDULE, ROUTES
from config.celery import app


def test_every_scheduled_and_routed_task_exists() -> None:
    app.loader.import_default_modules()
    assert {entry["task"] for entry in CELERY_BEAT_SCHEDULE.values()} | set(ROUTES) <= set(
        app.tasks
    )


def test_daily_tasks_run_by_time_of_day() -> None:
    """Beat counts intervals from its start, so a daily deployment would reset them."""
    schedules = {name: entry["schedule"] for name, entry in CELERY_BEAT_SCHEDULE.items()}
    by_clock = {name for name, when in schedules.items() if isinstance(when, crontab)}
    assert by_clock == {
        *("clear-sessions", "delete-orphaned-carts", "delete-old-events", "expire-old-uploads"),
        *("compute-affinities", "delete-unused-files"),
    }
    assert max(schedules[name] for name in schedules.keys() - by_clock) == 3600


def test_interactive_tasks_share_no_queue_with_bulk_work() -> None:
    assert app.conf.task_default_queue == "shop"
    bulk = {name for name, route in ROUTES.items() if route["queue"] == "catalogue"}
    assert {name.rsplit(".", 1)[1] for name in bulk} == {
        *("embed_pending_images", "repair_embeddings", "fill_garments", "compute_affinities"),
        "delete_unused_files",
    }
