"""What a prepared batch changes in the shop: found here, written by ``shop.imports.writer``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.utils import timezone

from shop.catalogue.models import Category, Product, ProductImage, Variant, product_slug
from shop.imports.categories import CategoryTree
from shop.imports.preparation import PreparedPicture, PreparedRow
from shop.imports.prices import price_of, stock_of
from shop.imports.rows import Row, brand_of


@dataclass
class Changes:
    """Rows to write. ``fields`` are those that any of ``changed`` has anew."""

    new: list[Product] = field(default_factory=list)
    changed: list[Product] = field(default_factory=list)
    fields: set[str] = field(default_factory=set)
    new_variants: list[Variant] = field(default_factory=list)
    restocked: list[Variant] = field(default_factory=list)
    new_images: list[ProductImage] = field(default_factory=list)
    moved_images: list[ProductImage] = field(default_factory=list)
    dropped_images: list[ProductImage] = field(default_factory=list)
    files: list[PreparedPicture] = field(default_factory=list)
    updated: int = 0
    unchanged: int = 0


def find_changes(
    rows: Iterable[PreparedRow],
    products: dict[str, Product],
    images: dict[int, list[ProductImage]],
    variants: dict[str, Variant],
    tree: CategoryTree,
) -> Changes:
    """``products`` and ``variants`` exist, by external id; ``images`` theirs by primary key."""
    changes = Changes()
    for prepared in rows:
        category = tree.find(prepared.row.tree)
        product = products.get(prepared.row.external_id)
        if product is None:
            _add(changes, prepared, category)
            continue
        fields = _update_product(product, prepared.row, category)
        if fields:
            changes.changed.append(product)
            changes.fields |= fields
        pictures = _compare_images(changes, product, prepared.pictures, images.get(product.pk, []))
        restocked = _restock(changes, variants.get(prepared.row.external_id), prepared.row)
        if fields or pictures or restocked:
            changes.updated += 1
        else:
            changes.unchanged += 1
    return changes


def _add(changes: Changes, prepared: PreparedRow, category: Category) -> None:
    product = _new_product(prepared.row, category)
    changes.new.append(product)
    stock = stock_of(prepared.row.external_id) if prepared.row.stock is None else prepared.row.stock
    changes.new_variants.append(Variant(product=product, sku=prepared.row.external_id, stock=stock))
    for position, picture in enumerate(prepared.pictures):
        _add_image(changes, product, picture, position)


def _new_product(row: Row, category: Category) -> Product:
    product = Product(
        external_id=row.external_id,
        slug=product_slug(row.name, row.external_id),
        brand=brand_of(row.name, row.base_colour) if row.brand is None else row.brand,
        price=row.price or price_of(row.external_id, row.tree[0], row.tree[2]),
        currency=row.currency or settings.DEFAULT_CURRENCY,
        description=row.description or "",
        category=category,
        **_plain_fields(row),
    )
    product.keywords = product.make_keywords()
    return product


def _plain_fields(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "gender": row.gender,
        "base_colour": row.base_colour,
        "season": row.season,
        "year": row.year,
        "usage": row.usage,
    }


def _update_product(product: Product, row: Row, category: Category) -> set[str]:
    """Set what the file says otherwise. Returns the fields; ``listed`` is never one of them."""
    values = _plain_fields(row)
    values["brand"] = _brand_for(product, row)
    for name in ("price", "currency", "description"):
        # What the file does not say stays: it was made up at first, and staff may have mended it.
        values[name] = getattr(product, name) if getattr(row, name) is None else getattr(row, name)
    changed = {name for name, value in values.items() if getattr(product, name) != value}
    for name in changed:
        setattr(product, name, values[name])
    if product.category.path != category.path:
        product.category = category
        changed.add("category")
    keywords = product.make_keywords()
    if keywords != product.keywords:
        product.keywords = keywords
        changed.add("keywords")
    if changed:
        product.updated = timezone.now()
        changed.add("updated")
    return changed


def _restock(changes: Changes, variant: Variant | None, row: Row) -> bool:
    """The layout knows one stock: that of the variant which bears the product's id as its SKU."""
    if variant is None or row.stock is None or variant.stock == row.stock:
        return False
    variant.stock = row.stock
    changes.restocked.append(variant)
    return True


def _brand_for(product: Product, row: Row) -> str:
    """The file's brand. A derived one follows the name, unless somebody has written another."""
    if row.brand is not None:
        return row.brand
    if product.brand == brand_of(product.name, product.base_colour):
        return brand_of(row.name, row.base_colour)
    return product.brand


def _compare_images(
    changes: Changes,
    product: Product,
    pictures: tuple[PreparedPicture, ...],
    images: list[ProductImage],
) -> bool:
    """The file's pictures take the first places. Those behind stay: staff may have added them."""
    by_file = {image.file: image for image in reversed(images)}
    kept = {by_file[p.name].pk for p in pictures if p.name in by_file}
    dropped = [i for i in images if i.pk not in kept and i.position < len(pictures)]
    changes.dropped_images.extend(dropped)
    anew = bool(dropped)
    for position, picture in enumerate(pictures):
        image = by_file.get(picture.name)
        if image is None:
            _add_image(changes, product, picture, position)
        elif image.position != position:
            image.position = position
            changes.moved_images.append(image)
        else:
            continue
        anew = True
    return anew


def _add_image(changes: Changes, product: Product, picture: PreparedPicture, position: int) -> None:
    # A fresh row has no vectors: that is how the embedding worker finds it.
    image = ProductImage(
        product=product,
        file=picture.name,
        width=picture.width,
        height=picture.height,
        position=position,
    )
    changes.new_images.append(image)
    changes.files.append(picture)


def make_slugs_unique(products: list[Product], taken: set[str]) -> None:
    """Ids such as "A 1" and "a-1" give one slug; the later product gets a mark of its id."""
    for product in products:
        if product.slug in taken:
            mark = hashlib.sha256((product.external_id or "").encode()).hexdigest()[:8]
            product.slug = f"{product.slug[:111]}-{mark}"
        taken.add(product.slug)


def make_skus_unique(variants: list[Variant], taken: set[str]) -> None:
    """Staff may have given the SKU to something else; the imported variant gets a mark."""
    for variant in variants:
        if variant.sku in taken:
            mark = hashlib.sha256(variant.sku.encode()).hexdigest()[:8]
            variant.sku = f"{variant.sku[:55]}-{mark}"
