"""Saving a form that was opened earlier writes only the edited fields."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from shop.catalogue.models import Product
from tests.factories import make_category, make_product, make_variant
from tests.forms import fields_of
from tests.product_forms import change_page, form_data

pytestmark = pytest.mark.django_db
LIST = reverse("admin:catalogue_product_changelist")


def test_the_changelist_saves_only_edited_cells(admin_client: Client) -> None:
    other, one = make_product(name="Other"), make_product(name="One")  # the newest comes first
    values = fields_of(admin_client, LIST, "changelist-form")
    assert (values["form-0-id"], values["form-1-id"]) == (str(one.pk), str(other.pk))
    Product.objects.update(price=99, description="By an import", updated="2020-01-01T00:00Z")
    del values["form-0-listed"]  # unticked
    assert admin_client.post(LIST, values | {"_save": "Save"}).status_code == 302
    for product in (one, other):
        product.refresh_from_db()
        assert (product.price, product.description) == (99, "By an import")
    assert (one.listed, other.listed) == (False, True)
    assert (one.updated.year > 2020, other.updated.year > 2020) == (True, False)
    values |= {"form-1-price": "12.50", "form-0-listed": "on", "_save": "Save"}
    admin_client.post(LIST, values)
    other.refresh_from_db()
    assert other.price == Decimal("12.50")


def test_the_change_page_saves_only_edited_fields(admin_client: Client) -> None:
    product = make_product(name="Tee", category=make_category("Apparel"), base_colour="Blue")
    address = reverse("admin:catalogue_product_change", args=[product.pk])
    values = fields_of(admin_client, address, "product_form")
    Product.objects.update(price=99, listed=False, brand="By an import")
    values |= {"base_colour": "Red", "description": "Soft.\nWarm."}
    assert admin_client.post(address, values).status_code == 302
    product.refresh_from_db()
    assert (product.price, product.listed, product.brand) == (99, False, "By an import")
    assert (product.base_colour, product.keywords) == ("Red", "Apparel apparel Red")
    assert product.description.splitlines() == ["Soft.", "Warm."]


def test_an_invalid_form_can_be_corrected_and_saved(admin_client: Client) -> None:
    product = make_product(price=Decimal("30"))
    address = reverse("admin:catalogue_product_change", args=[product.pk])
    values = fields_of(admin_client, address, "product_form")
    refused = admin_client.post(address, values | {"price": "-1", "brand": "Nike"})
    assert refused.context["adminform"].errors["price"]
    product.refresh_from_db()
    assert (product.price, product.brand) == (30, "")
    assert admin_client.post(address, values | {"price": "31", "brand": "Nike"}).status_code == 302
    product.refresh_from_db()
    assert (product.price, product.brand) == (31, "Nike")


def test_a_product_takes_the_price_of_its_only_variant(admin_client: Client) -> None:
    product = make_product(price=Decimal(20))
    values = form_data(product, **{"variants-0-price": "25.00"})
    assert admin_client.post(change_page(product), values).status_code == 302
    product.refresh_from_db()
    assert (product.price, product.variants.get().price) == (25, None)


def test_a_product_keeps_its_price_beside_several_variants(admin_client: Client) -> None:
    product = make_product(price=Decimal(20))
    dearer = make_variant(product, size="XXL", price=Decimal(25))
    other = {
        "variants-TOTAL_FORMS": "2",
        "variants-INITIAL_FORMS": "2",
        "variants-1-id": str(dearer.pk),
        "variants-1-sku": dearer.sku,
        "variants-1-size": "XXL",
        "variants-1-price": "26.00",
        "variants-1-stock": "1",
        "variants-1-position": "1",
    }
    assert admin_client.post(change_page(product), form_data(product, **other)).status_code == 302
    product.refresh_from_db()
    dearer.refresh_from_db()
    assert (product.price, dearer.price) == (20, 26)


def test_a_product_without_a_price_cannot_be_listed(admin_client: Client) -> None:
    product = make_product()
    with pytest.raises(IntegrityError, match="product_listed_has_price"), transaction.atomic():
        Product.objects.update(price=None)
    address = reverse("admin:catalogue_product_change", args=[product.pk])
    values = fields_of(admin_client, address, "product_form") | {"price": ""}
    refused = admin_client.post(address, values)
    assert "A listed product needs a price." in refused.content.decode()
    product.refresh_from_db()
    assert (product.price, product.listed) == (20, True)
    del values["listed"]
    assert admin_client.post(address, values).status_code == 302
    product.refresh_from_db()
    assert (product.price, product.listed) == (None, False)
    values = fields_of(admin_client, LIST, "changelist-form") | {"_save": "Save"}
    refused = admin_client.post(LIST, values | {"form-0-listed": "on"})
    assert "A listed product needs a price." in refused.content.decode()
    assert admin_client.get(LIST).status_code == 200
    assert not Product.objects.listed().exists()
