from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.files.base import File
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shop.imports.models import Upload
from shop.imports.parsing.table import FIELDS, KNOWN


class UploadForm(forms.Form):
    table = forms.FileField(
        label=gettext_lazy("Table"),
        help_text=gettext_lazy("CSV, or a ZIP that holds styles.csv and images/."),
        widget=forms.ClearableFileInput({"accept": ".csv,.txt,.tsv,.zip"}),
    )
    pictures = forms.FileField(
        label=gettext_lazy("Pictures"),
        required=False,
        help_text=gettext_lazy(
            "ZIP of pictures named by id: 1163.jpg, 1163-2.jpg … Not needed to change prices "
            "and stock."
        ),
        widget=forms.ClearableFileInput({"accept": ".zip"}),
    )

    def clean_table(self) -> File[bytes]:
        return _limited(self.cleaned_data["table"])

    def clean_pictures(self) -> File[bytes] | None:
        file = self.cleaned_data["pictures"]
        return _limited(file) if file else None


def _limited(file: File[bytes]) -> File[bytes]:
    if (file.size or 0) > settings.IMPORT_MAX_FILE_BYTES:
        limit = settings.IMPORT_MAX_FILE_BYTES // 1024**2
        text = _("The file is larger than %(limit)s MB. Divide it into several.")
        raise forms.ValidationError(text % {"limit": limit})
    return file


class MappingForm(forms.Form):
    """One choice for each column of the file."""

    def __init__(self, upload: Upload, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.header = list(dict.fromkeys(upload.header))
        choices = [("", _("– not read –")), *((name, name) for name in FIELDS)]
        for number, cell in enumerate(self.header):
            known = KNOWN.get(cell.lower(), "")
            self.fields[f"column{number}"] = forms.ChoiceField(
                label=cell or _("(no name)"),
                choices=choices,
                required=False,
                initial=upload.mapping.get(cell, known),
            )

    def mapping(self) -> dict[str, str]:
        """A column that was not sent keeps what it stood for."""
        return {
            cell: self.cleaned_data[name] if name in self.data else self.fields[name].initial
            for cell, name in ((cell, f"column{n}") for n, cell in enumerate(self.header))
        }
