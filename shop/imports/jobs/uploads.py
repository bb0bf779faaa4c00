"""Create uploads and run their background jobs: check, import, stop, resume, roll back."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import IO, Any, cast

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.base import File
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from shop.core.locks import AdvisoryLock, try_lock
from shop.core.tasks import enqueue
from shop.imports.errors import ImportProblem, UploadStopped
from shop.imports.jobs.files import delete_files, file_names, local_files, opened
from shop.imports.jobs.rollback import NOTHING, change_record, roll_back
from shop.imports.jobs.run import RowMessage, WrittenBatch, import_catalogue
from shop.imports.models import ColumnMapping, Upload, UploadChange, UploadError
from shop.imports.parsing.table import ReadOptions, read_header
from shop.imports.parsing.xlsx_rows import is_workbook
from shop.imports.writing.batch import Changes
from shop.imports.writing.snapshots import take_snapshots

logger = logging.getLogger(__name__)
State = Upload.State
STALLED = timedelta(seconds=90)
# These errors do not mean that the file is bad. ``restart_stalled`` enqueues the job again later,
# when the machine has recovered.
TRANSIENT_ERRORS = (OperationalError, InterfaceError, MemoryError)


def create_upload(table: File[bytes], pictures: File[bytes] | None, by: User) -> Upload:
    """Store the files of an upload and read its header.

    If the header cannot be read, ``ImportProblem`` is raised and nothing is stored.
    """
    upload = Upload(by=by, created=timezone.now(), table_name=_short(table.name))
    upload.pictures_name = _short(pictures.name) if pictures else ""
    try:
        _store_files(upload, table, pictures)
        with opened(upload) as source:
            header = read_header(source)
            upload.dialect, upload.header = header.kind, list(header.header)
            upload.encoding, upload.sample = header.dialect.encoding, header.sample()[:200]
            upload.sheets, upload.sheet = list(header.sheets), header.dialect.sheet
            upload.columns = _saved_columns(upload, by) or list(header.columns)
        upload.state = State.CHECKED
        upload.save()
    except BaseException:
        # The files are deleted even on KeyboardInterrupt: without a row, nothing would ever delete
        # them.
        delete_files(upload)
        raise
    return upload


def _store_files(upload: Upload, table: File[bytes], pictures: File[bytes] | None) -> None:
    head = table.read(4)
    table.seek(0)
    suffix = "csv"
    if head == b"PK\x03\x04":
        suffix = "xlsx" if is_workbook(cast(IO[bytes], table)) else "zip"
    upload.table.save(f"table.{suffix}", table, save=False)
    if pictures:
        upload.pictures.save("pictures.zip", pictures, save=False)


def _short(name: str | None) -> str:
    return (name or "")[-255:]


def _signature(upload: Upload) -> str:
    return hashlib.sha256(json.dumps(upload.header).encode()).hexdigest()


def _saved_columns(upload: Upload, by: User) -> list[str]:
    """Return the fields that this user chose for the columns the last time, for the same header."""
    found = ColumnMapping.objects.filter(user=by, header=_signature(upload)).first()
    return list(found.columns) if found else []


def set_read_options(upload: Upload, read_options: ReadOptions, by: User) -> None:
    """Save the settings for reading the table.

    The columns are proposed for the user's next file with this header. The header is read again if
    the encoding or sheet has changed. If that fails, ``ImportProblem`` is raised and nothing is
    saved.
    """
    if (read_options.encoding, read_options.sheet) != (upload.encoding, upload.sheet):
        with opened(upload) as source:
            table = read_header(source, replace(read_options, columns=()))
            upload.sample, upload.header = table.sample()[:200], list(table.header)
            if read_options.sheet != upload.sheet or len(read_options.columns) != len(table.header):
                read_options = replace(read_options, columns=table.columns)
            upload.dialect = table.kind
    upload.columns, upload.encoding = list(read_options.columns), read_options.encoding
    upload.decimal, upload.sheet = read_options.decimal, read_options.sheet
    upload.category, upload.gender = read_options.category, read_options.gender
    names = ["columns", "encoding", "decimal", "sheet", "category", "gender"]
    upload.save(update_fields=[*names, "sample", "header", "dialect"])
    ColumnMapping.objects.update_or_create(
        user=by, header=_signature(upload), defaults={"columns": upload.columns}
    )


def allow_new_categories(upload: Upload, allowed: bool) -> None:
    """Set whether rows may create categories; if not, rows that need one are rejected."""
    Upload.objects.filter(pk=upload.pk).update(new_categories=allowed)


def start(upload: Upload, state: str, *, from_states: tuple[str, ...]) -> bool:
    """Change the upload to the busy ``state`` and enqueue its job.

    Return ``False`` if the upload is in none of ``from_states``.
    """
    values: dict[str, Any] = {"state": state, "stop": False, "message": ""}
    if state == State.CHECKING or upload.state == State.CHECKED:
        values |= dict.fromkeys(("read", "imported", "updated", "unchanged", "rejected"), 0)
        values["last_line"] = 0
    with transaction.atomic():
        free = Upload.objects.filter(pk=upload.pk, state__in=from_states)
        if not free.update(heartbeat=timezone.now(), **values):
            return False
        if "last_line" in values:
            upload.errors.all().delete()
        enqueue("shop.imports.tasks.run_upload", upload.pk)
    return True


def request_stop(upload: Upload) -> None:
    """Ask the worker of a busy upload to stop after the current batch."""
    Upload.objects.filter(pk=upload.pk, state__in=Upload.BUSY).update(stop=True)


def run(pk: int) -> None:
    """Check, import or roll back the upload, depending on its state.

    If another worker is already doing this, nothing happens.
    """
    with try_lock(AdvisoryLock.UPLOAD_JOB, pk) as locked:
        upload = Upload.objects.filter(pk=pk, state__in=Upload.BUSY).first() if locked else None
        if upload is not None:
            with translation.override(upload.language):
                _run_job(upload)


def _run_job(upload: Upload) -> None:
    try:
        if upload.state == State.ROLLING_BACK:
            roll_back(upload)
        else:
            _import(upload)
    except UploadStopped:
        stopped = State.DONE if upload.state == State.ROLLING_BACK else State.STOPPED
        _finish(upload, State.CHECKED if upload.state == State.CHECKING else stopped)
    except ImportProblem as problem:
        _finish(upload, State.REFUSED, message=str(problem))
    except TRANSIENT_ERRORS:
        raise
    except Exception as error:
        # The job is not retried, because it would fail again; staff read the message on the page of
        # the upload.
        logger.exception("Upload %s failed", upload.pk)
        _fail(upload, error)


def _fail(upload: Upload, error: Exception) -> None:
    next_states = {State.CHECKING: State.REFUSED, State.ROLLING_BACK: State.DONE}
    text = _("It stopped because of an error: %(error)s. Its progress is saved; try again.")
    message = text % {"error": str(error).strip()[:300] or type(error).__name__}
    _finish(upload, next_states.get(State(upload.state), State.STOPPED), message)


def _import(upload: Upload) -> None:
    check = upload.state == State.CHECKING
    if check:
        # A check starts again at the first row, because a worker that died may have left half of
        # the results.
        upload.errors.all().delete()
        upload.last_line = 0
        zeros = dict.fromkeys(("read", "imported", "updated", "unchanged", "rejected"), 0)
        Upload.objects.filter(pk=upload.pk).update(last_line=0, **zeros)
    stored: set[RowMessage] = set()
    with local_files(upload) as (path, images):
        result = import_catalogue(
            path,
            images=images,
            names=file_names(upload, path, images),
            dry_run=check,
            read_options=upload.read_options,
            new_categories=upload.new_categories,
            after_line=upload.last_line,
            after_batch=partial(_after_batch, upload, stored),
            progress=partial(_stop_if_asked, upload),
        )
    rest = [message for message in result.rejections if message not in stored]
    lines = len({message.line for message in rest})
    warnings = [message for message in result.row_warnings if message not in stored]
    with transaction.atomic():
        _store_messages(upload, rest, warnings)
        done = Upload.objects.filter(pk=upload.pk)
        done.update(read=F("read") + lines, rejected=F("rejected") + lines)
        if not upload.rows:
            done.update(rows=F("read"))
        done.update(warnings=result.warnings, dialect=result.dialect)
        _finish(upload, State.CHECKED if check else State.DONE)


def _after_batch(upload: Upload, stored: set[RowMessage], batch: WrittenBatch) -> None:
    """Store the counts, errors and rollback data of a batch, in its transaction."""
    changes = batch.changes

    def due(messages: list[RowMessage]) -> list[RowMessage]:
        return [m for m in messages if m.line <= batch.last_line and m not in stored]

    rejections, warnings = due(batch.result.rejections), due(batch.result.row_warnings)
    stored.update(rejections, warnings)
    accepted = changes.imported + changes.updated + changes.unchanged
    rejected = len({message.line for message in rejections})
    Upload.objects.filter(pk=upload.pk).update(
        rows=batch.total,
        last_line=batch.last_line,
        read=F("read") + accepted + rejected,
        imported=F("imported") + changes.imported,
        updated=F("updated") + changes.updated,
        unchanged=F("unchanged") + changes.unchanged,
        rejected=F("rejected") + rejected,
        heartbeat=timezone.now(),
    )
    upload.rows = batch.total
    _store_messages(upload, rejections, warnings)
    if changes.categories:
        upload.categories += [category.pk for category in changes.categories]
        upload.save(update_fields=["categories"])
    if not batch.result.dry_run:
        _record_changes(upload, changes)


def _record_changes(upload: Upload, changes: Changes) -> None:
    UploadChange.objects.bulk_create(
        UploadChange(
            upload=upload,
            product_id=pk,
            is_new=pk not in changes.before,
            content=change_record(changes.before.get(pk, NOTHING), after),
        )
        for pk, after in take_snapshots(changes.product_ids()).items()
    )


def _stop_if_asked(upload: Upload, *_numbers: int) -> None:
    """Raise ``UploadStopped`` if staff asked for a stop; called after a batch is committed."""
    if Upload.objects.filter(pk=upload.pk, stop=True).exists():
        raise UploadStopped


def _store_messages(
    upload: Upload, rejections: list[RowMessage], warnings: list[RowMessage]
) -> None:
    UploadError.objects.bulk_create(
        UploadError(
            upload=upload,
            line=r.line,
            column=r.column,
            key=r.external_id.replace("\0", "")[:80],
            value=r.value.replace("\0", "")[:80],
            reason=r.reason,
            is_warning=is_warning,
        )
        for is_warning, messages in ((False, rejections), (True, warnings))
        for r in messages
    )


def _finish(upload: Upload, state: str, message: str = "") -> None:
    busy = Upload.objects.filter(pk=upload.pk)
    busy.update(state=state, message=message, stop=False, heartbeat=timezone.now())


def finalise(upload: Upload) -> bool:
    """Make an upload final by deleting its files and its rollback data.

    Return ``False`` if its state does not allow that.
    """
    with transaction.atomic():
        done = Upload.objects.filter(pk=upload.pk, state__in=(State.DONE, State.STOPPED))
        if not done.update(state=State.FINALISED):
            return False
        upload.changes.all().delete()
        transaction.on_commit(partial(delete_files, upload), robust=True)
    return True


def expire_old() -> int:
    """Finalise finished uploads older than ``UPLOAD_LIFETIME_DAYS``; delete unstarted ones.

    Return the number of uploads that were finalised or deleted.
    """
    limit = timezone.now() - timedelta(days=settings.UPLOAD_LIFETIME_DAYS)
    old = Upload.objects.filter(heartbeat__lt=limit)
    finalised = [finalise(upload) for upload in old.filter(state__in=(State.DONE, State.STOPPED))]
    unstarted = list(old.filter(state__in=(State.CHECKED, State.REFUSED)))
    for upload in unstarted:
        delete_files(upload)
        upload.delete()
    return len(finalised) + len(unstarted)


def restart_stalled() -> int:
    """Enqueue the jobs of uploads whose worker died, and return the number of these uploads."""
    limit = timezone.now() - STALLED
    stalled = Upload.objects.filter(state__in=Upload.BUSY, heartbeat__lt=limit)
    for pk in list(stalled.values_list("pk", flat=True)):
        enqueue("shop.imports.tasks.run_upload", pk)
    return len(stalled)
