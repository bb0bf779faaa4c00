"""Define the product ranges of the demo shop, one for each article type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from demo.catalogue import (
    accessories,
    bags,
    bottoms,
    dresses,
    jackets,
    knitwear,
    shirts,
    shoes,
    skirts,
    tops,
)
from demo.catalogue.drawing import Sheet
from demo.catalogue.patterns import Cloth

Draw = Callable[[Sheet, str, Cloth], None]


@dataclass(frozen=True)
class Range:
    """Represents an article type. `cuts` maps each cut that `draw` knows to its displayed name."""

    article: str
    tree: tuple[str, str]
    genders: str
    singular: str
    draw: Draw
    cuts: dict[str, str]
    patterns: str
    colours: str
    count: int
    price: int
    brands: str
    texture: str = "weave"
    usages: str = "Casual"
    seasons: str = "Summer Spring Fall Winter"
    material: str = "cotton"
    close_up: tuple[int, int] = (480, 720)
    scale: float = 1.0


TOP, BOTTOM = ("Apparel", "Topwear"), ("Apparel", "Bottomwear")
SHOES = ("Footwear", "Shoes")
BRIGHT = "Blue,White,Red,Green,Yellow,Black,Navy Blue,Pink,Orange,Grey,Teal"
CALM = "Navy Blue,Grey,Cream,Maroon,Olive,Black,Rust,Light Blue,Mustard,Sea Green,Charcoal"
SOFT = "Pink,Peach,Teal,Red,Lavender,White,Navy Blue,Magenta,Sea Green,Yellow,Black"
EARTH = "Black,Brown,Tan,Navy Blue,Beige,Olive,Grey"
LEATHER = "Tan,Black,Brown,Maroon,Beige,Red,Navy Blue"
STREET, TAILOR = "Fjordline,Kopernik & Sons,Oda Vale", "Halden Row,Oda Vale,Marchetti Lane"
SPORT, LADY = "Tarn Athletics,Fjordline,Velociq", "Linnea Moss,Oda Vale,Petite Garrigue"
GOODS = "Marchetti Lane,Brackenhide,Oda Vale"

RANGES = (
    Range(
        "Tshirts", TOP, "Men Women Unisex", "T-Shirt", tops.tshirt,
        {"crew": "Crew Neck", "v-neck": "V-Neck", "long": "Long Sleeve", "polo": "Polo"},
        "solid stripes blocks dots leaves camouflage chevron", BRIGHT, 28, 20, STREET,
    ),
    Range(
        "Shirts", TOP, "Men Men Women", "Shirt", shirts.shirt,
        {"long": "Regular", "short": "Short Sleeve", "camp": "Camp Collar",
         "band": "Band Collar", "fitted": "Fitted"},
        "solid gingham pinstripes tartan upright floral dots", CALM, 22, 40, TAILOR,
        usages="Casual Formal",
    ),
    Range(
        "Tops", TOP, "Women", "Top", tops.top,
        {"cami": "Camisole", "blouse": "Puff Sleeve", "sleeveless": "Sleeveless",
         "peplum": "Peplum"},
        "solid floral dots leaves stripes", SOFT, 16, 30, LADY, material="viscose",
    ),
    Range(
        "Sweaters", TOP, "Women Men", "Sweater", knitwear.sweater,
        {"crew": "Crew Neck", "v-neck": "V-Neck", "roll-neck": "Roll Neck",
         "cardigan": "Button Front", "cable": "Cable Knit"},
        "solid fairisle stripes blocks", CALM, 14, 60, STREET,
        texture="knit", seasons="Winter Fall", material="lambswool",
    ),
    Range(
        "Sweatshirts", TOP, "Unisex Men Women", "Sweatshirt", knitwear.sweatshirt,
        {"hoodie": "Hooded", "zip": "Zip-Up", "crew": "Crew Neck"},
        "solid blocks camouflage", BRIGHT, 12, 45, SPORT,
        usages="Casual Sports", seasons="Fall Winter", material="brushed cotton",
    ),
    Range(
        "Jackets", TOP, "Men Women", "Jacket", jackets.jacket,
        {"denim": "Trucker", "bomber": "Bomber", "puffer": "Quilted", "biker": "Biker",
         "parka": "Parka"},
        "solid", "Blue,Olive,Red,Black,Khaki,Navy Blue,Mustard,Charcoal", 13, 110, STREET,
        texture="twill", seasons="Fall Winter",
    ),
    Range(
        "Blazers", TOP, "Men Women", "Blazer", jackets.blazer,
        {"single": "Single Breasted", "double": "Double Breasted"},
        "solid pinstripes tartan", "Navy Blue,Charcoal,Black,Beige,Maroon,Grey,Olive", 10, 130,
        TAILOR, texture="twill", usages="Formal", seasons="Fall Spring", material="wool",
    ),
    Range(
        "Dresses", ("Apparel", "Dress"), "Women", "Dress", dresses.dress,
        {"a-line": "A-Line", "sheath": "Sheath", "maxi": "Maxi", "tea": "Tea"},
        "solid floral dots stripes leaves gingham chevron", SOFT, 22, 60, LADY,
        usages="Casual Party", seasons="Summer Spring", material="viscose",
    ),
    Range(
        "Trousers", BOTTOM, "Men Women", "Trousers", bottoms.trousers,
        {"slim": "Slim", "straight": "Straight", "wide": "Wide Leg"},
        "solid pinstripes tartan", EARTH, 12, 50, TAILOR, texture="twill", usages="Formal Casual",
    ),
    Range(
        "Jeans", BOTTOM, "Men Women", "Jeans", bottoms.jeans,
        {"slim": "Slim", "straight": "Straight", "wide": "Wide Leg"},
        "solid", "Blue,Navy Blue,Black,Light Blue,Grey", 12, 60, STREET,
        texture="twill", material="denim", close_up=(380, 380),
    ),
    Range(
        "Shorts", BOTTOM, "Men Women", "Shorts", bottoms.shorts,
        {"chino": "Chino", "swim": "Swim"},
        "solid gingham leaves camouflage stripes", "Khaki,Navy Blue,Red,Olive,Blue,White,Black",
        12, 30, SPORT, seasons="Summer", usages="Casual Sports", close_up=(380, 560),
    ),
    Range(
        "Skirts", BOTTOM, "Women", "Skirt", skirts.skirt,
        {"pencil": "Pencil", "a-line": "A-Line", "pleated": "Pleated", "maxi": "Maxi"},
        "solid tartan floral dots gingham", SOFT, 14, 40, LADY,
    ),
    Range(
        "Sports Shoes", SHOES, "Men Women", "Trainers", shoes.sports_shoe,
        {"runner": "Running", "court": "Court", "high": "High-Top"},
        "solid", BRIGHT, 14, 80, SPORT, usages="Sports", material="mesh", close_up=(560, 700),
    ),
    Range(
        "Casual Shoes", SHOES, "Men Women", "Shoes", shoes.casual_shoe,
        {"canvas": "Canvas", "loafer": "Loafer", "slip-on": "Slip-On", "derby": "Derby"},
        "solid", EARTH, 14, 70, GOODS, texture="leather", material="leather", close_up=(560, 700),
    ),
    Range(
        "Heels", SHOES, "Women", "Heels", shoes.heels,
        {"stiletto": "Stiletto", "block": "Block", "strap": "Ankle Strap"},
        "solid", "Black,Red,Beige,Navy Blue,Gold,Pink,Silver", 12, 75, LADY,
        texture="leather", usages="Party Formal", material="leather", close_up=(560, 720),
    ),
    Range(
        "Handbags", ("Accessories", "Bags"), "Women", "Bag", bags.handbag,
        {"tote": "Tote", "satchel": "Satchel", "bucket": "Bucket"},
        "solid stripes dots", LEATHER, 14, 90, GOODS, texture="leather", material="leather",
        close_up=(480, 780),
    ),
    Range(
        "Backpacks", ("Accessories", "Bags"), "Unisex", "Backpack", bags.backpack,
        {"day": "Zipped", "roll": "Roll-Top", "flap": "Flap"},
        "solid camouflage chevron", BRIGHT, 12, 65, "Fjordline,Brackenhide,Tarn Athletics",
        texture="twill", material="canvas", close_up=(480, 700),
    ),
    Range(
        "Caps", ("Accessories", "Headwear"), "Unisex Men Women", "Cap", accessories.cap,
        {"baseball": "Baseball", "beanie": "Pompom", "bucket": "Bucket"},
        "solid stripes camouflage", CALM, 12, 22, SPORT, usages="Casual Sports",
    ),
    Range(
        "Sunglasses", ("Accessories", "Eyewear"), "Unisex Women Men", "Sunglasses",
        accessories.sunglasses,
        {"round": "Round", "square": "Square", "aviator": "Aviator", "cat-eye": "Cat-Eye"},
        "solid", "Black,Brown,Gold,Red,Navy Blue,Silver,Teal", 12, 95, "Lumen Nord,Oda Vale",
        texture="smooth", seasons="Summer", material="acetate", close_up=(300, 660),
    ),
    Range(
        "Scarves", ("Accessories", "Scarves"), "Women Unisex", "Scarf", accessories.scarf,
        {"long": "Long", "square": "Square"},
        "solid tartan floral stripes gingham", CALM, 10, 28, LADY,
        seasons="Winter Fall", material="wool",
    ),
    Range(
        "Ties", ("Accessories", "Ties"), "Men", "Tie", accessories.tie,
        {"classic": "Classic", "slim": "Slim"},
        "solid upright dots tartan", CALM, 10, 25, TAILOR, usages="Formal", material="silk",
        scale=0.7,
    ),
    Range(
        "Watches", ("Accessories", "Watches"), "Men Women", "Watch", accessories.watch,
        {"round": "Round", "square": "Square", "chrono": "Chronograph"},
        "solid", LEATHER, 12, 150, "Lumen Nord,Halden Row", texture="leather",
        material="steel", close_up=(480, 640),
    ),
)  # fmt: skip
