"""The category tree of the file: found or made once, and remembered for the run."""

from __future__ import annotations

from django.utils.translation import gettext as _
from rapidfuzz import process

from shop.catalogue.models import Category
from shop.catalogue.slugs import category_slug
from shop.imports.errors import ImportProblem, RowError

# Of 100: "Topwaer" and "Topwear" are 86, "Shirts" and "Shorts" 83.
ALIKE = 80


class CategoryTree:
    """Find categories by path, and make those that are missing if the tree ``may_grow``.

    A dry_run makes them in memory only. ``new`` are the names of those that were missing, each
    with that of an existing category beside it which resembles it.
    """

    def __init__(self, *, dry_run: bool = False, may_grow: bool = True) -> None:
        self._dry_run, self._may_grow = dry_run, may_grow
        self.new: list[tuple[str, str]] = []
        self._by_path = {category.path: category for category in Category.objects.all()}
        # Staff may have given it another slug than its name makes.
        self._by_name = {(_above(c.path), c.name): c for c in self._by_path.values()}
        # Those that this run has made, parents first.
        self.made: list[Category] = []

    def find(self, names: tuple[str, ...]) -> Category:
        """The category at the end of the names, made with its ancestors where it is missing."""
        parent: Category | None = None
        for name in names:
            parent = self._child(parent, name)
        if parent is None:
            raise ValueError("a category needs a name")
        return parent

    def at(self, path: str) -> Category | None:
        """The category with this address, if it is there."""
        return self._by_path.get(path)

    def existing(self, path: str) -> Category:
        """Return the category with this address. Raises ``ImportProblem`` if there is none."""
        found = self.at(path)
        if found is None:
            raise ImportProblem(_("There is no category %(path)s.") % {"path": path[:80]})
        return found

    def _child(self, parent: Category | None, name: str) -> Category:
        slug = category_slug(name)
        path = f"{parent.path}/{slug}" if parent else slug
        found = self._by_path.get(path) or self._by_name.get((_above(path), name))
        if found is None:
            found = self._by_path[path] = self._make(parent, name, slug, path)
        return found

    def _make(self, parent: Category | None, name: str, slug: str, path: str) -> Category:
        nearest = self._nearest(path, name)
        if not self._may_grow:
            text = _("There is no category %(name)s.") % {"name": name}
            if nearest:
                text = _("There is no category %(name)s; similar is %(nearest)s.")
                text %= {"name": name, "nearest": nearest}
            raise RowError(text, "articleType")
        self.new.append((f"{parent.name} / {name}" if parent else name, nearest))
        if self._dry_run:
            return Category(name=name, slug=slug, path=path)
        found, created = Category.objects.get_or_create(
            path=path, defaults={"name": name, "slug": slug, "parent": parent}
        )
        if created:
            self.made.append(found)
        return found

    def _nearest(self, path: str, name: str) -> str:
        beside = [c.name for c in self._by_path.values() if _above(c.path) == _above(path)]
        found = process.extractOne(name, beside, processor=str.casefold, score_cutoff=ALIKE)
        return str(found[0]) if found else ""


def _above(path: str) -> str:
    return path.rpartition("/")[0]
