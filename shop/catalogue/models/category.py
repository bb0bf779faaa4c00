"""Define the category tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.db.models import Count
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from shop.catalogue.category_names import display_name
from shop.catalogue.models.redirects import redirect_trigger
from shop.catalogue.querysets import CategoryQuerySet
from shop.catalogue.slugs import category_slug

if TYPE_CHECKING:
    from shop.catalogue.models.image import ProductImage


class Category(models.Model):
    """Represents a node of the category tree."""

    name = models.CharField(_("name"), max_length=80)
    slug = models.SlugField(_("slug"), max_length=80, allow_unicode=True)
    parent = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="children",
        verbose_name=_("parent"),
    )
    path = models.CharField(_("path"), max_length=255, unique=True, editable=False)

    cover: ProductImage | None = None  # set by ``browsing.home.largest_categories``

    objects = CategoryQuerySet.as_manager()

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ("path",)
        indexes: ClassVar = [
            # Prefix search needs this operator class unless the database's locale is C.
            models.Index(fields=["path"], name="category_path", opclasses=["varchar_pattern_ops"])
        ]
        triggers: ClassVar = [redirect_trigger("path", "catalogue_formerpath", "category_id")]

    def __str__(self) -> str:
        return self.name

    def save(self, *args, **kwargs) -> None:  # type: ignore[no-untyped-def]
        """Save the category under its parent's current path.

        To rename or move a category that has children or products, call
        ``category_tree.save_category``.
        """
        self.slug = self.slug or category_slug(self.name)
        if self.parent:
            self.parent.refresh_from_db(fields=["path"])
        self.path = self.make_path()
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return reverse("catalogue:category", args=[self.path])

    def make_path(self) -> str:
        """Return the path of the parent followed by the slug."""
        slug = self.slug or category_slug(self.name)
        return f"{self.parent.path}/{slug}" if self.parent else slug

    @property
    def display_name(self) -> str:
        """Return the name for shoppers, in their language."""
        return display_name(self.name)

    @cached_property
    def trail(self) -> list[Category]:
        """Return the ancestors, topmost first, and the category itself, with one query.

        Ancestors that have only one child or the same name as their child are skipped, because they
        would tell shoppers nothing.
        """
        parts = self.path.split("/")
        paths = ["/".join(parts[: i + 1]) for i in range(len(parts))]
        nodes = Category.objects.filter(path__in=paths).annotate(forks=Count("children"))
        trail: list[Any] = list(nodes.order_by("path"))  # mypy does not know ``forks``
        return [
            node
            for node, child in zip(trail, [*trail[1:], None], strict=True)
            if child is None or (node.forks > 1 and node.display_name != child.display_name)
        ]

    @cached_property
    def branches(self) -> list[Category]:
        """Return the children of the category.

        A single child is replaced by its own children, and so on.
        """
        children = list(self.children.all())
        while len(children) == 1:
            children = list(children[0].children.all())
        return children
