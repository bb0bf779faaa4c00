"""Factories for test data; every value can be overridden."""

from __future__ import annotations

import itertools
from decimal import Decimal
from io import BytesIO
from typing import Any

import numpy as np
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from PIL import Image, ImageDraw

from recommender.models import DIMENSIONS, EmbeddingModel, ImageEmbedding, QueryPhoto
from shop.catalogue.images.pictures import read_picture
from shop.catalogue.models import Category, Product, ProductImage, Variant
from shop.orders.models import Order, OrderEvent, OrderLine

_numbers = itertools.count(1)
GARMENT_COLOUR = (0, 160, 60)


def make_category(*names: str) -> Category:
    """Return the category with this path of names, creating missing ones."""
    category = None
    for name in names or ("Apparel", "Topwear", "Shirts"):
        category, _new = Category.objects.get_or_create(name=name, parent=category)
    assert category is not None
    return category


def make_product(**values: Any) -> Product:
    values.setdefault("name", f"Shirt {next(_numbers)}")
    values.setdefault("price", Decimal("20.00"))
    stock = values.pop("stock", 10)
    if "category" not in values:
        values["category"] = make_category()
    product = Product.objects.create(**values)
    make_variant(product, stock=stock)
    return product


def make_variant(product: Product, **values: Any) -> Variant:
    """Create a variant, and refresh the product's stock in memory."""
    values.setdefault("sku", f"SKU-{next(_numbers)}")
    values.setdefault("stock", 10)
    variant = Variant.objects.create(product=product, **values)
    product.refresh_from_db(fields=["stock"])
    return variant


def make_image(product: Product, **values: Any) -> ProductImage:
    values.setdefault("file", f"{next(_numbers):064x}.jpg")
    values.setdefault("width", 60)
    values.setdefault("height", 80)
    return ProductImage.objects.create(product=product, **values)


def point(*values: float) -> list[float]:
    """Return an embedding that starts with these values, followed by zeros."""
    return [*values, *[0.0] * (DIMENSIONS - len(values))]


def make_lookalike(*values: float, **product: Any) -> Product:
    """Create a product whose image has this embedding."""
    made = make_product(**product)
    embed(make_image(made), *values)
    return made


def embed(image: ProductImage, *values: float, **row: Any) -> None:
    """Store an embedding of the image for the active model, as a worker would."""
    seen = {"embedding": point(*values), "colour": [25, 0, 0]}
    rows = EmbeddingModel.objects.active().embeddings.filter(image=image)
    rows.update(**{"status": "embedded", "duplicate_group": image.pk, **seen, **row})


def fail_embedding(image: ProductImage, failure: str = "OSError: torn") -> None:
    """Mark the image as failed after three attempts."""
    rows = EmbeddingModel.objects.active().embeddings.filter(image=image)
    rows.update(status="failed", attempts=3, failure=failure)


def embedding_of(image: ProductImage, model: EmbeddingModel | None = None) -> ImageEmbedding:
    """Return the image's row in the model's table; the active model by default."""
    return (model or EmbeddingModel.objects.active()).embeddings.get(image=image)


def make_photo(*values: float, **row: Any) -> QueryPhoto:
    """Create a query photo that the active model has given this embedding.

    Without values the photo is pending, or failed if ``failure`` is given.
    """
    seen: dict[str, Any] = {}
    if values:
        seen = {"embedding": point(*values), "whole_embedding": point(*values)}
        seen |= {"colour": [25, 0, 0], "embedding_model": EmbeddingModel.objects.active()}
    return QueryPhoto.objects.create(**{"content": b"", "width": 60, "height": 80, **seen, **row})


def picture_bytes(
    colour: str = "navy", size: tuple[int, int] = (60, 80), kind: str = "JPEG", **options: Any
) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind, **options)
    return buffer.getvalue()


def garment_on_floor() -> Image.Image:
    """Draw a garment of ``GARMENT_COLOUR`` on a grainy grey floor."""
    rng = np.random.default_rng(1)
    floor = rng.integers(110, 150, (300, 240, 1), dtype=np.uint8).repeat(3, axis=2)
    image = Image.fromarray(floor)
    ImageDraw.Draw(image).rectangle((70, 80, 170, 220), GARMENT_COLOUR)
    return image


def make_stored_image(product: Product, colour: str = "navy", **values: Any) -> ProductImage:
    """Create an image whose file is stored."""
    picture = read_picture(picture_bytes(colour))
    width, height = picture.image.size
    return make_image(product, file=picture.save(), width=width, height=height, **values)


def make_customer(email: str, password: str | None = None) -> User:
    """Create a customer with a verified e-mail address."""
    user = User.objects.create_user(email.split("@")[0], email, password)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def make_purchase(user: User | None, *products: Product, **values: Any) -> Order:
    """Place an order of one piece of each product."""
    order = make_order(user=user, **values)
    order.lines.all().delete()
    for product in products:
        OrderLine.objects.create(
            order=order,
            variant=product.variants.get(),
            sku=product.pk,
            name=product.name,
            unit_price=product.price,
            quantity=1,
        )
    return order


def make_order(**values: Any) -> Order:
    """Create an order for one piece of a new product, by a guest unless ``user`` is given."""
    total = values.pop("total", Decimal("20.00"))
    number = next(_numbers)
    values = {
        "idempotency_key": f"test-{number}",
        "email": "guest@example.com",
        "name": "Guest",
        "street": "1 High Street",
        "postcode": "12345",
        "city": "Springfield",
        "country": "Utopia",
        "currency": "EUR",
        "payment": "invoice",
        "shipping_name": "Standard",
        "tax_rate": Decimal(20),
        "tax": Decimal("3.33"),
        "shipping": Decimal(0),
    } | values
    order = Order.objects.create(goods=total, total=total, **values)
    variant = make_product(price=total).variants.get()
    OrderLine.objects.create(
        order=order,
        variant=variant,
        sku=variant.sku,
        name=str(variant),
        unit_price=total,
        quantity=1,
    )
    OrderEvent.objects.create(order=order, state=order.state)
    return order
