"""Define the views with which staff upload catalogues; ``shop.imports.admin`` has their URLs."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shop.imports.errors import ImportProblem
from shop.imports.export import export_lines, write_workbook
from shop.imports.forms import ReadOptionsForm, UploadForm
from shop.imports.jobs import uploads
from shop.imports.jobs.files import opened
from shop.imports.models import Upload
from shop.imports.parsing.formulas import escape_formula
from shop.imports.parsing.table import read_header
from shop.imports.sample_file import SAMPLE

State = Upload.State
ERRORS_PER_PAGE = 50
PREVIEW_ROWS = 8
UPLOAD_PERMISSIONS = ("imports.add_upload", "catalogue.add_product", "catalogue.change_product")
View = Callable[..., HttpResponseBase]


def _staff(*permissions: str) -> Callable[[View], View]:
    """Respond with status 403 to users who lack one of the permissions."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.has_perms(permissions):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return guarded_view

    return decorate


def _render(request: HttpRequest, name: str, status: int = 200, **context: Any) -> HttpResponse:
    context = admin.site.each_context(request) | context
    return render(request, f"admin/imports/{name}.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@_staff(*UPLOAD_PERMISSIONS)
def new(request: HttpRequest) -> HttpResponse:
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            upload = uploads.create_upload(values["table"], values["pictures"], _user(request))
        except ImportProblem as problem:
            form.add_error(None, str(problem))
        else:
            return redirect(upload)
    status = 422 if form.errors else 200
    return _render(request, "new", status, form=form, title=_("Import a catalogue"))


@require_safe
@_staff("imports.view_upload")
def page(request: HttpRequest, pk: int) -> HttpResponse:
    upload = get_object_or_404(Upload, pk=pk)
    errors = Paginator(upload.errors.all(), ERRORS_PER_PAGE).get_page(request.GET.get("page"))
    waits = upload.state in (State.CHECKED, State.REFUSED)
    checked = upload.read > 0 or upload.rows > 0
    form, preview = (ReadOptionsForm(upload), _preview(upload)) if waits else (None, [])
    context: dict[str, Any] = {
        "upload": upload,
        "title": _("Upload of %(name)s") % {"name": upload.table_name},
        "step": 2 if waits or upload.state == State.CHECKING else 3,
        "next_step": _next_step(upload, checked),
        "form": form,
        "columns": _with_examples(form, preview) if form else [],
        "checked": checked,
        "importable": upload.changed if upload.state == State.CHECKED else 0,
        "preview": preview,
        "errors": errors,
        "may_change": request.user.has_perms(UPLOAD_PERMISSIONS),
    }
    return _render(request, "page", **context)


def _next_step(upload: Upload, checked: bool) -> str:
    """Return a text that tells staff what to do next."""
    match upload.state:
        case State.CHECKED if not checked:
            return _(
                "Check that we read your file correctly, then press “Check all rows”. Nothing "
                "changes in the shop yet."
            )
        case State.CHECKED if not upload.changed:
            return _("Nothing would change: there is nothing to import. See the list for why.")
        case State.CHECKED if upload.rejected:
            return _(
                "Nothing has changed in the shop yet. Import the good rows now, and the rejected "
                "ones stay out; or correct the file and upload it again."
            )
        case State.CHECKED:
            return _("Nothing has changed in the shop yet. Look at the numbers, then import.")
        case State.REFUSED:
            return _(
                "Nothing has changed in the shop. Change how the file is read below and check it "
                "again, or correct the file and upload it again."
            )
        case State.STOPPED:
            return _(
                "The import was stopped. Resume it, or roll it back; or finalise it: what has been "
                "imported stays, the uploaded files are deleted, and it can no longer be rolled "
                "back."
            )
        case State.DONE:
            return _(
                "The changes are in the shop now. Look at the products, then finalise the import: "
                "the uploaded files are deleted, and it can no longer be rolled back. Until then "
                "you can roll it back. After %(days)s days it is finalised automatically."
            ) % {"days": settings.UPLOAD_LIFETIME_DAYS}
        case State.ROLLED_BACK:
            return _(
                "The import was rolled back. Warnings below name what could not be, if anything."
            )
        case State.FINALISED:
            return _("The import is final. There is nothing left to do.")
    return _("Please wait. You can leave this page: it goes on without you.")


def _with_examples(
    form: ReadOptionsForm, preview: list[list[str]]
) -> list[tuple[forms.BoundField, str]]:
    """Return the form field of each column, with the first value in the column as an example."""
    rows = preview[1:]
    return [
        (field, next((row[place] for row in rows if place < len(row) and row[place].strip()), ""))
        for place, field in enumerate(form.of_columns())
    ]


def _preview(upload: Upload) -> list[list[str]]:
    """Return the header and the first rows as the import will interpret them."""
    try:
        with opened(upload) as source:
            table = read_header(source, upload.read_options)
            rows: list[list[str]] = [list(table.header)]
            for record in table.records():
                rows.append([cell[:60] for cell in record.cells])
                if len(rows) > PREVIEW_ROWS:
                    break
    except ImportProblem as problem:
        return [[str(problem)]]
    return rows


@require_safe
@_staff("imports.view_upload")
def state(request: HttpRequest, pk: int) -> JsonResponse:
    """Return the state and progress of an upload as JSON; the page polls this view."""
    upload = get_object_or_404(Upload, pk=pk)
    names = ("state", "percent", "rows", "read", "imported", "updated", "unchanged", "rejected")
    return JsonResponse({name: getattr(upload, name) for name in names} | {"busy": upload.is_busy})


@require_POST
@_staff(*UPLOAD_PERMISSIONS)
def check(request: HttpRequest, pk: int) -> HttpResponse:
    upload = get_object_or_404(Upload, pk=pk)
    form = ReadOptionsForm(upload, request.POST)
    if form.is_valid() and upload.state in (State.CHECKED, State.REFUSED):
        try:
            uploads.set_read_options(upload, form.read_options(), _user(request))
            uploads.allow_new_categories(upload, "no_new_categories" not in request.POST)
        except ImportProblem as problem:
            messages.error(request, str(problem))
            return redirect(upload)
    started = uploads.start(upload, State.CHECKING, from_states=(State.CHECKED, State.REFUSED))
    return _redirect_back(request, upload, started)


@require_POST
@_staff(*UPLOAD_PERMISSIONS)
def start(request: HttpRequest, pk: int) -> HttpResponse:
    """Start the import, or resume it after a stop."""
    upload = get_object_or_404(Upload, pk=pk)
    started = uploads.start(upload, State.RUNNING, from_states=(State.CHECKED, State.STOPPED))
    return _redirect_back(request, upload, started)


@require_POST
@_staff(*UPLOAD_PERMISSIONS)
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    upload = get_object_or_404(Upload, pk=pk)
    uploads.request_stop(upload)
    return redirect(upload)


@require_POST
@_staff(*UPLOAD_PERMISSIONS, "catalogue.delete_product")
def roll_back(request: HttpRequest, pk: int) -> HttpResponse:
    upload = get_object_or_404(Upload, pk=pk)
    started = uploads.start(upload, State.ROLLING_BACK, from_states=(State.DONE, State.STOPPED))
    return _redirect_back(request, upload, started)


@require_POST
@_staff(*UPLOAD_PERMISSIONS)
def finalise(request: HttpRequest, pk: int) -> HttpResponse:
    upload = get_object_or_404(Upload, pk=pk)
    return _redirect_back(request, upload, uploads.finalise(upload))


def _redirect_back(request: HttpRequest, upload: Upload, done: bool) -> HttpResponse:
    if not done:
        messages.error(request, _("The upload’s status has changed. See below."))
    return redirect(upload)


@require_safe
@_staff("imports.view_upload")
def report(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Return the rejected rows and the warnings as a CSV file."""
    upload = get_object_or_404(Upload, pk=pk)
    errors = upload.errors.order_by("line", "pk").iterator(2000)
    rows = ((e.kind, e.line or "", e.column, e.key, e.value, e.reason) for e in errors)
    lines = _csv((_("kind"), _("line"), _("column"), "sku", _("value"), _("reason")), rows)
    return _download(lines, f"upload-{upload.pk}-rejected.csv")


@require_safe
@_staff("catalogue.view_product", "catalogue.view_variant")
def export(request: HttpRequest) -> HttpResponseBase:
    return _table(request, "catalogue")


@require_safe
@_staff(*UPLOAD_PERMISSIONS)
def sample(request: HttpRequest) -> HttpResponseBase:
    """Return a small example of a table that can be imported."""
    return _table(request, "sample", iter(SAMPLE))


def _table(
    request: HttpRequest, name: str, rows: Iterator[tuple[str, ...]] | None = None
) -> HttpResponseBase:
    """Return ``rows``, or the catalogue if they are ``None``, as a file.

    The file is an Excel workbook if the request asks for one, or else CSV.
    """
    if request.GET.get("format") != "xlsx":
        return _download(export_lines(rows), f"{name}.csv")
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    write_workbook(file, rows)
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=f"{name}.xlsx")


def _csv(header: tuple[str, ...], rows: Iterator[tuple[Any, ...]]) -> Iterator[str]:
    class Echo:
        def write(self, text: str) -> str:
            return text

    writer = csv.writer(Echo())
    yield "\ufeff" + str(writer.writerow(header))
    for row in rows:
        yield str(writer.writerow(escape_formula(str(value)) for value in row))


def _download(lines: Iterator[str], name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)
