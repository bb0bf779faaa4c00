"""Determine what the rows of a batch change in the variants of products."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from shop.catalogue.models import Product, Variant
from shop.catalogue.stock import stock_limit_error
from shop.imports.errors import RowError
from shop.imports.parsing.archives import list_names
from shop.imports.parsing.rows import Row
from shop.imports.writing.batch import Changes, Existing
from shop.imports.writing.differences import changed_fields, mark_changed, warn_of_price_jump


def apply_variant(
    changes: Changes, existing: Existing, product: Product, row: Row
) -> tuple[bool, bool]:
    """Add or update the variant of the row. Raises ``RowError``.

    Return whether the variant was added, and whether an existing one was changed.
    """
    variant = _variant_of(existing, product, row)
    if variant is None:
        if not row.has_sku:
            return False, False
        _check_label(existing, product, None, row.size or "", row.variant_colour or "")
        _check_stock(existing, product, None, row.stock or 0)
        add_variant(changes, existing, product, row)
        return True, False
    values: dict[str, Any] = {
        "stock": row.stock,
        "size": row.size,
        "colour": row.variant_colour,
    }
    values = {name: value for name, value in values.items() if value is not None}
    if row.has_variant_price or is_price_of_variant(row):
        price = _own_price(product, row)
        # A row that repeats the current price gives the variant no price of its own.
        if row.has_variant_price or variant.unit_price != row.price:
            values["price"] = price
    changed = changed_fields(changes, row, variant, values)
    size, colour = (values[n] if n in changed else getattr(variant, n) for n in ("size", "colour"))
    _check_label(existing, product, variant, size, colour)
    if "stock" in changed:
        _check_stock(existing, product, variant, values["stock"])
    if "price" in changed:
        warn_of_price_jump(changes, row, variant.unit_price, values["price"] or product.price)
    for name in changed:
        setattr(variant, name, values[name])
    if "price" in changed and is_price_of_variant(row):
        changes.repriced[id(product)] = product
    if changed and variant.pk:
        changes.changed_variants.append(variant)
        if changed & {"size", "colour"}:
            changes.relabelled.append(variant)
    return False, bool(changed)


def _variant_of(existing: Existing, product: Product, row: Row) -> Variant | None:
    """Return the variant that the row describes, or ``None``. Raises ``RowError``.

    A row without a SKU describes the variant whose SKU is the id, or else the product's only one.
    If the product has several, the row may have no value of a variant, such as the stock.
    """
    if row.has_sku:
        return existing.variants.get(row.sku)
    variants = existing.siblings.get(id(product), [])
    found = [variant for variant in variants if variant.sku == row.sku] or variants
    if len(found) == 1:
        return found[0]
    if column := _first_variant_column(row):
        text = _(
            "“%(product)s” has several SKUs (%(skus)s): add a column “sku” to the file, with a row "
            "for each."
        )
        skus = list_names([variant.sku for variant in variants], short=False)
        raise RowError(text % {"product": product, "skus": skus}, column)
    return None


def _first_variant_column(row: Row) -> str:
    """Return the first column in which the row has a value of a variant, or an empty string."""
    values = {
        "stock": row.stock,
        "size": row.size,
        "variantColour": row.variant_colour,
        "variantPrice": row.variant_price,
    }
    return next((column for column, value in values.items() if value not in (None, "")), "")


def add_variant(changes: Changes, existing: Existing, product: Product, row: Row) -> None:
    """Add a variant with the SKU and values of the row to the product."""
    siblings = existing.siblings.setdefault(id(product), [])
    variant = Variant(
        product=product,
        sku=row.sku,
        stock=row.stock or 0,
        size=row.size or "",
        colour=row.variant_colour or "",
        price=_own_price(product, row),
        position=len(siblings),
    )
    siblings.append(variant)
    existing.variants.setdefault(row.sku, variant)
    changes.new_variants.append(variant)


def is_price_of_variant(row: Row) -> bool:
    """Return whether the price column applies only to the SKU of the row."""
    return row.has_sku and not row.has_variant_price and row.price is not None


def _own_price(product: Product, row: Row) -> Decimal | None:
    """Return the price of the variant itself, or ``None`` if it has the price of its product."""
    if row.variant_price is not None or not row.has_sku:
        return row.variant_price
    if row.has_variant_price and not row.described_on:
        return None
    return None if row.price == product.price else row.price


def _check_label(
    existing: Existing, product: Product, variant: Variant | None, size: str, colour: str
) -> None:
    for other in existing.siblings.get(id(product), []):
        if other is not variant and (other.size, other.colour) == (size, colour):
            label = ", ".join(word for word in (size, colour) if word) or _("no size and colour")
            text = _("%(sku)s of this product already has %(label)s.")
            raise RowError(text % {"sku": other.sku, "label": label}, "size")


def _check_stock(existing: Existing, product: Product, variant: Variant | None, stock: int) -> None:
    siblings = existing.siblings.get(id(product), [])
    stock += sum(other.stock for other in siblings if other is not variant)
    if error := stock_limit_error(stock):
        raise RowError(error, "stock")


def normalise_prices(changes: Changes, product: Product, variants: list[Variant]) -> None:
    """Give the product the price of its first variant.

    Variants with another price get a price of their own.
    """
    prices = [variant.unit_price for variant in variants]
    if None in prices:
        return
    for variant, price in zip(variants, prices, strict=True):
        own = None if price == prices[0] else price
        if variant.price != own:
            variant.price = own
            if variant.pk:
                changes.changed_variants.append(variant)
    if product.price != prices[0]:
        product.price = prices[0]
        if product.pk:
            mark_changed(changes, product, {"price"})
