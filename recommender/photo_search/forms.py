from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class PhotoForm(forms.Form):
    """The file's content is checked where it is read; here only that there is one."""

    photo = forms.FileField(
        label=_("Your photo"),
        allow_empty_file=True,
        error_messages={"required": _("Choose a photo first.")},
    )
