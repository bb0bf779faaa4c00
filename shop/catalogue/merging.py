"""Several products that are one: all that the others have goes to the one that stays."""

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
from shop.catalogue.signals import products_merged, products_merging
from shop.catalogue.stock import excess


class MergeError(ValueError):
    """The products cannot be merged as they are; the message says why."""


def move_rows(model: type[Model], field: str, old: int, new: int, *, once_a: str) -> int:
    """Point the rows whose ``field`` is ``old`` at ``new`` and return how many there were.

    ``new`` has one row for each value of ``once_a``; a second one is deleted.
    """
    rows = model._default_manager.all()
    moving = rows.filter(**{field: old})
    count = moving.count()
    there = rows.filter(**{field: new}).values(once_a)
    moving.exclude(**{f"{once_a}__in": there}).update(**{field: new})
    moving.delete()
    return count


@dataclass
class Plan:
    """``twins``: the variants that cannot move, as the one that stays has their size and colour."""

    moved: list[Variant] = field(default_factory=list)
    twins: dict[int, Variant] = field(default_factory=dict)
    pieces: int = 0


@transaction.atomic
def merge(stays: int, others: Iterable[int], *, rehearsal: bool = False) -> list[str]:
    """Move variants, stock, pictures, and what other rooms hold. Returns what was moved, as texts.

    The others keep their rows, unlisted and marked with ``merged_into``: their addresses lead to
    the one that stays, and a later import knows their ids and SKUs again. A rehearsal does it all
    and takes it back. Locks what ``products_merging`` says, then variants by product, then
    products, the order in which a sale does. Raises ``MergeError``, and then nothing has changed.
    """
    ids = sorted({stays, *others})
    locked = lock_all(ids)
    products = _lock(ids, stays)
    plan = _plan(products, stays, locked)
    moved = [*_move_variants(plan, products[stays]), *_move_pictures(ids, stays)]
    gone = [pk for pk in ids if pk != stays]
    for _receiver, texts in products_merged.send(
        sender=None,
        stays=stays,
        others=gone,
        variants={old: twin.pk for old, twin in plan.twins.items()},
    ):
        moved += texts or []
    now = timezone.now()
    Product.objects.filter(merged_into__in=gone).update(merged_into=stays)
    Product.objects.filter(pk__in=gone).update(merged_into=stays, listed=False, updated=now)
    Product.objects.filter(pk=stays).update(updated=now)
    if rehearsal:
        transaction.set_rollback(True)
    return moved


def lock_all(products: list[int]) -> list[Variant]:
    """The variants of products that are about to go, and before them what a sale locks first."""
    variants = Variant.objects.filter(product__in=products).order_by("product_id", "pk")
    known = list(variants.values_list("pk", flat=True))
    products_merging.send(sender=None, variants=known)
    return list(variants.select_for_update())


def _lock(ids: list[int], stays: int) -> dict[int, Product]:
    locked = Product.objects.filter(pk__in=ids).order_by("pk").select_for_update().defer("search")
    products = {product.pk: product for product in locked}
    if len(products) < len(ids) or any(product.merged_into_id for product in products.values()):
        raise MergeError(_("One of them is gone or was merged meanwhile."))
    if len(ids) < 2:
        raise MergeError(_("Choose at least one other product to merge."))
    if not products[stays].listed:
        raise MergeError(_("“%s” is hidden. List it first, or let another stay.") % products[stays])
    if problem := excess(sum(product.stock for product in products.values())):
        raise MergeError(problem)
    for product in products.values():
        if product.currency != products[stays].currency:
            names = {"one": products[stays], "other": product}
            text = _("“%(one)s” and “%(other)s” are sold in different currencies.")
            raise MergeError(text % names)
    return products


def _plan(products: dict[int, Product], stays: int, variants: list[Variant]) -> Plan:
    """What moves. Raises ``MergeError`` where one thing would have two prices."""
    for variant in variants:
        variant.product = products[variant.product_id]
    there = {(v.size, v.colour): v for v in variants if v.product_id == stays}
    plan = Plan()
    for variant in variants:
        if variant.product_id == stays:
            continue
        plan.pieces += variant.stock
        twin = there.setdefault((variant.size, variant.colour), variant)
        if twin is variant:
            plan.moved.append(variant)
        elif _price(twin, products[stays]) == _price(variant, products[stays]):
            plan.twins[variant.pk] = twin
        else:
            raise MergeError(_two_prices(twin, variant))
    for variant in variants:
        if variant.pk in plan.twins:
            _give(variant, plan.twins[variant.pk])
    return plan


def _price(variant: Variant, stays: Product) -> Decimal | None:
    """Return what the variant costs; one without a price takes that of the product that stays."""
    return variant.unit_price or stays.price


def _two_prices(one: Variant, other: Variant) -> str:
    text = _(
        "“%(one)s” costs %(price)s and “%(other)s” %(other_price)s. Give both one price first."
    )
    return text % {
        **{"one": one, "price": one.unit_price},
        **{"other": other, "other_price": other.unit_price},
    }


def _give(variant: Variant, twin: Variant) -> None:
    """The stock of one to the other; the first keeps its SKU and its history."""
    if variant.stock:
        Variant.objects.filter(pk=variant.pk).update(stock=0)
        Variant.objects.filter(pk=twin.pk).update(stock=F("stock") + variant.stock)


def _move_variants(plan: Plan, stays: Product) -> list[str]:
    last = max(stays.variants.values_list("position", flat=True), default=-1)
    for position, variant in enumerate(plan.moved, last + 1):
        # What it costs does not change with its product.
        price = variant.price
        if _price(variant, stays) != stays.price:
            price = variant.unit_price
        moved = Variant.objects.filter(pk=variant.pk)
        moved.update(product=stays, position=position, price=price)
    texts = []
    if count := len(plan.moved):
        texts.append(ngettext("%d variant", "%d variants", count) % count)
    if count := len(plan.twins):
        text = ngettext(
            "%d variant of a size it has already", "%d variants of sizes it has already", count
        )
        texts.append(text % count)
    if plan.pieces:
        texts.append(ngettext("%d piece in stock", "%d pieces in stock", plan.pieces) % plan.pieces)
    return texts


def _move_pictures(ids: list[int], stays: int) -> list[str]:
    """All but those that show a file that is there already; nobody would find them any more."""
    images = ProductImage.objects.filter(product__in=ids).order_by("product_id", "position", "pk")
    own = [image for image in images if image.product_id == stays]
    files, position = {image.file for image in own}, max((i.position for i in own), default=-1)
    count, twins = 0, []
    for image in images:
        if image.file not in files:
            files.add(image.file)
            count += 1
            ProductImage.objects.filter(pk=image.pk).update(
                product=stays, position=position + count
            )
        elif image.product_id != stays:
            twins.append(image.pk)
    ProductImage.objects.filter(pk__in=twins).delete()
    return [ngettext("%d picture", "%d pictures", count) % count] if count else []
