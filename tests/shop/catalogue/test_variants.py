from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import translation

from shop.catalogue.models import Product, Variant
from tests.factories import make_product, make_variant


def stock(product: Product) -> int:
    return Product.objects.get(pk=product.pk).stock


@pytest.mark.django_db
def test_a_products_stock_is_the_sum_over_its_variants() -> None:
    shirt, other = make_product(stock=4), make_product(stock=1)
    medium = make_variant(shirt, size="M", stock=5)
    assert stock(shirt) == 9
    Variant.objects.filter(product=shirt).update(stock=F("stock") - 2)
    assert stock(shirt) == 5
    medium.delete()
    assert (stock(shirt), stock(other)) == (2, 1)
    Variant.objects.bulk_create([Variant(product=shirt, sku=s, size=s, stock=3) for s in "LX"])
    assert stock(shirt) == 8


@pytest.mark.django_db
def test_the_stock_of_a_moved_variant_moves_with_it() -> None:
    shirt, other = make_product(stock=4), make_product(stock=1)
    Variant.objects.filter(product=shirt).update(product=other, size="M")
    assert (stock(shirt), stock(other)) == (0, 5)


@pytest.mark.django_db
def test_stock_never_goes_below_zero() -> None:
    shirt = make_product(stock=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Variant.objects.update(stock=F("stock") - 2)
    assert stock(shirt) == 1


@pytest.mark.django_db
def test_saving_a_product_does_not_overwrite_its_stock() -> None:
    shirt = make_product(stock=5)
    loaded = Product.objects.get(pk=shirt.pk)
    Variant.objects.update(stock=1)
    loaded.name = "New name"
    loaded.save()
    assert Product.objects.values_list("name", "stock").get() == ("New name", 1)


@pytest.mark.django_db
def test_a_variants_price_takes_precedence_over_the_products() -> None:
    shirt = make_product(price=Decimal("20.00"))
    plain = shirt.variants.get()
    large = make_variant(shirt, size="XL", price=Decimal("22.00"))
    assert (plain.unit_price, large.unit_price) == (Decimal("20.00"), Decimal("22.00"))
    assert (plain.label, large.label) == ("", "XL")


def test_a_variant_is_labelled_in_the_language_of_the_shopper() -> None:
    variant = Variant(size="M", colour="navy blue")
    assert variant.label == "M, Navy Blue"
    with translation.override("de"):
        assert variant.label == "M, Marineblau"


@pytest.mark.django_db(transaction=True)
def test_concurrent_sales_of_two_variants_both_count() -> None:
    shirt = make_product(stock=100)
    variants = [shirt.variants.get(), make_variant(shirt, size="M", stock=100)]
    start = Barrier(2)

    def sell(variant: Variant) -> None:
        start.wait()
        for _ in range(20):
            Variant.objects.filter(pk=variant.pk).update(stock=F("stock") - 1)
        connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(sell, variants))
    assert stock(shirt) == 160
