"""A believable price and stock where the file names none; the same id gets the same ones again."""

from __future__ import annotations

import hashlib
from decimal import Decimal

# What an article of the middle market costs, from and to, in euros.
BY_TYPE = {
    "Accessory Gift Set": (25, 70),
    "Backpacks": (25, 90),
    "Bangle": (10, 45),
    "Belts": (15, 55),
    "Blazers": (70, 190),
    "Boxers": (9, 25),
    "Bra": (15, 45),
    "Bracelet": (10, 60),
    "Briefs": (7, 22),
    "Caps": (10, 30),
    "Casual Shoes": (40, 120),
    "Clutches": (20, 70),
    "Cufflinks": (15, 50),
    "Deodorant": (4, 14),
    "Dresses": (30, 120),
    "Duffel Bag": (30, 95),
    "Earrings": (8, 50),
    "Flats": (20, 65),
    "Flip Flops": (8, 35),
    "Formal Shoes": (55, 160),
    "Free Gifts": (3, 10),
    "Hair Colour": (6, 15),
    "Handbags": (30, 140),
    "Heels": (35, 110),
    "Jackets": (50, 180),
    "Jeans": (35, 110),
    "Jumpsuit": (35, 95),
    "Kajal and Eyeliner": (5, 18),
    "Kurta Sets": (35, 95),
    "Kurtas": (18, 60),
    "Kurtis": (15, 45),
    "Laptop Bag": (35, 110),
    "Leggings": (10, 35),
    "Lehenga Choli": (80, 220),
    "Lip Gloss": (6, 20),
    "Lipstick": (7, 26),
    "Nail Polish": (4, 13),
    "Nehru Jackets": (45, 120),
    "Night suits": (20, 55),
    "Nightdress": (18, 50),
    "Perfume and Body Mist": (18, 85),
    "Rain Jacket": (35, 110),
    "Ring": (10, 70),
    "Rucksacks": (40, 130),
    "Sandals": (20, 75),
    "Sarees": (30, 140),
    "Scarves": (10, 40),
    "Shirts": (22, 75),
    "Shorts": (15, 50),
    "Skirts": (20, 65),
    "Socks": (4, 15),
    "Sports Sandals": (25, 70),
    "Sports Shoes": (45, 150),
    "Suits": (140, 360),
    "Sunglasses": (25, 160),
    "Sweaters": (30, 95),
    "Sweatshirts": (28, 85),
    "Swimwear": (20, 65),
    "Ties": (14, 45),
    "Tops": (14, 50),
    "Track Pants": (22, 65),
    "Tracksuits": (45, 120),
    "Trolley Bag": (70, 190),
    "Trousers": (28, 90),
    "Trunk": (9, 25),
    "Tshirts": (10, 40),
    "Tunics": (18, 55),
    "Waistcoat": (30, 85),
    "Wallets": (15, 60),
    "Watches": (40, 260),
}
BY_MASTER = {
    "Accessories": (10, 50),
    "Apparel": (15, 60),
    "Footwear": (30, 100),
    "Free Items": (3, 10),
    "Home": (8, 40),
    "Personal Care": (5, 30),
    "Sporting Goods": (12, 45),
}
ELSEWHERE = (15, 60)
LOW_ENDINGS = ("0.00", "0.50", "0.90", "0.95", "0.99")
HIGH_ENDINGS = ("0.00", "0.00", "0.90", "0.95")
HIGH = 60
SOLD_OUT_SHARE = 0.04
LOW_STOCK_SHARE = 0.12
MAX_LOW_STOCK = 3
MAX_STOCK = 60


def price_of(external_id: str, master: str, article_type: str) -> Decimal:
    """Within the range of the type, more often low than high, with an ending that shops use."""
    low, high = BY_TYPE.get(article_type) or BY_MASTER.get(master) or ELSEWHERE
    # The square pulls towards the low end, where most of a shop's prices are.
    whole = low + int((high - low) * _chance("price", external_id) ** 2)
    endings = LOW_ENDINGS if whole < HIGH else HIGH_ENDINGS
    ending = endings[int(_chance("ending", external_id) * len(endings))]
    if whole >= HIGH:
        whole = whole // 5 * 5 + 4  # 64, 69, 74: dear things are not priced to the euro
    return whole + Decimal(ending)


def stock_of(external_id: str) -> int:
    """About 4 in 100 are sold out and 8 in 100 nearly so."""
    chance, amount = _chance("stock", external_id), _chance("amount", external_id)
    if chance < SOLD_OUT_SHARE:
        return 0
    if chance < LOW_STOCK_SHARE:
        return 1 + int(amount * MAX_LOW_STOCK)
    return MAX_LOW_STOCK + 1 + int(amount * (MAX_STOCK - MAX_LOW_STOCK))


def _chance(what: str, external_id: str) -> float:
    """A number from 0 to below 1 that is always the same for this id."""
    digest = hashlib.sha256(f"{what}:{external_id}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48
