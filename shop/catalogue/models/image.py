"""Define product images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.files.storage import storages
from django.db import models
from django.utils.translation import gettext_lazy as _

from shop.catalogue.models.product import Product

if TYPE_CHECKING:
    from shop.catalogue.images.pictures import Picture


class ProductImage(models.Model):
    """Represents a picture of a product; the storage "pictures" holds the file."""

    product = models.ForeignKey(
        Product, models.CASCADE, related_name="images", verbose_name=_("product")
    )
    file = models.CharField(_("file"), max_length=80, db_index=True, editable=False)
    width = models.PositiveIntegerField(_("width"), editable=False)
    height = models.PositiveIntegerField(_("height"), editable=False)
    alt = models.CharField(_("alternative text"), max_length=255, blank=True)
    position = models.PositiveSmallIntegerField(
        _("position"), default=0, help_text=_("The first one is the main image.")
    )

    class Meta:
        verbose_name = _("image")
        verbose_name_plural = _("images")
        ordering = ("position", "pk")

    def __str__(self) -> str:
        return self.alt or self.file

    @property
    def alt_text(self) -> str:
        return self.alt or self.product.name

    def replace_file(self, picture: Picture) -> None:
        """Store the file of a picture and set the fields of this row, without saving the row."""
        self.file = picture.save()
        self.width, self.height = picture.image.size

    def read(self) -> bytes:
        """Return the bytes of the picture file."""
        with storages["pictures"].open(self.file) as file:
            return bytes(file.read())
