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

    def existing(self, names: tuple[str, ...]) -> Category | None:
        """Return the last of the nested categories ``names``, or ``None`` if it can be created.

        Raises ``RowError`` if it cannot.
        """
        found, missing = self._split(names)
        return None if missing else found

    def find(self, names: tuple[str, ...]) -> Category:
        """Return the last of the nested categories ``names``, creating those that are missing.

        Raises ``RowError``, before any is created.
        """
        found, missing = self._split(names)
        for name in missing:
            found = self._create(found, name)
        if found is None:
            raise ValueError("a category needs a name")
        return found

    def get(self, path: str) -> Category | None:
        """Return the category with this path, or ``None``."""
        return self._by_path.get(path)

    def require(self, path: str) -> Category:
        """Return the category with this path. Raises ``ImportProblem`` if there is none."""
        found = self.get(path)
        if found is None:
            raise ImportProblem(_("There is no category %(path)s.") % {"path": path[:80]})
        return found

    def _split(self, names: tuple[str, ...]) -> tuple[Category | None, tuple[str, ...]]:
        """Return the deepest category that exists, and the names of those to create below it.

        Raises ``RowError`` if these may not be created.
        """
        parent: Category | None = None
        for depth, name in enumerate(names):
            path = _child_path(parent, name)
            child = self._by_path.get(path) or self._by_name.get((_parent_path(path), name))
            if child is None:
                self._check_new(parent, names[depth:])
                return parent, names[depth:]
            parent = child
        return parent, ()

    def _check_new(self, parent: Category | None, names: tuple[str, ...]) -> None:
        """Raise ``RowError`` if the nested categories ``names`` may not be created."""
        if not self._allow_new:
            text = _("There is no category %(name)s.") % {"name": names[0]}
            if nearest := self._nearest(_child_path(parent, names[0]), names[0]):
                text = _("There is no category %(name)s; did you mean %(nearest)s?")
                text %= {"name": names[0], "nearest": nearest}
            raise RowError(text, "articleType")
        path = "/".join([*([parent.path] if parent else []), *map(category_slug, names)])
        limit = int(Category._meta.get_field("path").max_length or 0)
        if len(path) > limit:
            text = _(
                "The path of the category, %(path)s…, has %(length)s characters; at most %(limit)s "
                "are allowed."
            )
            values = {"path": path[:80], "length": len(path), "limit": limit}
            raise RowError(text % values, "category")

    def _create(self, parent: Category | None, name: str) -> Category:
        slug, path = category_slug(name), _child_path(parent, name)
        self.new.append((f"{parent.name} / {name}" if parent else name, self._nearest(path, name)))
        created = False
        found = Category(name=name, slug=slug, path=path)
        if not self._dry_run:
            found, created = Category.objects.get_or_create(
                path=path, defaults={"name": name, "slug": slug, "parent": parent}
            )
        if created:
            self.created.append(found)
        self._by_path[path] = found
        return found

    def _nearest(self, path: str, name: str) -> str:
        values, parent = self._by_path.values(), _parent_path(path)
        siblings = [c.name for c in values if _parent_path(c.path) == parent]
        found = process.extractOne(
            name, siblings, processor=str.casefold, score_cutoff=MIN_SIMILARITY
        )
        return str(found[0]) if found else ""


def _child_path(parent: Category | None, name: str) -> str:
    slug = category_slug(name)
    return f"{parent.path}/{slug}" if parent else slug


def _parent_path(path: str) -> str:
    return path.rpartition("/")[0]
