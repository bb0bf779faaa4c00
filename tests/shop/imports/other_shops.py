"""Thirty products of a shop, as Shopify and WooCommerce export them by their documented columns."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO

CDN = "https://cdn.shopify.example/s/files/1/0001/0001/files/"
UPLOADS = "https://woo.example/wp-content/uploads/2025/03/"
GOOGLE_WORDS = {
    "Women": ("female", "adult"),
    "Men": ("male", "adult"),
    "Girls": ("female", "kids"),
    "Boys": ("male", "toddler"),
    "Unisex": ("unisex", "adult"),
    "": ("", ""),
}
# HTML as their editors write it, and what is to be left of it.
PLAIN = ("A plain sentence, with a comma.", "A plain sentence, with a comma.")
PARAGRAPHS = (
    '<p data-mce-fragment="1">Soft &amp; light.</p>\n<p>Made in <strong>Porto</strong>.</p>',
    "Soft & light.\n\nMade in Porto.",
)
LIST = (
    "<p>Why we like it:</p><ul>\n<li>100% linen</li>\n<li>Wash at 30°</li>\n</ul>",
    "Why we like it:\n\n• 100% linen\n• Wash at 30°",
)
MARKUP = (
    '<style>p{color:red}</style><div class="a"><h3>Fit</h3>Runs&nbsp;large.<br/>Take a size '
    'down: "M" for L.</div><script>track()</script>',
    'Fit\n\nRuns large.\nTake a size down: "M" for L.',
)
LINKS = (
    '<p>See our <a href="https://x.example/?a=1&amp;b=2">size chart</a> &ndash; 3 &lt; 4.</p>',
    "See our size chart – 3 < 4.",
)
NONE = ("", "")


@dataclass(frozen=True)
class Variant:
    sku: str
    size: str
    colour: str
    price: str
    stock: int


@dataclass(frozen=True)
class Item:
    """A product. The last size costs ``larger``, each variant has other pieces in stock."""

    handle: str
    title: str
    brand: str
    category: str
    gender: str
    price: str
    sizes: str = ""
    colours: str = ""
    larger: str = ""
    compare_at: str = ""
    pictures: int = 1
    text: tuple[str, str] = NONE
    state: str = "active"
    tags: str = ""

    @property
    def variants(self) -> list[Variant]:
        places = [
            (size, colour)
            for colour in self.colours.split() or [""]
            for size in self.sizes.split() or [""]
        ]
        last = (self.sizes.split() or [""])[-1]
        return [
            Variant(
                sku="-".join(filter(None, (self.handle.upper(), size, colour))),
                size=size,
                colour=colour,
                price=self.larger if self.larger and size == last else self.price,
                stock=(number * 7 + len(self.handle)) % 11,
            )
            for number, (size, colour) in enumerate(places)
        ]

    @property
    def files(self) -> list[str]:
        return [f"{self.handle}-{number}.jpg" for number in range(1, self.pictures + 1)]

    @property
    def is_listed(self) -> bool:
        return self.state == "active"


TOPS, DRESSES = "Clothing > Tops", "Clothing > Dresses"
ITEMS = (
    Item("linen-tee", "Linen Tee", "Northwind", f"{TOPS} > T-Shirts", "Women", "29.90",
         "S M L", "White Navy", "31.90", "39.90", 3, LIST, tags="linen, summer"),
    Item("box-tee", "Box Tee", "Northwind", f"{TOPS} > T-Shirts", "Men", "19.00",
         "S M L XL", "Black", pictures=2, text=PARAGRAPHS, tags="basics"),
    Item("rib-tank", "Rib Tank", "Aster", f"{TOPS} > Tanks", "Women", "15.50", "XS S M", "",
         text=PLAIN),
    Item("poplin-shirt", "Poplin Shirt", "Halden Row", f"{TOPS} > Shirts", "Men", "59.00",
         "38 40 42 44", "Blue White", "64.00", pictures=4, text=MARKUP),
    Item("silk-blouse", "Silk Blouse", "Aster", f"{TOPS} > Blouses", "Women", "129.00",
         "34 36 38 40", "Ecru", "", "159.00", 2, LINKS, tags="silk, new"),
    Item("wrap-dress", "Wrap Dress", "Aster", DRESSES, "Women", "89.90", "36 38 40", "Green Rust",
         pictures=5, text=PARAGRAPHS),
    Item("slip-dress", "Slip Dress", "Aster", DRESSES, "Women", "99.00", "S M", "", "", "119.00",
         text=LIST),
    Item("shirt-dress", "Shirt Dress “Ida”", "Halden Row", DRESSES, "Women", "110.00", "S M L", "",
         state="draft", pictures=2),
    Item("cord-cap", "Cord Cap", "Northwind", "Accessories > Hats", "Unisex", "25.00", "", "",
         text=PLAIN, tags="cap"),
    Item("wool-beanie", "Wool Beanie", "Northwind", "Accessories > Hats", "Unisex", "22.00", "",
         "Grey Rust"),
    Item("canvas-tote", "Canvas Tote", "Keel & Co.", "Accessories > Bags", "", "35.00",
         pictures=3, text=LIST),
    Item("weekender", "Weekender", "Keel & Co.", "Accessories > Bags", "Unisex", "189.00", "",
         "Black Tan", "", "229.00", 4, MARKUP, tags="leather, travel"),
    Item("belt", "Belt, narrow", "Keel & Co.", "Accessories > Belts", "Men", "45.00", "85 95 105"),
    Item("merino-socks", "Merino Socks", "Northwind", "Accessories > Socks", "Unisex", "14.00",
         "35-38 39-42 43-46", "Black Grey", text=PLAIN),
    Item("gift-card", "Gift Wrap", "Northwind", "Accessories > Gifts", "", "4.50",
         state="archived"),
    Item("slim-jeans", "Slim Jeans", "Fjordline", "Clothing > Trousers > Jeans", "Men", "79.00",
         "30/32 32/32 32/34", "Indigo", pictures=2, text=LIST),
    Item("wide-jeans", "Wide Jeans", "Fjordline", "Clothing > Trousers > Jeans", "Women", "85.00",
         "26 27 28 29", "Indigo Ecru", "", "95.00", 3, PARAGRAPHS, tags="denim"),
    Item("chino", "Chino", "Halden Row", "Clothing > Trousers", "Men", "69.00", "46 48 50 52",
         "Sand"),
    Item("pleated-skirt", "Pleated Skirt", "Aster", "Clothing > Skirts", "Women", "75.00", "S M L",
         "", pictures=2, text=LINKS),
    Item("kids-tee", "Dino Tee", "Little Fjord", "Kids > T-Shirts", "Boys", "12.90",
         "98 104 110 116", "Green", pictures=2),
    Item("kids-dress", "Dot Dress", "Little Fjord", "Kids > Dresses", "Girls", "24.90",
         "98 104 110", "Red", text=PLAIN),
    Item("rain-jacket", "Rain Jacket", "Fjordline", "Clothing > Jackets", "Unisex", "1049.00",
         "S M L", "Yellow Navy", "1099.00", pictures=6, text=MARKUP),
    Item("wool-coat", "Wool Coat", "Halden Row", "Clothing > Coats", "Women", "249.00", "36 38 40",
         "Camel", "", "329.00", 3, LIST, tags="wool, winter"),
    Item("denim-jacket", "Denim Jacket", "Fjordline", "Clothing > Jackets", "Men", "99.00",
         "S M L XL", "", state="draft"),
    Item("crew-knit", "Crew Knit", "Northwind", "Clothing > Knitwear", "Men", "89.00", "S M L",
         "Oat Navy", pictures=2, text=PARAGRAPHS),
    Item("cardigan", "Cardigan “Størk”", "Northwind", "Clothing > Knitwear", "Women", "95.00",
         "S M L", "Oat", text=PLAIN),
    Item("runner", "Runner", "Tread", "Shoes > Sneakers", "Unisex", "119.00",
         "38 39 40 41 42 43", "White", "", "139.00", 4, LIST),
    Item("chelsea", "Chelsea Boot", "Tread", "Shoes > Boots", "Women", "159.00", "37 38 39", "",
         "", "", 2, MARKUP),
    Item("loafer", "Loafer", "Tread", "Shoes > Flats", "Men", "139.00", "41 42 43 44", "Brown"),
    Item("swim-short", "Swim Short", "Aster", "Clothing > Swimwear", "Men", "39.00", "S M L",
         "Coral", pictures=2, text=PLAIN, tags="summer"),
)  # fmt: skip

_GOOGLE = (
    *("Google Product Category", "Gender", "Age Group", "MPN", "Condition", "Custom Product"),
    *(f"Custom Label {number}" for number in range(5)),
)
SHOPIFY_COLUMNS = (
    *("Handle", "Title", "Body (HTML)", "Vendor", "Product Category", "Type", "Tags", "Published"),
    *("Option1 Name", "Option1 Value", "Option1 Linked To", "Option2 Name", "Option2 Value"),
    *("Option2 Linked To", "Option3 Name", "Option3 Value", "Option3 Linked To", "Variant SKU"),
    *("Variant Grams", "Variant Inventory Tracker", "Variant Inventory Qty"),
    *("Variant Inventory Policy", "Variant Fulfillment Service", "Variant Price"),
    *("Variant Compare At Price", "Variant Requires Shipping", "Variant Taxable"),
    *("Variant Barcode", "Image Src", "Image Position", "Image Alt Text", "Gift Card"),
    *("SEO Title", "SEO Description", *(f"Google Shopping / {name}" for name in _GOOGLE)),
    *("Variant Image", "Variant Weight Unit", "Variant Tax Code", "Cost per item"),
    *("Included / Switzerland", "Price / Switzerland", "Compare At Price / Switzerland", "Status"),
)
# What the columns are called since 2025.
SHOPIFY_2025 = {
    "Handle": "URL handle",
    "Body (HTML)": "Description",
    "Product Category": "Product category",
    "Published": "Published on online store",
    "Option1 Name": "Option1 name",
    "Option1 Value": "Option1 value",
    "Option2 Name": "Option2 name",
    "Option2 Value": "Option2 value",
    "Option3 Name": "Option3 name",
    "Option3 Value": "Option3 value",
    "Variant SKU": "SKU",
    "Variant Grams": "Weight value (grams)",
    "Variant Inventory Tracker": "Inventory tracker",
    "Variant Inventory Qty": "Inventory quantity",
    "Variant Inventory Policy": "Continue selling when out of stock",
    "Variant Fulfillment Service": "Fulfillment service",
    "Variant Price": "Price",
    "Variant Compare At Price": "Compare-at price",
    "Variant Requires Shipping": "Requires shipping",
    "Variant Taxable": "Charge tax",
    "Variant Barcode": "Barcode",
    "Image Src": "Product image URL",
    "Image Position": "Image position",
    "Image Alt Text": "Image alt text",
    "Variant Image": "Variant image URL",
    "Google Shopping / Age Group": "Google Shopping / Age group",
}
WOO_COLUMNS = (
    *("ID", "Type", "SKU", "GTIN, UPC, EAN, or ISBN", "Name", "Published", "Is featured?"),
    *("Visibility in catalog", "Short description", "Description", "Date sale price starts"),
    *("Date sale price ends", "Tax status", "Tax class", "In stock?", "Stock"),
    *("Low stock amount", "Backorders allowed?", "Sold individually?", "Weight (kg)"),
    *("Length (cm)", "Width (cm)", "Height (cm)", "Allow customer reviews?", "Purchase note"),
    *("Sale price", "Regular price", "Categories", "Tags", "Shipping class", "Images"),
    *("Download limit", "Download expiry days", "Parent", "Grouped products", "Upsells"),
    *("Cross-sells", "External URL", "Button text", "Position", "Brands"),
    *(
        f"Attribute {number} {name}"
        for number in (1, 2, 3)
        for name in ("name", "value(s)", "visible", "global", "default")
    ),
    "Meta: _wp_page_template",
)


def pictures() -> list[str]:
    """Return the names of the files of all products."""
    return [file for item in ITEMS for file in item.files]


def shopify_export(*, of_2025: bool = False) -> str:
    names = [(SHOPIFY_2025 if of_2025 else {}).get(name, name) for name in SHOPIFY_COLUMNS]
    text = StringIO()
    writer = csv.DictWriter(text, SHOPIFY_COLUMNS, restval="", lineterminator="\n")
    csv.writer(text, lineterminator="\n").writerow(names)
    for item in ITEMS:
        writer.writerows(_shopify_rows(item))
    return text.getvalue()


def _shopify_rows(item: Item) -> Iterator[dict[str, str]]:
    """Yield a row for each variant and, where there are more, for each picture."""
    names = _options(item)
    for place in range(max(len(item.variants), item.pictures)):
        row = {"Handle": item.handle}
        if place == 0:
            row |= _shopify_product(item, names)
        if place < item.pictures:
            row["Image Src"] = f"{CDN}{item.files[place]}?v=1741000000"
            row["Image Position"] = str(place + 1)
        if place < len(item.variants):
            row |= _shopify_variant(item, item.variants[place], names)
        yield row


def _options(item: Item) -> list[str]:
    return [*(["Color"] if item.colours else []), *(["Size"] if item.sizes else [])]


def _shopify_product(item: Item, names: list[str]) -> dict[str, str]:
    gender, age_group = GOOGLE_WORDS[item.gender]
    return {
        "Title": item.title,
        "Body (HTML)": item.text[0],
        "Vendor": item.brand,
        "Product Category": item.category,
        "Type": item.category.split(" > ")[-1],
        "Tags": item.tags,
        "Published": "false" if item.state == "archived" else "true",
        "Gift Card": "false",
        "Google Shopping / Gender": gender,
        "Google Shopping / Age Group": age_group,
        "Status": item.state,
        **{f"Option{n} Name": name for n, name in enumerate(names or ["Title"], 1)},
    }


def _shopify_variant(item: Item, variant: Variant, names: list[str]) -> dict[str, str]:
    values = {"Color": variant.colour, "Size": variant.size}
    options = [values[name] for name in names] or ["Default Title"]
    return {
        **{f"Option{n} Value": value for n, value in enumerate(options, 1)},
        # One of a single variant often has no SKU; its handle takes the place.
        "Variant SKU": variant.sku if names else "",
        "Variant Grams": "250.0",
        "Variant Inventory Tracker": "shopify",
        "Variant Inventory Qty": str(variant.stock),
        "Variant Inventory Policy": "deny",
        "Variant Fulfillment Service": "manual",
        "Variant Price": variant.price,
        "Variant Compare At Price": item.compare_at,
        "Variant Requires Shipping": "true",
        "Variant Taxable": "true",
        "Variant Weight Unit": "g",
        "Cost per item": "7.10",
        "Included / Switzerland": "true",
    }


def woocommerce_export() -> str:
    """Return the products in the order of their numbers: variations below all products."""
    text = StringIO()
    writer = csv.DictWriter(text, WOO_COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for number, item in enumerate(ITEMS, 101):
        writer.writerow(_woo_product(item, number))
    for number, item in enumerate(ITEMS, 101):
        if _options(item):
            writer.writerows(_woo_variations(item, number))
    return "\ufeff" + text.getvalue()


def _woo_product(item: Item, number: int) -> dict[str, str]:
    above, _mark, _name = item.category.rpartition(" > ")
    row = {
        "ID": str(number),
        "Type": "variable" if _options(item) else "simple, virtual"[: None if number % 2 else 6],
        "SKU": item.handle.upper(),
        "Name": item.title,
        "Published": {"active": "1", "draft": "-1", "archived": "0"}[item.state],
        "Is featured?": "0",
        "Visibility in catalog": "visible",
        "Short description": "" if item.text == PLAIN else "Only the description counts.",
        # Line breaks are written out.
        "Description": item.text[0].replace("\n", r"\n"),
        "Tax status": "taxable",
        "In stock?": "1",
        "Backorders allowed?": "0",
        "Categories": f"{above}, {item.category}",
        "Tags": item.tags,
        "Images": ", ".join(UPLOADS + file for file in item.files),
        "Position": "0",
        "Brands": item.brand,
        **_attribute(1, "Color", ", ".join(item.colours.split())),
        **_attribute(2, "Size", ", ".join(item.sizes.split())),
        "Meta: _wp_page_template": "default",
    }
    if item.text == NONE:
        row["Short description"] = ""
    if not _options(item):
        row |= _woo_sale(item, item.variants[0])
    return row


def _woo_variations(item: Item, number: int) -> Iterator[dict[str, str]]:
    for place, variant in enumerate(item.variants):
        label = ", ".join(filter(None, (variant.colour, variant.size)))
        yield {
            "ID": str(number * 100 + place),
            "Type": "variation",
            "SKU": variant.sku,
            "Name": f"{item.title} - {label}",
            "Published": "1",
            "Visibility in catalog": "visible",
            "Tax status": "taxable",
            "Tax class": "parent",
            # By its SKU, or by its number where the product has none.
            "Parent": item.handle.upper() if number % 3 else f"id:{number}",
            "Position": str(place + 1),
            **_woo_sale(item, variant),
            **_attribute(1, "Color", variant.colour),
            **_attribute(2, "Size", variant.size),
        }


def _woo_sale(item: Item, variant: Variant) -> dict[str, str]:
    """Return the prices: what Shopify compares with is the regular price of WooCommerce."""
    return {
        "In stock?": "1" if variant.stock else "0",
        "Stock": str(variant.stock),
        "Regular price": item.compare_at or variant.price,
        "Sale price": variant.price if item.compare_at else "",
    }


def _attribute(number: int, name: str, values: str) -> dict[str, str]:
    if not values:
        return {}
    return {
        f"Attribute {number} name": name,
        f"Attribute {number} value(s)": values,
        f"Attribute {number} visible": "1",
        f"Attribute {number} global": "1",
    }
