"""Parse and validate one row of a table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from shop.catalogue.models import Category, Product, Variant
from shop.catalogue.slugs import category_slug
from shop.imports.errors import RowError
from shop.imports.parsing.columns import IMAGE
from shop.imports.parsing.html_text import plain_text
from shop.imports.parsing.numbers import read_number
from shop.imports.parsing.pictures import split_names
from shop.imports.parsing.records import Record, valid_values
from shop.imports.parsing.words import (
    DATE,
    GENDER_WORDS,
    INVISIBLE,
    SCIENTIFIC,
    folded_gender,
)

T = TypeVar("T")
MIN_YEAR, MAX_YEAR = 1990, 2100
EMPTY_WORDS = {"", "na", "n/a", "nan", "null", "none"}
YES = {"yes", "true", "1", "ja", "wahr", "y", "x"}
NO = {"no", "false", "0", "nein", "falsch", "n"}
# The fields of a product for which ``EMPTY_WORDS`` count as empty.
ATTRIBUTES = {"gender", "base_colour", "season", "usage", "brand"}
CENT = Decimal("0.01")
MAX_PRICE, MAX_STOCK = 10**8, 10**9
YEAR = re.compile(r"([0-9]{4})([.,]0+)?")
WHOLE_NUMBER = re.compile(r"[0-9]+[.,]0{1,2}")
CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True)
class Row:
    """Holds the values of one row; ``None`` means that the file does not have the value.

    ``provided_fields`` are the fields of ``Product`` for which the file has a column; an empty name
    is left out. ``addresses`` are the URLs of pictures on the web. ``described_on`` is 0 for the
    first row of a product, which describes it; a later row only adds a variant, and
    ``described_on`` is the line of that first row.
    """

    line: int
    external_id: str
    sku: str
    provided_fields: dict[str, Any]
    category_names: tuple[str, ...] | None
    category_path: str
    brand: str | None
    price: Decimal | None
    has_price: bool
    has_name: bool
    listed: bool | None
    currency: str | None
    stock: int | None
    description: str | None
    size: str | None
    variant_colour: str | None
    variant_price: Decimal | None
    has_variant_price: bool
    has_sku: bool
    has_id: bool
    addresses: tuple[str, ...] = ()
    warnings: tuple[RowError, ...] = ()
    described_on: int = 0

    @property
    def name(self) -> str:
        return str(self.provided_fields.get("name", ""))

    @property
    def base_colour(self) -> str:
        return str(self.provided_fields.get("base_colour", ""))


class _Reader:
    """Parses the cells of one row, and collects all errors instead of stopping at the first."""

    def __init__(self, values: dict[str, str], decimal: str) -> None:
        self.values, self.decimal = values, decimal
        self.faults: list[RowError] = []

    def __call__(self, parse: Callable[..., T], *arguments: Any) -> T | None:
        try:
            return parse(self.values, *arguments)
        except RowError as fault:
            self.faults.append(fault)
            return None

    def price(self, column: str) -> Decimal | None:
        return self(_price, column, self.decimal)

    def attribute(self, column: str, field: str) -> str:
        return self(_attribute, column, field) or ""

    def variant(self, column: str, field: str) -> str | None:
        return self(_variant, column, field)


def parse_row(record: Record, decimal: str = ".", genders: Mapping[str, str] = GENDER_WORDS) -> Row:
    """Parse a record. Raises one ``RowError`` that combines all errors.

    ``decimal`` is the decimal mark of the file; ``genders`` maps words to genders.
    """
    values, warnings = _remove_invisible(valid_values(record))
    read = _Reader(values, decimal)
    sku = read(_key, "sku" if "sku" in values else "id") or ""
    # An empty id is allowed, because products created by hand are exported without one.
    has_id = "id" in values and (bool(values["id"].strip()) or "sku" not in values)
    row = Row(
        line=record.line,
        external_id=(read(_key, "id") or "") if has_id and "sku" in values else sku,
        sku=sku,
        provided_fields=_provided_fields(read, genders),
        category_names=_category_names(read),
        category_path=_text(values, "categoryPath"),
        brand=read.attribute("brand", "brand") if "brand" in values else None,
        price=read.price("price"),
        has_price="price" in values,
        has_name="productDisplayName" in values,
        listed=read(_listed),
        currency=read(_currency),
        stock=read(_stock, decimal),
        description=_normalise_text(values["description"]) if "description" in values else None,
        size=read.variant("size", "size"),
        variant_colour=read.variant("variantColour", "colour"),
        variant_price=read.price("variantPrice"),
        has_variant_price="variantPrice" in values,
        has_sku="sku" in values,
        has_id=has_id,
        warnings=(*warnings, *record.warnings, *_date_warnings(values)),
        addresses=tuple(split_names(values.get(IMAGE, ""))[1]),
    )
    if read.faults:
        raise RowError.of(read.faults)
    return row


def _remove_invisible(values: dict[str, str]) -> tuple[dict[str, str], list[RowError]]:
    """Return the values without invisible characters, and a warning for each that had some."""
    if all(text.isascii() for text in values.values()):
        return values, []
    found = [column for column, text in values.items() if INVISIBLE.search(text)]
    text = _("%(column)s contained invisible characters, which were removed.")
    cleaned = {column: INVISIBLE.sub("", values[column]) for column in found}
    return values | cleaned, [RowError(text % {"column": column}, column) for column in found]


def _date_warnings(values: dict[str, str]) -> Iterator[RowError]:
    """Warn of values such as the size "10-12" that a spreadsheet turned into a date."""
    for column in ("id", "sku", "size"):
        if DATE.fullmatch(_text(values, column)):
            yield _date_fault(values, column)


def _date_fault(values: dict[str, str], column: str) -> RowError:
    text = _("%(column)s is %(value)s: a spreadsheet may have turned it into a date.")
    return RowError(text % {"column": column, "value": _text(values, column)[:20]}, column)


def normalise_field(name: str, value: Any) -> Any:
    """Return the value that a field of a product would have after an export and an import."""
    if not isinstance(value, str):
        return value
    if name == "description":
        return _normalise_text(value)
    text = " ".join(value.split())
    return "" if name in ATTRIBUTES and text.lower() in EMPTY_WORDS else text


def _normalise_text(text: str) -> str:
    """Return the text without HTML and with line feeds as line breaks."""
    text = plain_text(text)
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def external_id(record: Record) -> str:
    """Return the SKU or id of a row, even if the row is invalid."""
    return _text(record.values, "sku" if "sku" in record.values else "id")


def _provided_fields(read: _Reader, genders: Mapping[str, str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    values = read.values
    if "gender" in values:
        fields["gender"] = read(_gender, genders) or ""
    for column, name in (("baseColour", "base_colour"), ("season", "season"), ("usage", "usage")):
        if column in values:
            fields[name] = read.attribute(column, name)
    if "year" in values:
        fields["year"] = read(_year)
    if text := read(_name):
        fields["name"] = text
    return fields


def _category_names(read: _Reader) -> tuple[str, ...] | None:
    columns = ("masterCategory", "subCategory", "articleType")
    values = read.values
    if values.get("categoryPath", "").strip():
        return None
    if values.get("category", "").strip():
        return read(_split_category)
    if not all(name in values for name in columns):
        return None
    if not any(values[name].strip() for name in columns):
        return None
    return tuple(read(_category, name) or "" for name in columns)


def _variant(values: dict[str, str], column: str, field: str) -> str | None:
    if column not in values:
        return None
    limit = int(getattr(Variant._meta.get_field(field), "max_length", 0))
    return _limited(_text(values, column), column, limit)


def _text(values: dict[str, str], column: str) -> str:
    return " ".join(values.get(column, "").split())


def _max_length(field: str) -> int:
    return int(getattr(Product._meta.get_field(field), "max_length", 0))


def _limited(text: str, column: str, limit: int) -> str:
    if len(text) > limit:
        message = _("%(column)s has %(length)s characters; at most %(limit)s are allowed.")
        values = {"column": column, "length": len(text), "limit": limit}
        raise RowError(message % values, column)
    return text


def _attribute(values: dict[str, str], column: str, field: str) -> str:
    text = _text(values, column)
    return "" if text.lower() in EMPTY_WORDS else _limited(text, column, _max_length(field))


def _key(values: dict[str, str], column: str) -> str:
    text = values.get(column, "").strip()
    if not text:
        raise RowError(_("The %(column)s is empty.") % {"column": column}, column)
    if SCIENTIFIC.fullmatch(text):
        message = _(
            "%(column)s is %(value)s: a spreadsheet has shortened a long number. Format "
            "the column as text and save the file again."
        )
        raise RowError(message % {"column": column, "value": text}, column)
    return _limited(text, column, _max_length("external_id"))


def _split_category(values: dict[str, str]) -> tuple[str, ...]:
    names = [name.strip() for name in values["category"].split(">")]
    return tuple(_category({"category": name}, "category") for name in names if name)


def _category(values: dict[str, str], column: str) -> str:
    text = _text(values, column)
    if not text:
        raise RowError(_("%(column)s is empty.") % {"column": column}, column)
    slug = category_slug(text)
    if not slug:
        message = _("%(column)s needs letters or digits for its address.")
        raise RowError(message % {"column": column}, column)
    limit = int(Category._meta.get_field("slug").max_length or 0)
    _limited(slug, column, limit)
    return _limited(text, column, limit)


def _gender(values: dict[str, str], genders: Mapping[str, str]) -> str:
    text = _text(values, "gender")
    gender = "" if text.lower() in EMPTY_WORDS else genders.get(folded_gender(text))
    if gender is None:
        allowed = ", ".join(Product.Gender.values)
        message = _(
            "gender is %(value)s; it must be empty or one of %(allowed)s, or a word that "
            "staff add under Gender synonyms."
        )
        raise RowError(message % {"value": text[:20], "allowed": allowed}, "gender")
    return gender


def _name(values: dict[str, str]) -> str:
    text = _text(values, "productDisplayName")
    if text.lower() in EMPTY_WORDS:
        return ""
    return _limited(text, "productDisplayName", _max_length("name"))


def _year(values: dict[str, str]) -> int | None:
    text = _text(values, "year")
    if text.lower() in EMPTY_WORDS:
        return None
    found = YEAR.fullmatch(text)
    if not found or not MIN_YEAR <= int(found[1]) <= MAX_YEAR:
        message = _("year is %(value)s; it must be empty or %(first)s to %(last)s.")
        limits = {"first": MIN_YEAR, "last": MAX_YEAR}
        raise RowError(message % {"value": text[:20], **limits}, "year")
    return int(found[1])


def _price(values: dict[str, str], column: str, decimal: str) -> Decimal | None:
    text = _text(values, column)
    if not text:
        return None
    if DATE.fullmatch(text):  # "Sep 90" could otherwise be an amount in the currency "Sep"
        raise _date_fault(values, column)
    number = read_number(values[column], decimal)
    if not number or number >= MAX_PRICE:
        message = _("%(column)s is %(value)s; enter an amount above 0, such as %(example)s.")
        example = f"19{decimal}90"
        raise RowError(message % {"column": column, "value": text[:20], "example": example}, column)
    price = number.quantize(CENT)
    if price != number:
        message = _("%(column)s is %(value)s; at most two decimal places are allowed.")
        raise RowError(message % {"column": column, "value": text[:20]}, column)
    return price


def _listed(values: dict[str, str]) -> bool | None:
    text = _text(values, "listed").casefold()
    if text and text not in YES | NO:
        message = _("listed is %(value)s; enter yes or no.")
        raise RowError(message % {"value": text[:20]}, "listed")
    return text in YES if text else None


def _currency(values: dict[str, str]) -> str | None:
    text = _text(values, "currency")
    if text and not CURRENCY.fullmatch(text):
        message = _("currency is %(value)s; enter three capital letters, such as EUR.")
        raise RowError(message % {"value": text[:20]}, "currency")
    return text or None


def _stock(values: dict[str, str], decimal: str) -> int | None:
    text = _text(values, "stock")
    if not text:
        return None
    if DATE.fullmatch(text):
        raise _date_fault(values, "stock")
    number = read_number(values["stock"], decimal)
    # A file with prices such as 19,90 may have a stock such as 5.0.
    if number is None and WHOLE_NUMBER.fullmatch(text):
        number = Decimal(re.split("[.,]", text)[0])
    # The limit is checked first, because ``%`` fails for a quotient of more than 28 digits.
    if number is None or number >= MAX_STOCK or number % 1:
        message = _("stock is %(value)s; enter a whole number, 0 or more.")
        raise RowError(message % {"value": text[:20]}, "stock")
    return int(number)
