"""Values of thousands of characters, which must not take a worker's time for minutes."""

from __future__ import annotations

from time import process_time

import pytest

from shop.catalogue.models import Product
from shop.imports.parsing.html_text import plain_text
from shop.imports.parsing.numbers import read_number
from shop.imports.writing.damage import is_damaged
from tests.factories import make_product
from tests.shop.imports.conftest import SHIRT, SOLD_HEADER
from tests.shop.imports.doors import Door

LONG = 100_000


@pytest.mark.django_db
def test_a_long_description_that_lost_its_letters_stays_with_a_warning(door: Door) -> None:
    description = "綿のシャツ、" * 1_700
    product = make_product(external_id="1", description=description)
    outcome = door.bring(f"id,description\n1,{'?' * len(description)}\n")
    ((line, reason),) = outcome.warned
    assert (outcome.counts, line) == ((0, 0, 1, 0), 2)
    assert reason.endswith("which stays.")
    assert Product.objects.get(pk=product.pk).description == description


@pytest.mark.django_db
def test_ids_that_grow_when_they_become_slugs_are_imported(door: Door) -> None:
    first, second = "㎓" * 63, "㎓" * 64
    rows = [f"{i},{SHIRT},Shirt,20.00,5" for i in (first, second)]
    outcome = door.bring("\n".join([SOLD_HEADER, *rows]), [f"{first}.jpg", f"{second}.jpg"])
    assert (outcome.counts, outcome.rejected) == ((2, 0, 0, 0), [])
    assert max(map(len, Product.objects.values_list("slug", flat=True))) <= 120


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Żółta bluza", "?ó?ta bluza"),
        ("Lato 😀!", "Lato ?!"),
        ("Lato 😀!", "Lato ??!"),
        ("😀é中" * 5, "??é?" * 5),
        ("Warum? Ähm", "Warum? ?hm"),
    ],
)
def test_question_marks_in_place_of_letters_are_damage(before: str, after: str) -> None:
    assert is_damaged(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("綿", "??"),
        ("綿 shirt", "? skirt"),
        ("shirt", "?hirt"),
        ("綿シ", "???"),
        ("Żółta", "Zółta"),
    ],
)
def test_other_texts_with_question_marks_are_not_damage(before: str, after: str) -> None:
    assert not is_damaged(before, after)


def test_a_number_of_thousands_of_digits_is_not_a_date() -> None:
    digits = "1" * 5_000
    assert not is_damaged(digits, "01.02.2024")
    assert not is_damaged("3-4", f"2024-01-02T{digits}")


@pytest.mark.parametrize("filler", [" ", "\n", "€", "'", ".", "-", "0", "1,", "EUR "])
def test_a_long_amount_is_read_in_linear_time(filler: str) -> None:
    started = process_time()
    for end in ("", "1", "x"):
        for mark in ".,":
            read_number(f"1{filler * LONG}{end}", mark)
    assert process_time() - started < 5


@pytest.mark.parametrize("filler", ["<p ", "<a b='", "<!--", "<!", "</p", "&#", "<li>", "<script>"])
def test_malformed_html_is_read_in_linear_time(filler: str) -> None:
    started = process_time()
    for end in ("", "x", ">"):
        plain_text(f"<p>Soft.</p>{filler * (LONG // len(filler))}{end}")
    assert process_time() - started < 5
