from __future__ import annotations

from celery import shared_task

from shop.imports.jobs import uploads


@shared_task
def run_upload(pk: int) -> None:
    uploads.run(pk)


@shared_task
def restart_stalled_uploads() -> None:
    uploads.restart_stalled()


@shared_task
def expire_old_uploads() -> None:
    uploads.expire_old()
