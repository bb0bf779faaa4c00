"""Build the rows of recommendations that pages show.

A row holds alternatives or complements, never both. No product is shown twice on a page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from recommender.models import Affinity
from recommender.recommendations.cache import related
from recommender.recommendations.copurchase import affinities
from recommender.recommendations.newest import has_embedding, newest_like
from recommender.recommendations.outfits import complements, outfit
from recommender.recommendations.personalised import personalised
from recommender.recommendations.refine import Refinement, refinements
from recommender.search.complements import Complement
from recommender.search.similar import ROW_SIZE
from shop.cart.models import CartLine
from shop.catalogue.models import Product, ProductImage
from shop.catalogue.querysets import ColourCount
from shop.wishlist.items import saved_ids
from shop.wishlist.recent import recent_ids

# Complements need to fit only this many of the products last added to the cart, because the query
# takes longer with each product.
CART_SOURCES = 2
MAX_REASONS = 3
# A row of fewer complements is not shown, because two products are no outfit.
MIN_OUTFIT_SIZE = 3


@dataclass
class RecommendationRow:
    """Holds the products of one row and its title.

    ``name`` identifies the row in click tracking (``recommender.tracking.events.BLOCKS``),
    ``reasons`` are (reason, product) pairs, ``refinements`` are links that narrow the row, and
    ``more`` is the address of a page with more such products.
    """

    name: str
    title: str
    ids: list[int]
    hint: str = ""
    products: list[Product] = field(default_factory=list)
    reasons: list[tuple[str, Product]] = field(default_factory=list)
    refinements: list[Refinement] = field(default_factory=list)
    more: str = ""


def product_rows(product: Product) -> list[RecommendationRow]:
    """Return the row of similar items, which may be empty, then at most two other rows.

    Takes two queries besides the searches, whose results may be cached.
    """
    found, known = related(product), affinities(product)
    similar = _similar_row(product, found.similar)
    already_shown = {*similar.ids, product.pk}
    look = _look_row(found.complements, already_shown)
    already_shown.update(look.ids)
    rows = [similar, look, _together_row(known, already_shown)]
    _load_products(rows)
    return [row for row in rows if row.products or row is similar]


def _similar_row(product: Product, ids: list[int]) -> RecommendationRow:
    """Return similar items, or the category's newest until the product has an embedding."""
    if not ids and not has_embedding(product):
        title = _("New in %(category)s") % {"category": product.category.display_name}
        return RecommendationRow("new-in", title, newest_like(product, ROW_SIZE))
    title = _("Similar items in stock") if product.is_sold_out else _("Similar items")
    row = RecommendationRow("similar", title, ids)
    row.refinements = refinements(product, QueryDict())
    row.more = reverse("more-like", args=[product.slug])
    return row


def _look_row(by_role: dict[str, list[Complement]], already_shown: set[int]) -> RecommendationRow:
    ids = outfit(by_role, without=already_shown)
    return _outfit_row("look", _("Complete the look"), ids)


def _outfit_row(name: str, title: str, ids: list[int]) -> RecommendationRow:
    """Return a row of complements; empty if these are too few for an outfit."""
    hint = _("For the same occasion, in colours that go together.")
    return RecommendationRow(name, title, ids if len(ids) >= MIN_OUTFIT_SIZE else [], hint)


def _together_row(known: dict[str, list[int]], already_shown: set[int]) -> RecommendationRow:
    """Return products bought together or products viewed in one visit, whichever are more."""
    bought = _not_shown_yet(known[Affinity.Kind.BOUGHT], already_shown)
    viewed = _not_shown_yet(known[Affinity.Kind.VIEWED], already_shown)
    if len(bought) >= len(viewed):
        return RecommendationRow("bought", _("Frequently bought together"), bought)
    return RecommendationRow("viewed", _("Customers also viewed"), viewed)


def _not_shown_yet(ids: Iterable[int], already_shown: set[int]) -> list[int]:
    """Return the first ids that are not shown yet, at most ``ROW_SIZE``."""
    return [pk for pk in ids if pk not in already_shown][:ROW_SIZE]


def cart_rows(lines: Sequence[CartLine]) -> list[RecommendationRow]:
    """Return a row of complements of the products in the cart."""
    products = list(dict.fromkeys(line.variant.product for line in reversed(lines)))
    by_role = complements(products, around=products[:CART_SOURCES])
    ids = outfit(by_role, rounds=ROW_SIZE)[:ROW_SIZE]
    row = _outfit_row("cart", _("Goes well with"), ids)
    _load_products([row])
    return [row] if row.products else []


def picked_rows(request: HttpRequest) -> list[RecommendationRow]:
    """Return a row of personalised recommendations and the visitor's products they are based on."""
    user = request.user.pk if request.user.is_authenticated else None
    saved = [] if user else saved_ids(request)
    picks = personalised(user=user, viewed=recent_ids(request), saved=saved)
    row = RecommendationRow("picked", _("Picked for you"), [pick.product_id for pick in picks])
    why = list({pick.seed: pick.reason for pick in picks}.items())[:MAX_REASONS]
    found = _load_products([row], [seed for seed, _reason in why])
    row.reasons = [(reason, found[seed]) for seed, reason in why if seed in found]
    return [row] if row.products else []


def _load_products(
    rows: Sequence[RecommendationRow], others: Iterable[int] = ()
) -> dict[int, Product]:
    """Load the products of the rows and of the ids ``others`` in one query, and return them all.

    ``products`` of each row is set to its products in stock.
    """
    found = cards([*(pk for row in rows for pk in row.ids), *others])
    for row in rows:
        row.products = [found[pk] for pk in row.ids if pk in found and not found[pk].is_sold_out]
    return found


def cards(product_ids: Iterable[int]) -> dict[int, Product]:
    """Return the listed products that have an image, by id, with their images, in one query."""
    images = ProductImage.objects.filter(product__in=set(product_ids), product__listed=True)
    images = images.select_related("product").defer("product__search", "product__description")
    found: dict[int, Product] = {}
    images = images.annotate(colour_count=ColourCount("product_id"))
    for image in images.order_by("position", "pk"):
        product = found.setdefault(image.product_id, image.product)
        product.colour_count = image.colour_count
        # ``prefetch_related`` would fill the same cache, but with another query.
        cached = product.__dict__.setdefault("_prefetched_objects_cache", {"images": []})
        cached["images"].append(image)
    return found
