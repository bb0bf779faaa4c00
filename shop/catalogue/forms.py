"""Forms of the catalogue's staff."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from shop.catalogue.models import ProductImage
from shop.catalogue.pictures import ACCEPT, Picture, PictureError, read_picture


class ProductImageForm(forms.ModelForm[ProductImage]):
    """A picture row whose file is checked and cleaned before anything is stored."""

    upload = forms.FileField(label=_("file"), widget=forms.ClearableFileInput({"accept": ACCEPT}))

    class Meta:
        model = ProductImage
        fields: ClassVar = ["alt", "position"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["upload"].required = self.instance.pk is None

    def clean_upload(self) -> Picture | None:
        file = self.cleaned_data.get("upload")
        if not isinstance(file, UploadedFile):
            return None
        try:
            return read_picture(file.read())
        except PictureError as error:
            raise ValidationError(str(error)) from error

    def save(self, commit: bool = True) -> ProductImage:
        picture = self.cleaned_data.get("upload")
        if picture is not None:
            self.instance.show(picture)
        return super().save(commit)
