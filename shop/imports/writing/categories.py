"""Find or create the categories of a file, caching them during the run."""

from __future__ import annotations

from django.utils.translation import gettext as _
from rapidfuzz import process

from shop.catalogue.models import Category
from shop.catalogue.slugs import category_slug
from shop.imports.errors import ImportProblem, RowError

# The least similarity, out of 100, of names that may be misspellings: "Topwaer" and "Topwear" score
# 86, "Shirts" and "Shorts" 83.
MIN_SIMILARITY = 80


class CategoryTree:
    """Finds categories by path, and creates missing ones if ``allow_new``.

    A dry run creates them in memory only. ``new`` holds the name of each missing category and of
    the most similar existing one, or ``""``; ``created`` holds the new categories, parents first.
    """

    def __init__(self, *, dry_run: bool = False, allow_new: bool = True) -> None:
        self._dry_run, self._allow_new = dry_run, allow_new
        self.new: list[tuple[str, str]] = []
        self._by_path = {category.path: category for category in Category.objects.all()}
        # Categories are found by name, too, because staff may have changed the slug.
        self._by_name = {(_parent_path(c.path), c.name): c for c in self._by_path.values()}
        self.created: list[Category] = []

    def find(self, names: tuple[str, ...]) -> Category:
        """Return the last of the nested categories ``names``, creating those that are missing."""
        parent: Category | None = None
        for name in names:
            parent = self._child(parent, name)
        if parent is None:
            raise ValueError("a category needs a name")
        return parent

    def get(self, path: str) -> Category | None:
        """Return the category with this path, or ``None``."""
        return self._by_path.get(path)

    def require(self, path: str) -> Category:
        """Return the category with this path. Raises ``ImportProblem`` if there is none."""
        found = self.get(path)
        if found is None:
            raise ImportProblem(_("There is no category %(path)s.") % {"path": path[:80]})
        return found

    def _child(self, parent: Category | None, name: str) -> Category:
        slug = category_slug(name)
        path = f"{parent.path}/{slug}" if parent else slug
        found = self._by_path.get(path) or self._by_name.get((_parent_path(path), name))
        if found is None:
            found = self._by_path[path] = self._create(parent, name, slug, path)
        return found

    def _create(self, parent: Category | None, name: str, slug: str, path: str) -> Category:
        nearest = self._nearest(path, name)
        if not self._allow_new:
            text = _("There is no category %(name)s.") % {"name": name}
            if nearest:
                text = _("There is no category %(name)s; did you mean %(nearest)s?")
                text %= {"name": name, "nearest": nearest}
            raise RowError(text, "articleType")
        self.new.append((f"{parent.name} / {name}" if parent else name, nearest))
        if self._dry_run:
            return Category(name=name, slug=slug, path=path)
        found, created = Category.objects.get_or_create(
            path=path, defaults={"name": name, "slug": slug, "parent": parent}
        )
        if created:
            self.created.append(found)
        return found

    def _nearest(self, path: str, name: str) -> str:
        values, parent = self._by_path.values(), _parent_path(path)
        siblings = [c.name for c in values if _parent_path(c.path) == parent]
        found = process.extractOne(
            name, siblings, processor=str.casefold, score_cutoff=MIN_SIMILARITY
        )
        return str(found[0]) if found else ""


def _parent_path(path: str) -> str:
    return path.rpartition("/")[0]
