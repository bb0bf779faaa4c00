from __future__ import annotations

from typing import Any, cast

from django import forms
from django.conf import settings
from django.core.files.base import File
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shop.catalogue.models import Category, Product
from shop.imports.models import Upload
from shop.imports.parsing.columns import FIELDS, IMAGE, letter
from shop.imports.parsing.encodings import ENCODINGS
from shop.imports.parsing.formats.base import Format
from shop.imports.parsing.formats.known import known_format
from shop.imports.parsing.numbers import NOTATIONS
from shop.imports.parsing.table import ReadOptions, default_columns

MEANINGS = {
    "id": gettext_lazy("id of the product"),
    "gender": gettext_lazy("gender"),
    "masterCategory": gettext_lazy("category, first level"),
    "subCategory": gettext_lazy("category, second level"),
    "articleType": gettext_lazy("category, third level"),
    "baseColour": gettext_lazy("colour"),
    "season": gettext_lazy("season"),
    "year": gettext_lazy("year"),
    "usage": gettext_lazy("occasion"),
    "productDisplayName": gettext_lazy("name of the product"),
    "brand": gettext_lazy("brand"),
    "price": gettext_lazy("price"),
    "currency": gettext_lazy("currency"),
    "stock": gettext_lazy("pieces in stock"),
    "description": gettext_lazy("description"),
    "listed": gettext_lazy("shown in the shop, yes or no"),
    "sku": gettext_lazy("SKU of the variant"),
    "size": gettext_lazy("size"),
    "variantColour": gettext_lazy("colour of the variant"),
    "variantPrice": gettext_lazy("price of the variant"),
    "categoryPath": gettext_lazy("address of a category"),
    "category": gettext_lazy("category with those above it: Clothing > Shirts"),
    IMAGE: gettext_lazy("names of the pictures"),
}


class UploadForm(forms.Form):
    """Asks for the table of a catalogue and for its pictures."""

    table = forms.FileField(
        label=gettext_lazy("Table"),
        help_text=gettext_lazy(
            "CSV or Excel (.xlsx), or a ZIP with the table and a folder named images. Drop it on "
            "the box, or choose it."
        ),
        widget=forms.ClearableFileInput({"accept": ".csv,.txt,.tsv,.xlsx,.zip"}),
    )
    pictures = forms.FileField(
        label=gettext_lazy("Images for new products"),
        required=False,
        help_text=gettext_lazy(
            "New products need images: a ZIP of images named by ID (1163.jpg, 1163-2.jpg …), "
            "unless the ZIP of the table has them. Not needed to change prices and stock."
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
        text = _("The file is larger than %(limit)s MB. Split it into several files.")
        raise forms.ValidationError(text % {"limit": limit})
    return file


class ReadOptionsForm(forms.Form):
    """Asks for the file's encoding or sheet, its decimal mark, and what each column contains."""

    sheet = forms.ChoiceField(label=gettext_lazy("Sheet"), required=False)
    encoding = forms.ChoiceField(label=gettext_lazy("Encoding"), required=False)
    decimal = forms.ChoiceField(label=gettext_lazy("Decimal separator"), required=False)
    category = forms.ChoiceField(
        label=gettext_lazy("Category of new products"),
        required=False,
        help_text=gettext_lazy("For rows without one."),
    )
    gender = forms.ChoiceField(
        label=gettext_lazy("Gender of new products"),
        required=False,
        help_text=gettext_lazy("For rows without one."),
    )

    def __init__(self, upload: Upload, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = [("", _("Detect automatically")), *NOTATIONS.items()]
        decimal = cast(forms.ChoiceField, self.fields["decimal"])
        decimal.choices, decimal.initial = found, upload.decimal
        encodings = {upload.encoding: upload.encoding.upper()} | ENCODINGS
        encoding = cast(forms.ChoiceField, self.fields["encoding"])
        encoding.choices, encoding.initial = list(encodings.items()), upload.encoding
        if upload.sample:
            text = _("It is right if you can read this line: %(line)s")
            encoding.help_text = text % {"line": upload.sample}
        sheet = cast(forms.ChoiceField, self.fields["sheet"])
        sheet.choices, sheet.initial = [(name, name) for name in upload.sheets], upload.sheet
        del self.fields["encoding" if upload.sheets else "sheet"]
        known = known_format(upload.header)
        self._offer_values_of_new_products(upload, known)
        meanings = ((name, f"{MEANINGS[name]} ({name})") for name in FIELDS)
        choices = [("", _("Ignore column")), *meanings]
        own = ("", _("– as in %(format)s –") % {"format": known.name if known else ""})
        columns = upload.columns or default_columns(upload.header)
        self.names = [f"column{number}" for number in range(len(upload.header))]
        for number, (name, cell) in enumerate(zip(self.names, upload.header, strict=True)):
            self.fields[name] = forms.ChoiceField(
                label=cell or _("(column %(letter)s)") % {"letter": letter(number)},
                choices=[own, *choices[1:]] if known and known.is_extra(cell) else choices,
                required=False,
                initial=columns[number],
            )

    def _offer_values_of_new_products(self, upload: Upload, known: Format | None) -> None:
        if known is None:
            del self.fields["category"], self.fields["gender"]
            return
        category = cast(forms.ChoiceField, self.fields["category"])
        paths = Category.objects.order_by("path").values_list("path", flat=True)
        category.choices = [("", _("– none –")), *((path, path) for path in paths)]
        gender = cast(forms.ChoiceField, self.fields["gender"])
        gender.choices = [("", _("– none –")), *Product.Gender.choices]
        category.initial, gender.initial = upload.category, upload.gender

    def of_file(self) -> list[forms.BoundField]:
        """Return the form fields that concern the whole file."""
        return [self[name] for name in self.fields if name not in self.names]

    def of_columns(self) -> list[forms.BoundField]:
        """Return the form fields for the columns of the file, in the same order."""
        return [self[name] for name in self.names]

    def read_options(self) -> ReadOptions:
        """Return the chosen options; form fields that were not sent keep their initial value."""
        chosen = {
            name: self.cleaned_data[name] if name in self.data else field.initial
            for name, field in self.fields.items()
        }
        return ReadOptions(
            columns=tuple(chosen[name] for name in self.names),
            encoding=chosen.get("encoding", ""),
            decimal=chosen["decimal"],
            sheet=chosen.get("sheet", ""),
            category=chosen.get("category", ""),
            gender=chosen.get("gender", ""),
        )
