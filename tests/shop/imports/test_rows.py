from __future__ import annotations

from decimal import Decimal

import pytest

from shop.imports.errors import RowError
from shop.imports.parsing.columns import KAGGLE_COLUMNS
from shop.imports.parsing.csv_rows import split_kaggle_line
from shop.imports.parsing.records import Record
from shop.imports.parsing.rows import parse_row
from shop.imports.writing.sample_data import PRICES, sample_brand, sample_price, sample_stock

GOOD = dict(
    zip(
        KAGGLE_COLUMNS,
        (
            *("7", "Men", "Apparel", "Topwear", "Tshirts", "Blue", "Summer", "2012"),
            *("Casual", "Nike  Men Jersey"),
        ),
        strict=True,
    )
)


def parse(**values: str):
    return parse_row(Record(2, [], GOOD | values))


def test_a_good_row_is_read_field_by_field():
    row = parse()
    assert (row.external_id, row.name, row.provided_fields["gender"]) == (
        "7",
        "Nike Men Jersey",
        "Men",
    )
    assert row.category_names == ("Apparel", "Topwear", "Tshirts")
    fields = [row.provided_fields[name] for name in ("base_colour", "season", "year", "usage")]
    assert fields == ["Blue", "Summer", 2012, "Casual"]
    assert (row.brand, row.price, row.currency, row.stock, row.description) == (None,) * 5


@pytest.mark.parametrize("nothing", ["", "NA", "na", " "])
def test_na_and_empty_attributes_are_empty(nothing):
    row = parse(gender=nothing, season=nothing, year=nothing, usage=nothing, baseColour=nothing)
    fields = {name: value for name, value in row.provided_fields.items() if name != "name"}
    assert fields == {"gender": "", "season": "", "year": None, "usage": "", "base_colour": ""}


@pytest.mark.parametrize("nothing", ["", "NA"])
def test_an_empty_name_is_not_provided(nothing):
    assert "name" not in parse(productDisplayName=nothing).provided_fields


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"id": ""}, "id is empty"),
        ({"id": "x" * 65}, "at most 64"),
        ({"gender": "Robots"}, "gender is Robots"),
        ({"year": "1989"}, "1990 to 2100"),
        ({"year": "2101"}, "1990 to 2100"),
        ({"year": "soon"}, "1990 to 2100"),
        ({"masterCategory": ""}, "masterCategory is empty"),
        ({"articleType": "!!!"}, "letters or digits"),
        ({"articleType": "x" * 81}, "at most 80"),
        ({"productDisplayName": "x" * 256}, "at most 255"),
        ({"season": "x" * 21}, "at most 20"),
        ({"price": "0"}, "above 0"),
        ({"price": "0.00"}, "above 0"),
        ({"price": "-1"}, "above 0"),
        ({"price": "19,90"}, "such as 19.90"),
        ({"price": "NaN"}, "above 0"),
        ({"price": "1.999"}, "two decimal places"),
        ({"price": "123456789"}, "above 0"),
        ({"stock": "-1"}, "whole number"),
        ({"stock": "1.5"}, "whole number"),
        ({"stock": "1000000000"}, "whole number"),
        ({"stock": "9" * 40}, "whole number"),
        ({"currency": "euro"}, "three capital letters"),
    ],
)
def test_a_wrong_value_is_refused_with_its_reason(values, reason):
    with pytest.raises(RowError, match=reason):
        parse(**values)


def test_every_error_of_a_row_is_reported():
    with pytest.raises(RowError) as error:
        parse(gender="Robots", year="24", price="-1", stock="1.5")
    assert [fault.column for fault in error.value.faults] == ["gender", "year", "price", "stock"]


def test_the_optional_columns_are_read():
    row = parse(brand="Acme", price="19.9", currency="USD", stock="0", description=" Soft. ")
    assert (row.brand, row.price, row.currency) == ("Acme", Decimal("19.90"), "USD")
    assert (row.stock, row.description) == (0, "Soft.")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Soft &amp; warm</p> &lt; 5", "Soft & warm\n\n< 5"),
        ("<p>Soft <![if !vml]>and<![endif]> warm</p>", "Soft and warm"),
        ("<p>Soft <![ endif]--> shirt</p>", "Soft <![ endif]--> shirt"),
    ],
)
def test_html_becomes_text_even_if_it_is_malformed(html, text):
    assert parse(description=html).description == text


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("1,a,b,c,d,e,f,g,h,One, two,three", "One, two,three"),
        ('1,a,b,c,d,e,f,g,h,"One, two"', "One, two"),
        ('1,a,b,c,d,e,f,g,h,"Say ""hi"""', 'Say "hi"'),
        ('1,a,b,c,d,e,f,g,h,Tempo 3.5" Short', 'Tempo 3.5" Short'),
        ('1,a,b,c,d,e,f,g,h,"Hi" shirt, blue', '"Hi" shirt, blue'),
        ('1,a,b,c,d,e,f,g,h,"Open', '"Open'),
    ],
)
def test_the_last_column_of_kaggles_layout_keeps_its_commas_and_quotes(line, name):
    cells = split_kaggle_line(line)
    assert (len(cells), cells[-1]) == (10, name)


@pytest.mark.parametrize(
    ("name", "colour", "brand"),
    [
        ("Nike Men Blue T20 Jersey", "Blue", "Nike"),
        ("United Colors of Benetton Men White Shirt", "White", "United Colors of Benetton"),
        ("Nike Women's Short", "", "Nike"),
        ("Levi’s Kids’ Jeans", "", "Levi’s"),
        ("Murcia Brown Women Bag", "Brown", "Murcia"),
        ("Red Tape Men Red Shoe", "Red", "Red Tape"),
        ("Mr.Men Maroon T-shirt", "Maroon", ""),
        ("Puma Deck Navy Blue Backpack", "Navy Blue", ""),
        ("Men Blue Tshirts", "Blue", ""),
        ("One Two Three Four Five Men Shirt", "", ""),
        ("x" * 81 + " Men Shirt", "", ""),
    ],
)
def test_the_sample_brand_is_the_words_before_the_gender(name, colour, brand):
    assert sample_brand(name, colour) == brand


def test_sample_prices_are_deterministic_and_within_their_range():
    prices = [sample_price(str(i), "Accessories", "Watches") for i in range(2000)]
    low, high = PRICES["types"]["Watches"]
    assert prices == [sample_price(str(i), "Accessories", "Watches") for i in range(2000)]
    assert all(low <= price < high + 5 for price in prices)
    assert {str(price % 1) for price in prices} == {"0.00", "0.50", "0.90", "0.95", "0.99"}


def test_unknown_types_get_a_sample_price_too():
    assert 30 <= sample_price("1", "Footwear", "Clogs") < 105
    assert 15 <= sample_price("1", "Things", "Thing") < 65


def test_about_four_percent_of_sample_stocks_are_sold_out():
    stocks = [sample_stock(str(i)) for i in range(10_000)]
    assert 350 <= stocks.count(0) <= 450
    assert 700 <= sum(0 < stock <= 3 for stock in stocks) <= 900
    assert max(stocks) <= 60
