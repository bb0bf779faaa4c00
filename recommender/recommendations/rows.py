"""Build the rows of recommendations that pages show.

A row holds alternatives or complements, never both. Nothing is shown twice on one page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from recommender.models import Affinity
from recommender.recommendations.cache import related
from recommender.recommendations.copurchase import affinities
from recommender.recommendations.outfits import complements, outfit
from recommender.recommendations.personalised import personalised
from recommender.recommendations.refine import Step, steps
from recommender.search.complements import Complement
from recommender.search.similar import ROW_SIZE
from shop.cart.models import CartLine
from shop.catalogue.models import Product, ProductImage
from shop.wishlist.recent import recent_ids
from shop.wishlist.saved import saved_ids

# For the products put into the cart last; each costs as much as the first.
CART_SOURCES = 2
REASONS = 3


@dataclass
class RecommendationRow:
    """Holds the products of one row under their title.

    ``name`` identifies the row in click tracking (``recommender.tracking.events.BLOCKS``),
    ``reasons`` are (reason, product) pairs, and ``steps`` refine the row.
    """

    name: str
    title: str
    ids: list[int]
    hint: str = ""
    products: list[Product] = field(default_factory=list)
    reasons: list[tuple[str, Product]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


def product_rows(product: Product) -> list[RecommendationRow]:
    """Return similar items, even if there are none, then complements and more alternatives.

    Takes two queries besides the searches, whose results may be cached.
    """
    found, known = related(product), affinities(product)
    similar = RecommendationRow("similar", _("Similar items"), found.similar[:ROW_SIZE])
    similar.steps = steps(product, QueryDict())
    already_shown = {*similar.ids, product.pk}
    look = _look_row(found.complements, already_shown)
    already_shown.update(look.ids)
    bought = _bought_row(known[Affinity.Kind.BOUGHT], found.complements, already_shown)
    already_shown.update(bought.ids)
    viewed = _viewed_row(known[Affinity.Kind.VIEWED], found.similar[ROW_SIZE:], already_shown)
    rows = [similar, look, bought, viewed]
    _load_products(rows)
    return [row for row in rows if row.products or row is similar]


def _look_row(by_role: dict[str, list[Complement]], already_shown: set[int]) -> RecommendationRow:
    hint = _("For the same wearer and occasion, in colours that go together.")
    ids = outfit(by_role, without=already_shown)
    return RecommendationRow("look", _("Complete the look"), ids, hint)


def _bought_row(
    ids: Iterable[int], by_role: dict[str, list[Complement]], already_shown: set[int]
) -> RecommendationRow:
    if left := _left(ids, already_shown):
        return RecommendationRow("bought", _("Bought together"), left)
    more = outfit(by_role, without=already_shown, rounds=ROW_SIZE)[:ROW_SIZE]
    hint = _("Chosen by colour and picture: too few people have bought this to know more.")
    return RecommendationRow("goes-with", _("More that goes with it"), more, hint)


def _viewed_row(
    ids: Iterable[int], similar: Iterable[int], already_shown: set[int]
) -> RecommendationRow:
    if left := _left(ids, already_shown):
        return RecommendationRow("viewed", _("Also viewed"), left)
    hint = _("Chosen by picture: too few people have looked at this to know more.")
    more = _left(similar, already_shown)
    return RecommendationRow("more-like", _("More that looks like it"), more, hint)


def _left(ids: Iterable[int], already_shown: set[int]) -> list[int]:
    return [pk for pk in ids if pk not in already_shown][:ROW_SIZE]


def cart_rows(lines: Sequence[CartLine]) -> list[RecommendationRow]:
    """Return what goes with the products in the cart, and looks like none; two queries."""
    products = list(dict.fromkeys(line.variant.product for line in reversed(lines)))
    by_role = complements(products, around=products[:CART_SOURCES])
    ids = outfit(by_role, rounds=ROW_SIZE)[:ROW_SIZE]
    hint = _("For the same wearer and occasion, in colours that go together.")
    row = RecommendationRow("cart", _("Goes with your cart"), ids, hint)
    _load_products([row])
    return [row] if row.products else []


def picked_rows(request: HttpRequest) -> list[RecommendationRow]:
    """Return what this visitor may like, and for the sake of which products; two queries."""
    user = request.user.pk if request.user.is_authenticated else None
    saved = [] if user else saved_ids(request)
    picks = personalised(user=user, viewed=recent_ids(request), saved=saved)
    row = RecommendationRow("picked", _("Picked for you"), [pick.product_id for pick in picks])
    why = list({pick.seed: pick.reason for pick in picks}.items())[:REASONS]
    found = _load_products([row], [seed for seed, _reason in why])
    row.reasons = [(reason, found[seed]) for seed, reason in why if seed in found]
    return [row] if row.products else []


def _load_products(
    rows: Sequence[RecommendationRow], others: Iterable[int] = ()
) -> dict[int, Product]:
    """Give the rows their products that can be bought; return these and the others by id."""
    found = cards([*(pk for row in rows for pk in row.ids), *others])
    for row in rows:
        row.products = [found[pk] for pk in row.ids if pk in found and not found[pk].is_sold_out]
    return found


def cards(product_ids: Iterable[int]) -> dict[int, Product]:
    """Return the listed products that have an image by id, with their images, in one query."""
    images = ProductImage.objects.filter(product__in=set(product_ids), product__listed=True)
    images = images.select_related("product").defer("product__search", "product__description")
    found: dict[int, Product] = {}
    for image in images.order_by("position", "pk"):
        product = found.setdefault(image.product_id, image.product)
        # Where ``prefetch_related`` puts them, with a query more.
        cached = product.__dict__.setdefault("_prefetched_objects_cache", {"images": []})
        cached["images"].append(image)
    return found
