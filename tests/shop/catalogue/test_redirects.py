"""Former URLs of renamed categories and products redirect."""

from __future__ import annotations

import pytest
from django.test import Client

from shop.catalogue.category_tree import save_category
from shop.catalogue.merging import merge
from shop.catalogue.models import Category, CategoryRedirect, Product, ProductRedirect
from tests.factories import make_category, make_product

pytestmark = pytest.mark.django_db


def leads(client: Client, address: str) -> str:
    """Where to, in one step."""
    response = client.get(address)
    assert response.status_code == 301
    # A browser that remembered would go in a circle when it is renamed back.
    assert response["Cache-Control"] == "no-cache"
    return str(response["Location"])


def rename(path: str, slug: str) -> None:
    category = Category.objects.get(path=path)
    category.slug = slug
    save_category(category)


def test_former_urls_of_a_category_and_its_descendants_redirect(client: Client) -> None:
    make_category("Apparel", "Topwear", "T Shirts")
    rename("apparel", "clothing")
    rename("clothing/topwear", "tops")
    assert leads(client, "/categories/apparel/") == "/categories/clothing/"
    for old in ("apparel/topwear", "clothing/topwear"):
        assert (
            leads(client, f"/categories/{old}/t-shirts/") == "/categories/clothing/tops/t-shirts/"
        )
    assert client.get("/categories/apparel/tops/").status_code == 404


def test_renaming_back_restores_the_url(client: Client) -> None:
    make_category("Apparel")
    rename("apparel", "clothing")
    rename("clothing", "apparel")
    assert client.get("/categories/apparel/").status_code == 200
    assert leads(client, "/categories/clothing/") == "/categories/apparel/"


def test_a_current_url_takes_precedence_over_a_former_one(client: Client) -> None:
    make_category("First")
    rename("first", "one")
    second = make_category("Second")
    rename("second", "first")
    assert client.get("/categories/first/").context["category"] == second
    rename("first", "two")
    assert leads(client, "/categories/first/") == "/categories/two/"
    second.delete()
    assert client.get("/categories/first/").status_code == 404
    assert list(CategoryRedirect.objects.values_list("path", flat=True)) == []


def test_the_former_slug_of_a_product_redirects(client: Client) -> None:
    product = make_product(name="Tee")
    old = product.get_absolute_url()
    product.slug = "shirt"
    product.save()
    assert leads(client, old) == "/products/shirt/"
    Product.objects.filter(pk=product.pk).update(slug="blouse")  # whatever renames
    assert leads(client, old) == leads(client, "/products/shirt/") == "/products/blouse/"
    Product.objects.filter(pk=product.pk).update(price=3)
    assert ProductRedirect.objects.count() == 2


def test_the_former_slug_of_a_merged_product_redirects_to_the_survivor(client: Client) -> None:
    one, other = make_product(name="One"), make_product(name="Other")
    old = other.get_absolute_url()
    other.slug = "another"
    other.save()
    merge(one.pk, [other.pk])
    assert leads(client, leads(client, old)) == one.get_absolute_url()


def test_a_slug_that_never_existed_is_not_found(client: Client) -> None:
    for address in ("/categories/none/", "/products/none/"):
        assert client.get(address).status_code == 404
