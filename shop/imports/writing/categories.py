"""The category tree of the file: found or made once, and remembered for the run."""

from __future__ import annotations

from django.utils.text import slugify

from shop.catalogue.models import Category


class CategoryTree:
    """Categories by path. A rehearsal makes them in memory only."""

    def __init__(self, *, rehearsal: bool = False) -> None:
        self._rehearsal = rehearsal
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

    def _child(self, parent: Category | None, name: str) -> Category:
        slug = slugify(name)
        path = f"{parent.path}/{slug}" if parent else slug
        found = self._by_path.get(path) or self._by_name.get((_above(path), name))
        if found is None:
            found = self._by_path[path] = self._make(parent, name, slug, path)
        return found

    def _make(self, parent: Category | None, name: str, slug: str, path: str) -> Category:
        if self._rehearsal:
            return Category(name=name, slug=slug, path=path)
        found, created = Category.objects.get_or_create(
            path=path, defaults={"name": name, "slug": slug, "parent": parent}
        )
        if created:
            self.made.append(found)
        return found


def _above(path: str) -> str:
    return path.rpartition("/")[0]
