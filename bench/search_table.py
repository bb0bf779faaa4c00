"""List 60 text searches with the attributes that each of the first five products must have.

Both the real catalogue and the demo's must give these results.
"""

from __future__ import annotations

from typing import Any

# For each search text: the allowed values of each attribute. ``{first}`` stands for the first SKU.
SEARCHES: dict[str, dict[str, set[str]]] = {
    # Words spelled as in the catalogue.
    "shirt": {"category": {"Shirts"}},
    "jeans": {"category": {"Jeans"}},
    "skirt": {"category": {"Skirts"}},
    "top": {"category": {"Tops"}},
    "dress": {"category": {"Dresses"}},
    "watch": {"category": {"Watches"}},
    "tie": {"category": {"Ties"}},
    "backpack": {"category": {"Backpacks"}},
    "sunglasses": {"category": {"Sunglasses"}},
    "sports shoes": {"category": {"Sports Shoes"}},
    "casual shoes": {"category": {"Casual Shoes"}},
    "heels": {"category": {"Heels"}},
    "red dress": {"category": {"Dresses"}, "base_colour": {"Red"}},
    "men shirt": {"category": {"Shirts"}, "gender": {"Men"}},
    "women handbags": {"category": {"Handbags"}, "gender": {"Women"}},
    "black trousers": {"category": {"Trousers"}, "base_colour": {"Black"}},
    "navy blue tie": {"category": {"Ties"}, "base_colour": {"Navy Blue"}},
    "shorts": {"category": {"Shorts"}},
    "jacket for men": {"category": {"Jackets"}, "gender": {"Men"}},
    "white shirts": {"category": {"Shirts", "Tshirts"}},
    "polka dot dress": {"category": {"Dresses"}},
    "striped t-shirt": {"category": {"Tshirts"}},
    "hooded sweatshirt": {"category": {"Sweatshirts"}},
    "scarf": {"category": {"Scarves"}},
    "cap": {"category": {"Caps"}},
    "blazer": {"category": {"Blazers"}},
    "brown shoes": {"category": {"Casual Shoes", "Formal Shoes", "Sports Shoes", "Heels", "Flats"}},
    "sweatshirts men": {"category": {"Sweatshirts"}, "gender": {"Men"}},
    "women jeans": {"category": {"Jeans"}, "gender": {"Women"}},
    "dresses": {"category": {"Dresses"}},
    # Synonyms.
    "t-shirt": {"category": {"Tshirts"}},
    "tee": {"category": {"Tshirts"}},
    "sneakers": {"category": {"Casual Shoes", "Sports Shoes"}},
    "trainer": {"category": {"Casual Shoes", "Sports Shoes"}},
    "pants": {"category": {"Trousers"}},
    "purse": {"category": {"Handbags"}},
    "jumper": {"category": {"Sweaters"}},
    "pullover": {"category": {"Sweaters"}},
    "ladies frock": {"category": {"Dresses"}, "gender": {"Women"}},
    "gray rucksack": {"category": {"Backpacks", "Rucksacks"}},
    # Typing mistakes.
    "shrit": {"category": {"Shirts"}},
    "skrit": {"category": {"Skirts"}},
    "trosers": {"category": {"Trousers"}},
    "sneekers": {"category": {"Casual Shoes", "Sports Shoes"}},
    "blak dress": {"category": {"Dresses"}, "base_colour": {"Black"}},
    "sunglases": {"category": {"Sunglasses"}},
    # Article numbers.
    "{first}": {"sku": {"{first}"}},
    " {first} ": {"sku": {"{first}"}},
    # German.
    "Hose": {"category": {"Trousers"}},
    "Röcke": {"category": {"Skirts"}},
    "roecke": {"category": {"Skirts"}},
    "schwarze Damenschuhe": {"gender": {"Women"}, "base_colour": {"Black"}},
    "Turnschuhe": {"category": {"Casual Shoes", "Sports Shoes"}},
    "rotes Kleid": {"category": {"Dresses"}, "base_colour": {"Red"}},
    "Krawate": {"category": {"Ties"}},
    "Herrenhemd": {"category": {"Shirts"}, "gender": {"Men"}},
    # Unusual characters.
    "T‑Shirt": {"category": {"Tshirts"}},
    "ｊｅａｎｓ!!!": {"category": {"Jeans"}},
    "women’s dress": {"category": {"Dresses"}, "gender": {"Women"}},
    "(watch) & 'black' | !": {"category": {"Watches"}, "base_colour": {"Black"}},
}


def wrong_products(query: str, expected: dict[str, set[str]], first: str) -> list[Any] | None:
    """Return the wrong products among the first five, or ``None`` if the search finds nothing."""
    from shop.catalogue.browsing.search import search_products
    from shop.catalogue.models import Product

    found = search_products(Product.objects.listed(), query.format(first=first)).products
    five = (
        found.order_by("-rank", "-pk").select_related("category").prefetch_related("variants")[:5]
    )
    if not five:
        return None
    return [product for product in five if not _is_expected(product, expected, first)]


def _is_expected(product: Any, expected: dict[str, set[str]], first: str) -> bool:
    values = {
        "category": {product.category.name},
        "sku": {variant.sku for variant in product.variants.all()},
        **{name: {getattr(product, name)} for name in ("gender", "base_colour")},
    }
    return all(
        values[name] & {value.format(first=first) for value in allowed}
        for name, allowed in expected.items()
    )
