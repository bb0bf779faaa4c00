"""Build the menu in the header: a section for each gender with its categories."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from django.db.models import Count
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from shop.catalogue.category_names import display_name
from shop.catalogue.models import Category, Product

COLUMN_LENGTH = 8
# Gifts with purchase are left out of the menu; the data set lists them as products.
HIDDEN = {"free-items"}


@dataclass(frozen=True)
class MenuLink:
    """Holds the name and URL of a link."""

    name: str
    url: str


@dataclass(frozen=True)
class MenuSection:
    """Holds a section; each column has a top category and its largest descendants."""

    name: str
    url: str
    columns: list[tuple[MenuLink, list[MenuLink]]]


def menu_sections() -> list[MenuSection]:
    """Return the sections women, men, kids and all products, leaving out empty ones."""
    categories = list(Category.objects.order_by().values_list("pk", "path", "name"))
    paths = {pk: path for pk, path, _name in categories}
    names = {path: name for _pk, path, name in categories}
    counted = Product.objects.listed().order_by().values_list("gender", "category")
    by_gender: dict[str, Counter[str]] = defaultdict(Counter)
    for gender, category, products in counted.annotate(products=Count("pk")):
        path = paths.get(category, "")
        if path and path.split("/")[0] not in HIDDEN:
            by_gender[gender][path] += products
    genders = Product.Gender
    wanted: tuple[tuple[str, list[str]], ...] = (
        (_("Women"), [genders.WOMEN]),
        (_("Men"), [genders.MEN]),
        (_("Kids"), [genders.GIRLS, genders.BOYS]),
        (_("All products"), []),
    )
    sections = []
    for name, chosen in wanted:
        below: Counter[str] = Counter()
        for gender in chosen or list(by_gender):
            below += by_gender[gender]
        if below:
            sections.append(_section(name, chosen, below, names))
    return sections


def _section(
    name: str, genders: list[str], paths: Counter[str], names: dict[str, str]
) -> MenuSection:
    query = f"?{urlencode({'gender': genders}, doseq=True)}" if genders else ""

    def link(path: str) -> MenuLink:
        return MenuLink(
            display_name(names[path]), reverse("catalogue:category", args=[path]) + query
        )

    by_top: dict[str, list[str]] = defaultdict(list)
    for path in sorted(paths, key=lambda path: (-paths[path], path)):
        by_top[path.split("/")[0]].append(path)
    columns = [
        (link(top), [link(path) for path in below[:COLUMN_LENGTH] if path != top])
        for top, below in by_top.items()
    ]
    return MenuSection(name, reverse("catalogue:products") + query, columns)
