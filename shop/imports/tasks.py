from __future__ import annotations

from celery import shared_task

from shop.imports.jobs import uploads


@shared_task
def run_upload(pk: int) -> None:
    """Run the pending job of an upload."""
    uploads.run(pk)


@shared_task
def restart_stalled_uploads() -> None:
    """Enqueue the jobs of uploads whose worker died."""
    uploads.restart_stalled()


@shared_task
def expire_old_uploads() -> None:
    """Finalise or delete old uploads."""
    uploads.expire_old()
