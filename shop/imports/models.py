"""Define uploads of a catalogue, their errors and changes, and the settings for reading files."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.files.storage import Storage, storages
from django.db import models
from django.db.models.fields.json import KeyTransform
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from shop.catalogue.models import Product
from shop.imports.parsing.table import ReadOptions
from shop.imports.parsing.words import folded_gender


def upload_storage() -> Storage:
    """Return the storage of uploaded files; a function, so that migrations do not contain it."""
    return storages["uploads"]


def _place(upload: Upload, name: str) -> str:
    """Return the path at which to store a file; migrations refer to this function by its name."""
    return f"{upload.created:%Y%m%d-%H%M%S-%f}/{name}"


class Upload(models.Model):
    """Represents a catalogue that staff uploaded, with the state of its job and row counts."""

    class State(models.TextChoices):
        # The stored values are those of 0.1.
        CHECKING = "checking", _("being checked")
        CHECKED = "checked", _("checked")
        REFUSED = "refused", _("refused")
        RUNNING = "running", _("running")
        STOPPED = "stopped", _("stopped")
        DONE = "done", _("done")
        ROLLING_BACK = "undoing", _("rolling back")
        ROLLED_BACK = "undone", _("rolled back")
        FINALISED = "confirmed", _("finalised")

    BUSY = (State.CHECKING, State.RUNNING, State.ROLLING_BACK)

    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, verbose_name=_("uploaded by")
    )
    # The language of the uploader is stored, because the worker that writes the report has no
    # request. Older rows get the database default, because ``get_language`` returns no language
    # during ``migrate``.
    language = models.CharField(
        _("language"), max_length=10, default=get_language, db_default="en", editable=False
    )
    created = models.DateTimeField(_("created"))
    table_name = models.CharField(_("table"), max_length=255)
    pictures_name = models.CharField(_("images"), max_length=255, blank=True)
    table = models.FileField(storage=upload_storage, upload_to=_place, max_length=200)
    pictures = models.FileField(
        storage=upload_storage, upload_to=_place, max_length=200, blank=True
    )
    dialect = models.CharField(_("format"), max_length=80, blank=True)
    header = models.JSONField(default=list)
    # The field for each column of the file, "" for an ignored column.
    columns = models.JSONField(default=list)
    encoding = models.CharField(_("encoding"), max_length=40, blank=True)
    # The names of the sheets of a workbook; empty for other files.
    sheets = models.JSONField(default=list)
    sheet = models.CharField(_("sheet"), max_length=40, blank=True)
    new_categories = models.BooleanField(_("create new categories"), default=True)
    sample = models.CharField(_("sample"), max_length=200, blank=True)
    decimal = models.CharField(_("decimal separator"), max_length=1, blank=True)
    # The path of a category, and a gender, for new products whose rows have none.
    category = models.CharField(_("category"), max_length=255, blank=True)
    gender = models.CharField(
        _("gender"), max_length=10, blank=True, choices=Product.Gender.choices
    )
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.CHECKING
    )
    rows = models.PositiveIntegerField(_("rows"), default=0)
    last_line = models.PositiveIntegerField(default=0)
    read = models.PositiveIntegerField(_("read"), default=0)
    imported = models.PositiveIntegerField(_("imported"), default=0)
    updated = models.PositiveIntegerField(_("updated"), default=0)
    unchanged = models.PositiveIntegerField(_("unchanged"), default=0)
    rejected = models.PositiveIntegerField(_("rejected"), default=0)
    undone = models.PositiveIntegerField(_("rolled back"), default=0)
    stop = models.BooleanField(default=False)
    message = models.TextField(_("message"), blank=True)
    warnings = models.JSONField(default=list)
    # Primary keys of the categories that the upload created, parents first.
    categories = models.JSONField(default=list)
    heartbeat = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.table_name} ({self.get_state_display()})"

    def get_absolute_url(self) -> str:
        return reverse("admin:imports_upload_page", args=[self.pk])

    @property
    def read_options(self) -> ReadOptions:
        columns, chosen = tuple(self.columns), (self.category, self.gender)
        return ReadOptions(columns, self.encoding, self.decimal, self.sheet, *chosen)

    @property
    def is_busy(self) -> bool:
        return self.state in self.BUSY

    @property
    def processed(self) -> int:
        return self.imported + self.updated + self.unchanged + self.rejected

    @property
    def changed(self) -> int:
        """Return the number of rows that change the shop, or would after a check."""
        return self.imported + self.updated

    @property
    def percent(self) -> int:
        if self.state == self.State.ROLLING_BACK:
            return 100 * self.undone // max(1, self.changed)
        return min(100, 100 * self.processed // max(1, self.rows))


class UploadError(models.Model):
    """Represents the reason why a row was rejected, or a warning if ``is_warning``."""

    upload = models.ForeignKey(Upload, models.CASCADE, related_name="errors")
    line = models.PositiveIntegerField(_("line"))
    column = models.CharField(_("column"), max_length=40, blank=True)
    key = models.CharField(_("SKU"), max_length=80, blank=True)
    value = models.CharField(_("value"), max_length=80, blank=True)
    reason = models.TextField(_("reason"))
    is_warning = models.BooleanField(default=False, db_default=False)

    class Meta:
        ordering = ("line", "pk")
        indexes: ClassVar = [models.Index(fields=["upload", "line"], name="upload_error_line")]

    def __str__(self) -> str:
        return f"{self.line}: {self.reason}"

    @property
    def kind(self) -> str:
        return str(_("warning") if self.is_warning else _("rejected"))


class UploadChange(models.Model):
    """Holds the changes of an upload to one product, from which they can be rolled back.

    ``jobs.rollback.change_record`` describes the ``content``; version 0.1 wrote another format.
    """

    upload = models.ForeignKey(Upload, models.CASCADE, related_name="changes")
    product = models.ForeignKey(Product, models.CASCADE, related_name="+")
    is_new = models.BooleanField()
    content = models.JSONField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["upload", "id"], name="upload_change_order"),
            # This index is for ``jobs.rollback.files_to_restore``.
            GinIndex(
                OpClass(KeyTransform("dropped_images", "content"), "jsonb_path_ops"),
                name="upload_change_dropped",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.upload_id} {self.product_id}"


class GenderWord(models.Model):
    """Represents a word for a gender in imported files, in addition to the built-in words."""

    word = models.CharField(_("word"), max_length=40, unique=True)
    gender = models.CharField(_("gender"), max_length=10, choices=Product.Gender.choices)

    class Meta:
        verbose_name = _("gender synonym")
        verbose_name_plural = _("gender synonyms")
        ordering = ("word",)

    def __str__(self) -> str:
        return self.word

    def clean(self) -> None:
        self.word = folded_gender(self.word)


class ColumnMapping(models.Model):
    """Holds the fields that a user chose for the columns of a header, to propose them next time."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    header = models.CharField(max_length=64)
    columns = models.JSONField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "header"], name="column_mapping_once")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.header[:8]}"
