"""One row of the table, checked: what it says about a product, and nothing that it does not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from django.utils.text import slugify

from shop.catalogue.models import Category, Product
from shop.imports.errors import RowError
from shop.imports.table import Record, checked

MIN_YEAR, MAX_YEAR = 1990, 2100
NOTHING = {"", "na", "n/a", "nan", "null", "none"}
PRICE = re.compile(r"[0-9]{1,8}(\.[0-9]{1,2})?")
STOCK = re.compile(r"[0-9]{1,9}")
CURRENCY = re.compile(r"[A-Z]{3}")
MAX_BRAND_WORDS = 4
# The words that in a fashion product's name follow the brand.
GENDER_WORD = re.compile(r"((wo)?m[ae]n|boy|girl|kid)'?s?'?|unisex")


@dataclass(frozen=True)
class Row:
    """``None`` means that the file does not say: see ``shop.imports.prices``."""

    line: int
    external_id: str
    name: str
    tree: tuple[str, str, str]
    gender: str
    base_colour: str
    season: str
    year: int | None
    usage: str
    brand: str | None
    price: Decimal | None
    currency: str | None
    stock: int | None
    description: str | None


def parse_row(record: Record) -> Row:
    """Raises ``RowError`` with the first thing that is wrong."""
    values = checked(record)
    tree = (
        _category(values, "masterCategory"),
        _category(values, "subCategory"),
        _category(values, "articleType"),
    )
    gender, colour = _gender(values), _attribute(values, "baseColour", "base_colour")
    return Row(
        line=record.line,
        external_id=_external_id(values),
        name=_name(values, gender, colour),
        tree=tree,
        gender=gender,
        base_colour=colour,
        season=_attribute(values, "season", "season"),
        year=_year(values),
        usage=_attribute(values, "usage", "usage"),
        brand=_attribute(values, "brand", "brand") if "brand" in values else None,
        price=_price(values),
        currency=_currency(values),
        stock=_stock(values),
        description=values["description"].strip() if "description" in values else None,
    )


def external_id(record: Record) -> str:
    """The id of a row that may be good for nothing else."""
    return _text(record.values, "id")


def brand_of(name: str, base_colour: str) -> str:
    """The leading words of a name, up to the gender: "Nike" in "Nike Men Blue Jersey".

    A colour before the gender is no part of the brand, unless it comes first, as in "Red Tape".
    """
    words = name.split()
    lower = [word.lower().replace("’", "'") for word in words]
    end = next((i for i, word in enumerate(lower) if GENDER_WORD.fullmatch(word)), 0)
    colours = set(base_colour.lower().split())
    end = next((i for i in range(1, end) if lower[i] in colours), end)
    brand = " ".join(words[:end])
    return brand if end <= MAX_BRAND_WORDS and len(brand) <= _max_length("brand") else ""


def _text(values: dict[str, str], column: str) -> str:
    return " ".join(values.get(column, "").split())


def _max_length(field: str) -> int:
    return int(getattr(Product._meta.get_field(field), "max_length", 0))


def _limited(text: str, column: str, limit: int) -> str:
    if len(text) > limit:
        raise RowError(f"{column} has {len(text)} characters; at most {limit} are allowed.")
    return text


def _attribute(values: dict[str, str], column: str, field: str) -> str:
    text = _text(values, column)
    return "" if text.lower() in NOTHING else _limited(text, column, _max_length(field))


def _external_id(values: dict[str, str]) -> str:
    text = _text(values, "id")
    if not text:
        raise RowError("The id is empty.")
    return _limited(text, "id", _max_length("external_id"))


def _category(values: dict[str, str], column: str) -> str:
    text = _text(values, column)
    if not text:
        raise RowError(f"{column} is empty.")
    slug = slugify(text)
    if not slug:
        raise RowError(f"{column} needs letters or digits of the Latin alphabet for its address.")
    limit = int(Category._meta.get_field("slug").max_length or 0)
    _limited(slug, column, limit)
    return _limited(text, column, limit)


def _gender(values: dict[str, str]) -> str:
    text = _attribute(values, "gender", "gender")
    if text and text not in Product.Gender.values:
        allowed = ", ".join(Product.Gender.values)
        raise RowError(f"gender is {text}; it must be empty or one of {allowed}.")
    return text


def _name(values: dict[str, str], gender: str, colour: str) -> str:
    """The name in the file, or one of the attributes, such as "Men Blue Tshirts"."""
    text = _text(values, "productDisplayName")
    if text.lower() in NOTHING:
        text = " ".join(part for part in (gender, colour, _text(values, "articleType")) if part)
    return _limited(text, "productDisplayName", _max_length("name"))


def _year(values: dict[str, str]) -> int | None:
    text = _text(values, "year")
    if text.lower() in NOTHING:
        return None
    if not re.fullmatch(r"[0-9]{4}", text) or not MIN_YEAR <= int(text) <= MAX_YEAR:
        raise RowError(f"year is {text[:20]}; it must be empty or {MIN_YEAR} to {MAX_YEAR}.")
    return int(text)


def _price(values: dict[str, str]) -> Decimal | None:
    text = _text(values, "price")
    if not text:
        return None
    if not PRICE.fullmatch(text) or not Decimal(text):
        raise RowError(f"price is {text[:20]}; write it above 0 and with a point, such as 19.90.")
    return Decimal(text).quantize(Decimal("0.01"))


def _currency(values: dict[str, str]) -> str | None:
    text = _text(values, "currency")
    if text and not CURRENCY.fullmatch(text):
        raise RowError(f"currency is {text[:20]}; write three capital letters, such as EUR.")
    return text or None


def _stock(values: dict[str, str]) -> int | None:
    text = _text(values, "stock")
    if text and not STOCK.fullmatch(text):
        raise RowError(f"stock is {text[:20]}; write a whole number of pieces, 0 or more.")
    return int(text) if text else None
