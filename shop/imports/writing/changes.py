"""Determine what a batch of rows changes in the shop; ``writer`` writes the changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from shop.catalogue.models import Category, Product, ProductImage
from shop.catalogue.slugs import product_slug
from shop.imports.errors import RowError
from shop.imports.parsing.rows import Row
from shop.imports.writing.batch import Changes, Existing
from shop.imports.writing.categories import CategoryTree
from shop.imports.writing.differences import changed_fields, mark_changed, warn_of_price_jump
from shop.imports.writing.preparation import PreparedPicture, PreparedRow
from shop.imports.writing.sample_data import (
    sample_brand,
    sample_name,
    sample_price,
    sample_stock,
)
from shop.imports.writing.variants import (
    add_variant,
    apply_variant,
    is_price_of_variant,
    normalise_prices,
)

# Spelling corrections use only the words of these fields, because descriptions have too many.
WORD_FIELDS = {"name", "brand", "keywords"}


@dataclass(frozen=True)
class Defaults:
    """Holds the values that staff chose for new products whose rows have none."""

    category: Category | None = None
    gender: str = ""


def find_changes(
    rows: Iterable[PreparedRow],
    existing: Existing,
    tree: CategoryTree,
    defaults: Defaults,
    *,
    sample_data: bool,
) -> Changes:
    """Return the changes, and count each row as imported, updated, unchanged or rejected.

    With ``sample_data``, made-up values are used for what the rows of new products lack.
    """
    changes = Changes(sample_values=Counter() if sample_data else None)
    created_before = len(tree.created)
    with_pictures: set[int] = set()
    for prepared in rows:
        try:
            _apply_row(changes, prepared, existing, tree, defaults, with_pictures)
        except RowError as error:
            changes.rejected.append((prepared.row, error))
    for product in changes.repriced.values():
        normalise_prices(changes, product, existing.siblings[id(product)])
    changes.categories = tree.created[created_before:]
    return changes


def _apply_row(
    changes: Changes,
    prepared: PreparedRow,
    existing: Existing,
    tree: CategoryTree,
    defaults: Defaults,
    with_pictures: set[int],
) -> None:
    row = prepared.row
    _check_zeros(row, existing)
    if (merged := _merged_product_of(row, existing)) is not None:
        _apply_merged_row(changes, existing, merged, row)
        return
    product = _product_of(row, existing)
    if product is None:
        _add_product(changes, prepared, existing, tree, defaults)
        return
    # Everything that may reject the row comes first, so that a rejected row changes nothing.
    category = _named_category(row, tree)
    if row.category_names:
        category = category or tree.existing(row.category_names)
    is_new_variant, variant_changed = apply_variant(changes, existing, product, row)
    if row.category_names:
        category = category or tree.find(row.category_names)
    is_new = product.pk is None
    fields = set() if is_new else _update_product(changes, product, row, category)
    pictures = False
    if prepared.pictures is not None and id(product) not in with_pictures and not is_new:
        with_pictures.add(id(product))
        pictures = _compare_images(changes, product, prepared.pictures, existing)
    if is_new_variant:
        changes.imported += 1
    elif fields or pictures or variant_changed:
        changes.updated += 1
    else:
        changes.unchanged += 1


def _check_zeros(row: Row, existing: Existing) -> None:
    """Raise ``RowError`` if the shop has the id or SKU of the row with leading zeros.

    A spreadsheet may have removed the zeros from the file.
    """
    for column, key in (("sku", row.sku), ("id", row.external_id)):
        if padded := existing.padded.get(key):
            text = _(
                "The shop has %(padded)s: a spreadsheet may have taken the zeros away. Format the "
                "column as text and save the file again."
            )
            raise RowError(text % {"padded": padded}, column if row.has_sku else "id")


def _product_of(row: Row, existing: Existing) -> Product | None:
    """Return the product of the row, or ``None``. Raises ``RowError`` if id and SKU disagree."""
    by_id = existing.products.get(row.external_id)
    variant = existing.variants.get(row.sku) if row.has_sku else None
    if variant is None:
        if by_id is not None and not row.has_id:
            text = _("%(product)s has no SKU %(sku)s.")
            raise RowError(text % {"sku": row.sku, "product": by_id}, "sku")
        return by_id
    owner = variant.product
    differs = (by_id or owner) is not owner or owner.external_id not in (None, row.external_id)
    if row.has_id and differs:
        text = _("The SKU %(sku)s belongs to another product.")
        raise RowError(text % {"sku": row.sku}, "sku")
    return owner


def _merged_product_of(row: Row, existing: Existing) -> Product | None:
    """Return the product of the row if it was merged into another, or else ``None``."""
    variant = existing.variants.get(row.sku)
    product = existing.products.get(row.external_id) or (variant.product if variant else None)
    return product if product is not None and product.merged_into_id else None


def _apply_merged_row(changes: Changes, existing: Existing, merged: Product, row: Row) -> None:
    """Update the variant of a row whose product was merged, but not the surviving product."""
    survivor = merged.merged_into
    variant = existing.variants.get(row.sku)
    is_moved = row.has_sku if variant is None else variant.product is survivor
    if survivor is None or not is_moved:
        if row.stock:
            text = _("“%(product)s” was merged into “%(other)s”: use its SKUs.")
            raise RowError(text % {"product": merged, "other": survivor}, "sku")
        changes.unchanged += 1
        return
    is_new, changed = apply_variant(changes, existing, survivor, row)
    changes.imported += is_new
    changes.updated += changed
    changes.unchanged += not is_new and not changed


def _named_category(row: Row, tree: CategoryTree) -> Category | None:
    """Return the category with the path in the row. Raises ``RowError`` if it does not exist."""
    found = tree.get(row.category_path) if row.category_path else None
    if row.category_path and found is None:
        text = _("There is no category %(path)s.")
        raise RowError(text % {"path": row.category_path[:80]}, "categoryPath")
    return found


def _add_product(
    changes: Changes,
    prepared: PreparedRow,
    existing: Existing,
    tree: CategoryTree,
    defaults: Defaults,
) -> None:
    """Add a new product with its first variant and pictures. Raises ``RowError``."""
    row = prepared.row
    if row.described_on:
        text = _("Line %(line)s, which describes the product, was rejected.")
        raise RowError(text % {"line": row.described_on}, "id")
    has_category = row.category_names or row.category_path or defaults.category
    if row.name and not has_category:
        raise RowError(_("The row has no category, and none was chosen for such rows."))
    if not has_category or (not row.name and not row.has_name):
        text = _("There is no product %(sku)s, and the row does not describe a new one.")
        raise RowError(text % {"sku": row.sku})
    if not row.name and changes.sample_values is None:
        column = "productDisplayName"
        raise RowError(_("%(column)s is empty.") % {"column": column}, column)
    if not prepared.pictures:
        raise RowError(_("There is no image %(name)s.") % {"name": f"{row.external_id}.jpg"})
    category = _named_category(row, tree) or (None if row.category_names else defaults.category)
    category = category or tree.find(row.category_names or ())
    if changes.sample_values is not None:
        row = _with_sample_data(changes, row, category, changes.sample_values)
    if defaults.gender and not row.provided_fields.get("gender"):
        row = replace(row, provided_fields=row.provided_fields | {"gender": defaults.gender})
    product = _new_product(row, category)
    changes.new.append(product)
    existing.products[row.external_id] = product
    add_variant(changes, existing, product, row)
    _warn_of_missing_values(changes, row)
    for position, picture in enumerate(prepared.pictures):
        _add_image(changes, product, picture, position)
    changes.imported += 1


def _with_sample_data(
    changes: Changes, row: Row, category: Category, sample_values: Counter[str]
) -> Row:
    """Return the row of a new product, with sample values for what the file lacks."""
    top, article_type = category.path.split("/")[0], category.name
    if row.category_names:
        top, article_type = row.category_names[0], row.category_names[-1]
    fields, values = dict(row.provided_fields), dict[str, Any]()
    if not row.name:
        fields["name"] = sample_name(fields.get("gender", ""), row.base_colour, article_type)
        text = _("The name was generated from the attributes: %(name)s.") % {"name": fields["name"]}
        changes.warned.append((row, RowError(text, "productDisplayName")))
        sample_values["name"] += 1
    if row.brand is None:
        values["brand"] = sample_brand(fields["name"], row.base_colour)
        sample_values["brand"] += bool(values["brand"])
    if row.price is None:
        values["price"] = sample_price(row.external_id, top, article_type)
        sample_values["price"] += 1
    if row.stock is None:
        values["stock"] = sample_stock(row.external_id)
        sample_values["stock"] += 1
    return replace(row, provided_fields=fields, **values)


def _warn_of_missing_values(changes: Changes, row: Row) -> None:
    if row.price is None:
        changes.without_price += 1
        if row.has_price:
            text = _("The price is empty: the product is imported, but not listed.")
            changes.warned.append((row, RowError(text, "price")))
    changes.without_stock += row.stock is None


def _new_product(row: Row, category: Category) -> Product:
    product = Product(
        external_id=row.external_id,
        slug=product_slug(row.name, row.external_id),
        brand=row.brand or "",
        price=row.price,
        listed=row.price is not None and row.listed is not False,
        currency=row.currency or settings.DEFAULT_CURRENCY,
        description=row.description or "",
        category=category,
        **row.provided_fields,
    )
    product.keywords = product.make_keywords()
    return product


def _update_product(
    changes: Changes, product: Product, row: Row, category: Category | None
) -> set[str]:
    """Set the fields of the product that differ from the row, and return their names."""
    values = dict(row.provided_fields)
    names = ["brand", "currency", "description", "listed"]
    if not row.described_on and not is_price_of_variant(row):
        names.append("price")
    for name in names:
        if getattr(row, name) is not None:
            values[name] = getattr(row, name)
    if values.get("listed") and values.get("price", product.price) is None:
        del values["listed"]
        text = _("The product has no price: it is not listed.")
        changes.warned.append((row, RowError(text, "listed")))
    changed = changed_fields(changes, row, product, values)
    if "price" in changed:
        warn_of_price_jump(changes, row, product.price, values["price"])
    for name in changed:
        setattr(product, name, values[name])
    if category is not None and product.category.path != category.path:
        product.category = category
        changed.add("category")
    keywords = product.make_keywords()
    if keywords != product.keywords:
        product.keywords = keywords
        changed.add("keywords")
    if changed & WORD_FIELDS:
        changes.reworded.append(product)
    if changed:
        mark_changed(changes, product, changed)
    return changed


def _compare_images(
    changes: Changes,
    product: Product,
    pictures: tuple[PreparedPicture, ...],
    existing: Existing,
) -> bool:
    """Put the pictures of the row first, and return whether anything changed.

    Other images in these positions are deleted. Images in later positions are kept, because staff
    may have added them.
    """
    images = existing.images.get(id(product), [])
    by_file = {image.file: image for image in reversed(images)}
    kept = {by_file[p.name].pk for p in pictures if p.name in by_file}
    dropped = [i for i in images if i.pk not in kept and i.position < len(pictures)]
    changes.dropped_images.extend(dropped)
    changed = bool(dropped)
    for position, picture in enumerate(pictures):
        image = by_file.get(picture.name)
        if image is None:
            _add_image(changes, product, picture, position)
        elif image.position != position:
            image.position = position
            changes.moved_images.append(image)
        else:
            continue
        changed = True
    return changed


def _add_image(changes: Changes, product: Product, picture: PreparedPicture, position: int) -> None:
    image = ProductImage(
        product=product,
        file=picture.name,
        width=picture.width,
        height=picture.height,
        position=position,
    )
    changes.new_images.append(image)
    changes.files.append(picture)
