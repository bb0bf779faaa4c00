"""Which blocks a page shows, and what stands in each.

A block holds alternatives or complements, never both. Nothing is shown twice on one page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.http import HttpRequest
from django.utils.translation import gettext as _

from recommender.affinity import affinities
from recommender.cards import cards
from recommender.look import complements, outfit
from recommender.models import Affinity
from recommender.nearest.several import Complement
from recommender.related_cache import related
from recommender.taste import picked
from shop.cart.models import CartLine
from shop.catalogue.models import Product
from shop.wishlist.recent import recent_ids
from shop.wishlist.saved import saved_ids

FIVE = 5
# For the products put into the cart last; each costs as much as the first.
CART_SOURCES = 2
REASONS = 3


@dataclass
class Block:
    """``name`` is counted (``recommender.events.BLOCKS``); ``reasons``: products and why they."""

    name: str
    title: str
    ids: list[int]
    hint: str = ""
    products: list[Product] = field(default_factory=list)
    reasons: list[tuple[str, Product]] = field(default_factory=list)

    def show(self, found: dict[int, Product]) -> None:
        """Those of its products that have a card."""
        self.products = [found[pk] for pk in self.ids if pk in found]


def product_blocks(product: Product) -> list[Block]:
    """Similar items, even if there are none; then complete the look, bought together, also viewed.

    Two queries besides the searches, whose results may be cached.
    """
    found = related(product)
    similar = Block("similar", _("Similar items"), found.similar[:FIVE])
    known = affinities(product)
    taken = {*similar.ids, product.pk}
    look = _look(found.complements, taken)
    taken |= set(look.ids)
    bought = _bought(known[Affinity.Kind.BOUGHT], found.complements, taken)
    taken |= set(bought.ids)
    viewed = _viewed(known[Affinity.Kind.VIEWED], found.similar[FIVE:], taken)
    blocks = [similar, look, bought, viewed]
    shown = cards(pk for block in blocks for pk in block.ids)
    for block in blocks:
        block.show({pk: one for pk, one in shown.items() if not one.is_sold_out})
    return [block for block in blocks if block.products or block is similar]


def _look(by_role: dict[str, list[Complement]], taken: set[int]) -> Block:
    ids = [one.product_id for one in outfit(by_role, without=taken)]
    hint = _("For the same wearer and occasion, in colours that go together.")
    return Block("look", _("Complete the look"), ids, hint)


def _bought(ids: Sequence[int], by_role: dict[str, list[Complement]], taken: set[int]) -> Block:
    left = _without(ids, taken)
    if left:
        return Block("bought", _("Bought together"), left)
    more = [one.product_id for one in outfit(by_role, without=taken, rounds=FIVE)][:FIVE]
    hint = _("Chosen by colour and picture: too few people have bought this to know more.")
    return Block("goes-with", _("More that goes with it"), more, hint)


def _viewed(ids: Sequence[int], more_like: Iterable[int], taken: set[int]) -> Block:
    left = _without(ids, taken)
    if left:
        return Block("viewed", _("Also viewed"), left)
    hint = _("Chosen by picture: too few people have looked at this to know more.")
    more = _without(more_like, taken)
    return Block("more-like", _("More that looks like it"), more, hint)


def _without(ids: Iterable[int], taken: set[int]) -> list[int]:
    return [pk for pk in ids if pk not in taken][:FIVE]


def cart_block(lines: Sequence[CartLine]) -> Block | None:
    """What goes with what is in the cart; never what looks like it. Two queries."""
    products = list(dict.fromkeys(line.variant.product for line in reversed(lines)))
    sources = products[:CART_SOURCES]
    by_role = complements(products, around=sources)
    ids = [one.product_id for one in outfit(by_role, rounds=FIVE)][:FIVE]
    hint = _("For the same wearer and occasion, in colours that go together.")
    block = Block("cart", _("Goes with your cart"), ids, hint)
    block.show(cards(ids))
    return block if block.products else None


def picked_block(request: HttpRequest) -> Block | None:
    """What this visitor may like, and for the sake of which products. Two queries."""
    user = request.user.pk if request.user.is_authenticated else None
    saved = [] if user else saved_ids(request)
    picks = picked(user=user, viewed=recent_ids(request), saved=saved)
    block = Block("picked", _("Picked for you"), [pick.product_id for pick in picks])
    why = list({pick.seed: pick.reason for pick in picks}.items())[:REASONS]
    found = cards([*block.ids, *(seed for seed, _reason in why)])
    block.show(found)
    block.reasons = [(reason, found[seed]) for seed, reason in why if seed in found]
    return block if block.products else None
