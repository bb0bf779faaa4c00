"""Define the forms with which staff edit the catalogue."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from shop.catalogue.category_tree import validate_position
from shop.catalogue.images.pictures import ACCEPT, Picture, PictureError, read_picture
from shop.catalogue.models import Category, Product, ProductImage, StockAdjustment, Variant
from shop.catalogue.stock import stock_limit_error


class CategoryForm(forms.ModelForm[Category]):
    """Validates the position of a category in the tree."""

    class Meta:
        model = Category
        fields: ClassVar = ["name", "slug", "parent"]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not self.errors:
            validate_position(Category(pk=self.instance.pk, path=self.instance.path, **data))
        return data


class ProductImageForm(forms.ModelForm[ProductImage]):
    """Validates and re-encodes an uploaded picture before it is stored."""

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
            self.instance.replace_file(picture)
        return super().save(commit)


class VariantForm(forms.ModelForm[Variant]):
    """Edits a variant; the stock can be entered only for a new variant.

    Later changes of the stock need a reason (``StockAdjustmentForm``).
    """

    class Meta:
        model = Variant
        fields: ClassVar = ["sku", "size", "colour", "price", "stock", "position"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["stock"].disabled = True

    def save(self, commit: bool = True) -> Variant:
        if self.instance.pk and commit:
            # The stock is not saved, because a sale may have changed it since the form was shown.
            names = [name for name in self.Meta.fields if name != "stock"]
            self.instance.save(update_fields=names)
            return self.instance
        return super().save(commit)


class VariantFormSet(forms.BaseInlineFormSet[Variant, Product, VariantForm]):
    """Validates the total stock of a product's variants."""

    def clean(self) -> None:
        super().clean()
        remaining = [form for form in self.forms if form not in self.deleted_forms]
        stock = sum(form.cleaned_data.get("stock") or 0 for form in remaining if form.is_valid())
        if error := stock_limit_error(stock):
            raise ValidationError(error)


class StockAdjustmentForm(forms.ModelForm[StockAdjustment]):
    """Validates and applies a change of a variant's stock."""

    class Meta:
        model = StockAdjustment
        fields: ClassVar = ["variant", "change", "reason", "note"]

    def clean_change(self) -> int:
        change: int = self.cleaned_data["change"]
        if change == 0:
            raise ValidationError(_("Enter a change other than 0."))
        if abs(change) > 1_000_000:
            raise ValidationError(_("Enter a change of at most a million units."))
        return change

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        variant, change = data.get("variant"), data.get("change")
        if variant and change:
            # The variant stays locked until the admin saves in the same transaction, so that
            # nothing is sold in between.
            variants = Variant.objects.select_for_update(of=("self",)).select_related("product")
            variant = variants.get(pk=variant.pk)
            if variant.stock + change < 0:
                text = _("Only %(stock)s in stock. You cannot remove more.")
                self.add_error("change", text % {"stock": variant.stock})
            elif error := stock_limit_error(variant.product.stock + change):
                self.add_error("change", error)
        return data

    def apply(self, by: Any) -> StockAdjustment:
        """Change the stock, and save the adjustment with the user ``by`` as its author."""
        self.instance.by = by
        changed = Variant.objects.filter(pk=self.instance.variant_id)
        changed.update(stock=F("stock") + self.instance.change)
        self.instance.save()
        return self.instance
