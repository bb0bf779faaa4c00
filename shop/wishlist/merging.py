"""Hearts and waiting mails when several products become one; nobody has two for one thing."""

from __future__ import annotations

from typing import Any

from django.utils.translation import ngettext

from shop.wishlist.models import SavedProduct, StockAlert


def follow(stays: int, others: list[int], variants: dict[int, int], **kwargs: Any) -> list[str]:
    hearts = alerts = 0
    for other in others:
        theirs = SavedProduct.objects.filter(product=other)
        hearts += theirs.count()
        had = SavedProduct.objects.filter(product=stays).values("user")
        theirs.exclude(user__in=had).update(product=stays)
        theirs.delete()
    for old, new in variants.items():
        waiting = StockAlert.objects.filter(variant=old)
        alerts += waiting.count()
        known = StockAlert.objects.filter(variant=new).values("email")
        waiting.exclude(email__in=known).update(variant=new)
        waiting.delete()
    texts = []
    if hearts:
        texts.append(ngettext("%d saved item", "%d saved items", hearts) % hearts)
    if alerts:
        texts.append(ngettext("%d stock alert", "%d stock alerts", alerts) % alerts)
    return texts
