"""Make up missing values for a sample catalogue; the same id always gives the same values."""

from __future__ import annotations

import hashlib
import json
import re
from decimal import Decimal
from pathlib import Path

# Price ranges in euros, typical of mid-priced shops.
PRICES: dict[str, dict[str, list[int]]] = json.loads(
    Path(__file__).with_name("sample_prices.json").read_text()
)
OTHER_PRICES = [15, 60]
LOW_ENDINGS = ("0.00", "0.50", "0.90", "0.95", "0.99")
HIGH_ENDINGS = ("0.00", "0.00", "0.90", "0.95")
HIGH = 60
SOLD_OUT_SHARE = 0.04
LOW_STOCK_SHARE = 0.12
MAX_LOW_STOCK = 3
MAX_STOCK = 60
MAX_BRAND_WORDS = 4
MAX_BRAND_LENGTH = 80
# These words follow the brand in the names of fashion products.
GENDER_WORD = re.compile(r"((wo)?m[ae]n|boy|girl|kid)'?s?'?|unisex")


def sample_price(external_id: str, master: str, article_type: str) -> Decimal:
    """Return a price in the range of the article type, mostly a low one, with a common ending."""
    by_category = PRICES["categories"].get(master, OTHER_PRICES)
    low, high = PRICES["types"].get(article_type, by_category)
    # The number is squared, because most prices of a shop are at the low end.
    whole = low + int((high - low) * _chance("price", external_id) ** 2)
    endings = LOW_ENDINGS if whole < HIGH else HIGH_ENDINGS
    ending = endings[int(_chance("ending", external_id) * len(endings))]
    if whole >= HIGH:
        whole = whole // 5 * 5 + 4  # as 64, 69 or 74, because high prices are rounded
    return whole + Decimal(ending)


def sample_stock(external_id: str) -> int:
    """Return a stock: about 4 % of the ids are sold out, and another 8 % have a low stock."""
    chance, amount = _chance("stock", external_id), _chance("amount", external_id)
    if chance < SOLD_OUT_SHARE:
        return 0
    if chance < LOW_STOCK_SHARE:
        return 1 + int(amount * MAX_LOW_STOCK)
    return MAX_LOW_STOCK + 1 + int(amount * (MAX_STOCK - MAX_LOW_STOCK))


def sample_brand(name: str, base_colour: str) -> str:
    """Return the words of a name before the gender: "Nike" in "Nike Men Blue Jersey".

    A colour before the gender does not belong to the brand, unless the name begins with it, as in
    "Red Tape".
    """
    words = name.split()
    lower = [word.lower().replace("’", "'") for word in words]
    end = next((i for i, word in enumerate(lower) if GENDER_WORD.fullmatch(word)), 0)
    colours = set(base_colour.lower().split())
    end = next((i for i in range(1, end) if lower[i] in colours), end)
    brand = " ".join(words[:end])
    return brand if end <= MAX_BRAND_WORDS and len(brand) <= MAX_BRAND_LENGTH else ""


def sample_name(gender: str, colour: str, article_type: str) -> str:
    """Return a name made of the attributes, such as "Men Blue Tshirts"."""
    return " ".join(word for word in (gender, colour, article_type) if word)


def _chance(what: str, external_id: str) -> float:
    """Return a pseudo-random number in [0, 1) that depends only on the arguments."""
    digest = hashlib.sha256(f"{what}:{external_id}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48
