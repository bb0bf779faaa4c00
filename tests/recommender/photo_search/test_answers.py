from __future__ import annotations

import pytest
from django.test import Client

from recommender.models import CategoryGarment, DiscreetCategory, EmbeddingModel, Event, QueryPhoto
from recommender.photo_search.answers import EVERYTHING, answer_photo
from shop.catalogue.browsing.filters import Filters
from shop.catalogue.models import Product
from tests.factories import embed, make_category, make_image, make_lookalike, make_product, point
from tests.html import one_line

pytestmark = pytest.mark.django_db


def _photo(*garments: tuple[str, float], classified: bool = True) -> QueryPhoto:
    return QueryPhoto.objects.create(
        content=b"",
        width=60,
        height=80,
        embedding=point(1),
        whole_embedding=point(0, 0, 1),
        colour=[25, 0, 0],
        embedding_model=EmbeddingModel.objects.active(),
        garments=[list(each) for each in garments] if classified else None,
    )


def _product(category: str, garment: str, *values: float) -> Product:
    product = make_lookalike(*values, category=make_category("Apparel", category))
    CategoryGarment.objects.get_or_create(
        category=product.category, garment=garment, defaults={"share": 1}
    )
    return product


@pytest.fixture
def shop() -> dict[str, Product]:
    """Make a bag that is most similar to the photo, then a dress and a skirt."""
    return {
        "bag": _product("Backpacks", "Bags", 1),
        "dress": _product("Dresses", "Dresses", 0.9, 0.1),
        "skirt": _product("Skirts", "Skirts", 0.8, 0.2),
    }


def test_a_certain_garment_is_the_only_one_searched(shop: dict[str, Product]) -> None:
    photo = _photo(("Dresses", 0.8), ("Skirts", 0.1), ("Bags", 0.05))
    answer = answer_photo(photo, Filters())
    assert answer.products == [shop["dress"]]
    assert answer.searched == ("Dresses",)
    assert answer.offered == ("Skirts", "Bags")


def test_three_likely_garments_are_searched_together(shop: dict[str, Product]) -> None:
    answer = answer_photo(_photo(("Dresses", 0.3), ("Skirts", 0.2), ("Tops", 0.1)), Filters())
    assert answer.products == [shop["dress"], shop["skirt"]]
    assert answer.searched == ("Dresses", "Skirts", "Tops")


@pytest.mark.usefixtures("shop")
def test_the_shopper_is_asked_if_no_garment_is_likely() -> None:
    answer = answer_photo(_photo(("Dresses", 0.1), ("Skirts", 0.1), ("Tops", 0.05)), Filters())
    assert answer.asks
    assert answer.products == []
    assert answer.offered == ("Dresses", "Skirts", "Bags")


@pytest.mark.usefixtures("shop")
def test_the_shopper_is_asked_if_the_photo_shows_nothing() -> None:
    assert answer_photo(_photo(), Filters()).asks


def test_everything_is_searched_without_a_classifier(shop: dict[str, Product]) -> None:
    answer = answer_photo(_photo(classified=False), Filters())
    assert answer.products == [shop["bag"], shop["dress"], shop["skirt"]]
    assert answer.everything


def test_products_with_the_added_words_come_first(shop: dict[str, Product]) -> None:
    Product.objects.filter(pk=shop["skirt"].pk).update(name="Pleated midi")
    photo = _photo(classified=False)
    pleated = answer_photo(photo, Filters().with_words("pleated"))
    assert pleated.products == [shop["skirt"], shop["bag"], shop["dress"]]
    assert answer_photo(photo, Filters().with_words("nowhere")).products == list(shop.values())


def test_the_search_is_not_limited_before_categories_are_classified() -> None:
    product = make_lookalike(1)
    assert answer_photo(_photo(("Dresses", 0.9)), Filters()).products == [product]


def test_the_choice_of_the_shopper_takes_precedence(shop: dict[str, Product]) -> None:
    photo = _photo(("Bags", 0.9), ("Skirts", 0.05), ("Tops", 0.01))
    assert answer_photo(photo, Filters(), "Skirts").products == [shop["skirt"]]
    assert answer_photo(photo, Filters(), EVERYTHING).products == list(shop.values())
    chosen = Filters(category_ids=(shop["dress"].category_id,))
    assert answer_photo(photo, chosen, "Skirts").products == [shop["dress"]]


@pytest.mark.usefixtures("shop")
def test_a_garment_that_no_category_holds_is_missing() -> None:
    answer = answer_photo(_photo(("Watches", 0.9), ("Bags", 0.05), ("Tops", 0.01)), Filters())
    assert answer.missing
    assert answer.products == []


def test_the_product_of_a_copied_image_comes_first_for_any_garment(
    shop: dict[str, Product],
) -> None:
    photo = _photo(("Dresses", 0.9), ("Skirts", 0.05), ("Tops", 0.01))
    photo.whole_embedding = point(1)
    assert answer_photo(photo, Filters()).products == [shop["bag"], shop["dress"]]


def test_a_sample_or_a_crop_does_not_find_its_own_product(shop: dict[str, Product]) -> None:
    photo = _photo(classified=False)
    photo.image = shop["bag"].images.get()
    photo.save()
    assert answer_photo(photo, Filters()).products == [shop["dress"], shop["skirt"]]
    crop = _photo(classified=False)
    crop.parent = photo
    assert answer_photo(crop, Filters()).products == [shop["dress"], shop["skirt"]]


def test_underwear_is_found_only_if_detected_or_chosen(shop: dict[str, Product]) -> None:
    bra = _product("Bra", "Bras", 1)
    DiscreetCategory.objects.create(category=bra.category)
    everything = answer_photo(_photo(classified=False), Filters())
    assert everything.products == list(shop.values())
    assert answer_photo(_photo(("Bras", 0.9)), Filters()).products == [bra]
    assert answer_photo(_photo(("Bags", 0.9)), Filters(), "Bras").products == [bra]


def test_the_page_offers_other_garments_and_keeps_the_choice_in_its_address(
    client: Client, shop: dict[str, Product]
) -> None:
    photo = _photo(("Dresses", 0.8), ("Skirts", 0.1), ("Bags", 0.05))
    page = one_line(client.get(f"/photo-search/{photo.pk}/").content.decode())
    assert shop["dress"].name in page
    assert shop["skirt"].name not in page
    assert 'href="?garment=everything" rel="nofollow" aria-current="true"> Dresses' in page
    chosen = one_line(client.get(f"/photo-search/{photo.pk}/?garment=Skirts").content.decode())
    assert shop["skirt"].name in chosen
    assert shop["dress"].name not in chosen
    assert Event.objects.filter(kind=Event.Kind.CORRECTED).count() == 1


@pytest.mark.usefixtures("shop")
def test_a_correction_is_counted_once_for_each_photo(client: Client) -> None:
    address = f"/photo-search/{_photo(('Dresses', 0.8)).pk}/"
    for query in ("garment=Dresses", "garment=everything", "gender=Women"):
        client.get(f"{address}?{query}")
    corrections = Event.objects.filter(kind=Event.Kind.CORRECTED)
    assert not corrections.exists()
    for query in ("garment=Skirts", "garment=Skirts&gender=Women", "garment=Bags&count=20"):
        client.get(f"{address}?{query}")
    assert corrections.count() == 1


@pytest.mark.usefixtures("shop")
def test_the_page_asks_for_the_garment(client: Client) -> None:
    page = client.get(f"/photo-search/{_photo().pk}/").content.decode()
    assert "We couldn’t recognise the item. What are you looking for?" in page
    assert "?garment=Dresses" in page
    assert "?garment=Sweaters" not in page


@pytest.mark.usefixtures("shop")
def test_the_page_says_that_the_shop_has_no_such_garment(client: Client) -> None:
    page = client.get(f"/photo-search/{_photo(('Watches', 0.9)).pk}/").content.decode()
    assert "We don’t sell this item" in page
    assert "?garment=everything" in page


def test_more_than_five_are_shown_on_demand(client: Client) -> None:
    for n in range(8):
        embed(make_image(make_product()), 1, n / 100)
    address = f"/photo-search/{_photo(classified=False).pk}/"
    first = client.get(address)
    assert len(first.context["products"]) == 5
    assert "?count=20" in first.content.decode()
    assert len(client.get(f"{address}?count=20").context["products"]) == 8


def test_the_api_returns_the_likely_garments_and_accepts_a_choice(
    client: Client, shop: dict[str, Product]
) -> None:
    photo = _photo(("Dresses", 0.8), ("Skirts", 0.1))
    address = f"/api/v1/image-searches/{photo.pk}/"
    data = client.get(address).json()
    assert data["garments"] == [
        {"name": "Dresses", "probability": 0.8},
        {"name": "Skirts", "probability": 0.1},
    ]
    assert data["searched"] == ["Dresses"]
    chosen = client.get(f"{address}?garment=Skirts&count=1").json()
    assert [each["id"] for each in chosen["products"]] == [shop["skirt"].pk]
    assert client.get(f"{address}?count=21").status_code == 400
