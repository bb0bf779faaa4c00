"""Find the fields that a row changes, and warn of changes that are probably mistakes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from shop.catalogue.models import Product, Variant
from shop.imports.errors import RowError
from shop.imports.parsing.rows import Row, normalise_field
from shop.imports.writing.batch import Changes
from shop.imports.writing.damage import is_damaged

# The names of columns that differ from the names of their fields.
COLUMNS = {"name": "productDisplayName", "base_colour": "baseColour", "colour": "variantColour"}


def changed_fields(
    changes: Changes, row: Row, there: Product | Variant, values: dict[str, Any]
) -> set[str]:
    """Return the names of the fields that the row changes.

    Text that a spreadsheet has damaged is not imported; a warning about it is added.
    """
    changed = {name for name in values if _differs(name, getattr(there, name), values[name])}
    for name in [name for name in changed if isinstance(values[name], str)]:
        before, after = getattr(there, name), values[name]
        if is_damaged(before, after):
            changed.discard(name)
            text = _("%(after)s is what a spreadsheet makes of %(before)s, which stays.")
            message = text % {"after": after[:80], "before": before[:80]}
            changes.warned.append((row, RowError(message, COLUMNS.get(name, name))))
    return changed


def _differs(name: str, current: Any, value: Any) -> bool:
    """Return whether the imported value is a change.

    The field is unchanged if it already has the value, or would have it after an export and import.
    """
    return bool(current != value and normalise_field(name, current) != value)


def warn_of_price_jump(
    changes: Changes, row: Row, before: Decimal | None, after: Decimal | None
) -> None:
    """Warn of a price that changes by more than half, which may be a misplaced decimal mark."""
    if before and after and abs(after - before) > before / 2:
        text = _("The price changes from %(before)s to %(after)s.")
        warning = RowError(text % {"before": before, "after": after}, "price")
        changes.warned.append((row, warning))


def mark_changed(changes: Changes, product: Product, fields: set[str]) -> None:
    """Add the product to those that the batch writes, with these fields."""
    product.updated = timezone.now()
    changes.changed.append(product)
    changes.fields |= fields | {"updated"}
