"""Merge duplicate products: the survivor gets everything that belongs to the others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Model
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from shop.catalogue.models import Product, ProductImage, Variant
from shop.catalogue.signals import pre_merge_or_delete, products_merged
from shop.catalogue.stock import stock_limit_error


class MergeError(ValueError):
    """Tells staff why the products cannot be merged."""


def move_rows(model: type[Model], field: str, old: int, new: int, *, unique_by: str) -> int:
    """Change ``field`` of all rows from ``old`` to ``new``; return how many rows had ``old``.

    If ``new`` already has a row with the same ``unique_by``, the row of ``old`` is deleted instead.
    """
    rows = model._default_manager.all()
    moving = rows.filter(**{field: old})
    count = moving.count()
    present = rows.filter(**{field: new}).values(unique_by)
    moving.exclude(**{f"{unique_by}__in": present}).update(**{field: new})
    moving.delete()
    return count


@dataclass
class Plan:
    """Lists the variants that move and those that cannot, and counts their units in stock.

    ``conflicting`` maps the id of each variant that cannot move to the variant of the survivor that
    has the same size and colour.
    """

    moved: list[Variant] = field(default_factory=list)
    conflicting: dict[int, Variant] = field(default_factory=dict)
    pieces: int = 0


@transaction.atomic
def merge(survivor: int, others: Iterable[int], *, dry_run: bool = False) -> list[str]:
    """Merge the other products into the survivor; return texts that tell staff what moved.

    The others keep their rows, unlisted and with ``merged_into`` set, so that their URLs redirect
    to the survivor and a later import recognises their ids and SKUs. Other apps move their own rows
    when they receive ``products_merged``. A dry run merges and then rolls back. If the products
    cannot be merged, ``MergeError`` is raised and nothing changes.
    """
    ids = sorted({survivor, *others})
    locked = lock_with_dependents(ids)
    products = _lock(ids, survivor)
    plan = _plan(products, survivor, locked)
    moved = [*_move_variants(plan, products[survivor]), *_move_pictures(ids, survivor)]
    merged = [pk for pk in ids if pk != survivor]
    for _receiver, texts in products_merged.send(
        sender=None,
        survivor=survivor,
        others=merged,
        variants={old: variant.pk for old, variant in plan.conflicting.items()},
    ):
        moved += texts or []
    now = timezone.now()
    Product.objects.filter(merged_into__in=merged).update(merged_into=survivor)
    Product.objects.filter(pk__in=merged).update(merged_into=survivor, listed=False, updated=now)
    Product.objects.filter(pk=survivor).update(updated=now)
    if dry_run:
        transaction.set_rollback(True)
    return moved


def lock_with_dependents(products: list[int]) -> list[Variant]:
    """Lock and return the variants of products that are about to be merged or deleted.

    Receivers of ``pre_merge_or_delete`` lock their rows first, because a sale locks them before
    variants.
    """
    variants = Variant.objects.filter(product__in=products).order_by("product_id", "pk")
    known = list(variants.values_list("pk", flat=True))
    pre_merge_or_delete.send(sender=None, variants=known)
    return list(variants.select_for_update())


def _lock(ids: list[int], survivor: int) -> dict[int, Product]:
    """Lock the products and return them by id. Raises ``MergeError`` if they cannot be merged."""
    locked = Product.objects.filter(pk__in=ids).order_by("pk").select_for_update().defer("search")
    products = {product.pk: product for product in locked}
    if len(products) < len(ids) or any(product.merged_into_id for product in products.values()):
        raise MergeError(
            _("One of the products has been deleted or merged. Reload the page and try again.")
        )
    if len(ids) < 2:
        raise MergeError(_("Choose at least one other product to merge."))
    if not products[survivor].listed:
        text = _("“%s” is hidden. List it first, or choose another product to keep.")
        raise MergeError(text % products[survivor])
    if error := stock_limit_error(sum(product.stock for product in products.values())):
        raise MergeError(error)
    for product in products.values():
        if product.currency != products[survivor].currency:
            names = {"one": products[survivor], "other": product}
            text = _("“%(one)s” and “%(other)s” are sold in different currencies.")
            raise MergeError(text % names)
    return products


def _plan(products: dict[int, Product], survivor: int, variants: list[Variant]) -> Plan:
    """Decide which variants move, and transfer the stock of the variants that cannot move.

    Raises ``MergeError`` if two variants with the same size and colour differ in price.
    """
    for variant in variants:
        variant.product = products[variant.product_id]
    by_label = {(v.size, v.colour): v for v in variants if v.product_id == survivor}
    plan = Plan()
    for variant in variants:
        if variant.product_id == survivor:
            continue
        plan.pieces += variant.stock
        first = by_label.setdefault((variant.size, variant.colour), variant)
        if first is variant:
            plan.moved.append(variant)
        elif _price(first, products[survivor]) == _price(variant, products[survivor]):
            plan.conflicting[variant.pk] = first
        else:
            raise MergeError(_price_conflict(first, variant))
    for variant in variants:
        if variant.pk in plan.conflicting:
            _transfer_stock(variant, plan.conflicting[variant.pk])
    return plan


def _price(variant: Variant, survivor: Product) -> Decimal | None:
    """Return the price of the variant, or of the survivor if the variant has no price."""
    return variant.unit_price or survivor.price


def _price_conflict(one: Variant, other: Variant) -> str:
    text = _(
        "“%(one)s” costs %(price)s and “%(other)s” %(other_price)s. Give both the same price first."
    )
    return text % {
        **{"one": one, "price": one.unit_price},
        **{"other": other, "other_price": other.unit_price},
    }


def _transfer_stock(source: Variant, target: Variant) -> None:
    """Move the stock of ``source`` to ``target``; ``source`` keeps its SKU and its history."""
    if source.stock:
        Variant.objects.filter(pk=source.pk).update(stock=0)
        Variant.objects.filter(pk=target.pk).update(stock=F("stock") + source.stock)


def _move_variants(plan: Plan, survivor: Product) -> list[str]:
    """Move the variants listed in the merge plan to the survivor.

    Return texts that tell staff what moved.
    """
    last = max(survivor.variants.values_list("position", flat=True), default=-1)
    for position, variant in enumerate(plan.moved, last + 1):
        # A price inherited from the product is saved with the variant, because the survivor may
        # have another price.
        price = variant.price
        if _price(variant, survivor) != survivor.price:
            price = variant.unit_price
        moved = Variant.objects.filter(pk=variant.pk)
        moved.update(product=survivor, position=position, price=price)
    texts = []
    if count := len(plan.moved):
        texts.append(ngettext("%d variant", "%d variants", count) % count)
    if count := len(plan.conflicting):
        text = ngettext(
            "%d variant in a size it already has", "%d variants in sizes it already has", count
        )
        texts.append(text % count)
    if plan.pieces:
        texts.append(ngettext("%d unit in stock", "%d units in stock", plan.pieces) % plan.pieces)
    return texts


def _move_pictures(ids: list[int], survivor: int) -> list[str]:
    """Move the images to the survivor, and delete images whose file the survivor already has."""
    images = ProductImage.objects.filter(product__in=ids).order_by("product_id", "position", "pk")
    own = [image for image in images if image.product_id == survivor]
    files, position = {image.file for image in own}, max((i.position for i in own), default=-1)
    count, duplicates = 0, []
    for image in images:
        if image.file not in files:
            files.add(image.file)
            count += 1
            ProductImage.objects.filter(pk=image.pk).update(
                product=survivor, position=position + count
            )
        elif image.product_id != survivor:
            duplicates.append(image.pk)
    ProductImage.objects.filter(pk__in=duplicates).delete()
    return [ngettext("%d image", "%d images", count) % count] if count else []
