"""An import into an open shop: search words, statistics and locks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.db.models import F

from shop.catalogue.browsing.spelling import refresh_search_words
from shop.catalogue.models import Product, SearchWord, Variant
from shop.imports.jobs.run import Result, import_catalogue
from tests.factories import make_product, make_variant
from tests.locks import wait_until_a_lock_blocks
from tests.shop.imports.conftest import SOLD_HEADER, result_counts, row, sold_row

pytestmark = pytest.mark.django_db


def test_new_rows_add_search_words_and_a_recount_removes_old_ones(make_folder):
    import_catalogue(make_folder(sold_row(1), sold_row(2), header=SOLD_HEADER))
    changed = (sold_row(1, "Nike Men Blue Cardigan"), sold_row(2), sold_row(3))
    import_catalogue(make_folder(*changed, header=SOLD_HEADER))
    words = SearchWord.objects.filter(word__in=["jersey", "cardigan"])
    assert dict(words.values_list("word", "products")) == {"jersey": 3, "cardigan": 1}
    refresh_search_words()
    assert dict(words.values_list("word", "products")) == {"jersey": 2, "cardigan": 1}


def test_rows_without_new_words_are_not_recounted(make_folder):
    import_catalogue(make_folder(sold_row(1), header=SOLD_HEADER))
    Product.objects.update(season="Winter")
    assert result_counts(import_catalogue(make_folder(row(1)))) == (0, 1, 0, 0)
    assert SearchWord.objects.get(word="jersey").products == 1


@pytest.mark.django_db(transaction=True)
def test_tables_are_analysed_when_a_tenth_has_changed(make_folder):
    for _ in range(40):
        make_product()
    before = _analysed()
    taken = []
    for last in (1, 2, 6):
        import_catalogue(make_folder(*(row(number) for number in range(1, last + 1))))
        taken.append(_analysed() - before)
    assert taken == [1, 1, 2]


def _analysed() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT analyze_count FROM pg_stat_user_tables WHERE relname = 'catalogue_product'"
        )
        return cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
def test_a_sale_and_an_import_of_one_product_never_deadlock(make_folder):
    """Both lock the variant first: the import waits and holds nothing that the sale needs."""
    product = make_product(external_id="1", stock=0)
    sold = make_variant(product, sku="1", size="M", stock=10)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Variant.objects.select_for_update().get(pk=sold.pk)
            coming = pool.submit(_import_alone, make_folder(row(1)))
            wait_until_a_lock_blocks()
            Variant.objects.filter(pk=sold.pk).update(stock=F("stock") - 1)
        assert result_counts(coming.result()) == (0, 1, 0, 0)
    product.refresh_from_db()
    assert (product.name, product.stock) == ("Nike Men Blue Jersey", 9)


def _import_alone(folder: Path) -> Result:
    try:
        return import_catalogue(folder)
    finally:
        connection.close()
