from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from shop.catalogue.browsing.search import search_products
from shop.catalogue.category_tree import save_category, validate_position
from shop.catalogue.models import Category, Product
from shop.imports.export import export_lines
from shop.imports.jobs.run import import_catalogue
from tests.factories import make_category, make_product
from tests.locks import wait_until_a_lock_blocks

pytestmark = pytest.mark.django_db
LONG = "This address, or one below it, is longer than 255 characters. Shorten the slug."
CHANGES = "admin:catalogue_category_change"


def paths() -> list[str]:
    return list(Category.objects.order_by("path").values_list("path", flat=True))


def edit(client: Client, category: Category, **values: Any) -> str:
    """As staff do; the form's errors, or nothing."""
    before = {"name": category.name, "slug": category.slug, "parent": category.parent_id or ""}
    address = reverse(CHANGES, args=[category.pk])
    response = client.post(address, before | values)
    if response.status_code == 302:
        return ""
    assert response.status_code == 200
    return " ".join(str(e) for es in response.context["adminform"].errors.values() for e in es)


@pytest.fixture
def shirt() -> Product:
    """Beside it, a category whose path only begins alike."""
    make_category("Apparel Care", "Soap")
    return make_product(
        name="Tee", category=make_category("Apparel", "Topwear", "T Shirts"), gender="Men",
        base_colour="Blue",
    )  # fmt: skip


def test_descendants_move_with_a_renamed_category(
    admin_client: Client, client: Client, shirt: Product
) -> None:
    top = Category.objects.get(path="apparel")
    assert edit(admin_client, top, name="Clothing", slug="clothing") == ""
    assert paths() == [
        *("apparel-care", "apparel-care/soap"),
        *("clothing", "clothing/topwear", "clothing/topwear/t-shirts"),
    ]
    assert "Tee" in client.get("/categories/clothing/").content.decode()
    filtered = client.get("/categories/clothing/", {"type": "clothing/topwear"})
    assert filtered.context["page"].paginator.count == 1
    page = client.get(shirt.get_absolute_url()).content.decode()
    # A level with one child is skipped.
    found = set(re.findall(r'href="/categories/(clothing[^"?]*)', page))
    assert found == {"clothing/", "clothing/topwear/t-shirts/"}
    assert "clothing/topwear/t-shirts" in "".join(export_lines())


def test_descendants_move_with_a_moved_category(admin_client: Client, shirt: Product) -> None:
    soap = Category.objects.get(path="apparel-care/soap")
    topwear = Category.objects.get(path="apparel/topwear")
    assert edit(admin_client, topwear, parent=soap.pk) == ""
    assert paths() == [
        *("apparel", "apparel-care", "apparel-care/soap"),
        *("apparel-care/soap/topwear", "apparel-care/soap/topwear/t-shirts"),
    ]


def test_products_are_found_by_the_new_category_name_only(shirt: Product) -> None:
    plain = make_product(category=shirt.category)
    top = Category.objects.get(path="apparel")
    top.name, top.slug = "Clothing", "clothing"
    save_category(top)
    leaf = Category.objects.get(path="clothing/topwear/t-shirts")
    leaf.name = "Tees"
    save_category(leaf)
    for product in (shirt, plain):
        product.refresh_from_db()
        product.category.refresh_from_db()
        assert product.keywords == product.make_keywords()
    assert shirt.keywords == "Tees clothing topwear t shirts Blue Men"
    found = search_products(Product.objects.listed(), "clothing")
    assert (found.products.count(), found.corrected, found.any_word) == (2, "", False)
    assert not Product.objects.filter(keywords__contains="pparel").exists()


def test_an_impossible_parent_or_path_is_refused(admin_client: Client, shirt: Product) -> None:
    before = paths()
    top, topwear = (Category.objects.get(path=path) for path in ("apparel", "apparel/topwear"))
    for parent in (top, topwear, shirt.category):
        error = edit(admin_client, top, parent=parent.pk)
        assert error == "A category cannot be placed below itself."
    error = edit(admin_client, topwear, parent="", slug="apparel-care")
    assert error.startswith("Another category already has the address “apparel-care”.")
    values = {"name": "Topwear", "slug": "topwear", "parent": top.pk}
    page = admin_client.post(reverse("admin:catalogue_category_add"), values)
    assert "Another category already has the address “apparel/topwear”." in page.content.decode()
    assert paths() == before


@pytest.mark.parametrize(("length", "is_taken"), [(13, True), (14, False)])
def test_a_path_that_is_too_long_is_refused(
    admin_client: Client, length: int, is_taken: bool
) -> None:
    """The longest below counts: ``aaa…/bbb…/ccc…/slug/leaf``, 255 characters at most."""
    deep = None
    for letter in "abc":
        deep = Category.objects.create(name=letter, slug=letter * 78, parent=deep)
    top = make_category("Top")
    make_category("Top", "Leaf")
    before = paths()
    error = edit(admin_client, top, slug="t" * length, parent=deep.pk)  # type: ignore[union-attr]
    assert error == ("" if is_taken else LONG)
    assert (max(map(len, paths())), paths() == before) == (
        (255, False) if is_taken else (236, True)
    )


def test_an_import_finds_a_category_by_its_name_under_another_slug(
    shirt: Product, tmp_path: Path
) -> None:
    top = Category.objects.get(path="apparel")
    top.slug = "clothing"
    save_category(top)
    before = paths()
    table = tmp_path / "table.csv"
    sku = shirt.variants.get().sku
    table.write_text(
        "sku,masterCategory,subCategory,articleType\n" + f"{sku},Apparel,Topwear,T Shirts\n"
    )
    assert import_catalogue(table).unchanged == 1
    assert paths() == before


@pytest.mark.django_db(transaction=True)
def test_concurrent_moves_cannot_create_a_cycle(admin_client: Client) -> None:
    """Start a second move while the first is open; it waits and is then refused."""
    one, other = make_category("One"), make_category("Other")

    def put_other_below_one() -> str:
        try:
            return edit(admin_client, other, parent=one.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            one.parent = other
            validate_position(one)
            save_category(one)
            second = pool.submit(put_other_below_one)
            wait_until_a_lock_blocks()
        assert second.result(60) == "A category cannot be placed below itself."
    assert paths() == ["other", "other/one"]
