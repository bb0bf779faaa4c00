from __future__ import annotations

from io import BytesIO

import pytest
from django.test import Client
from PIL import Image

from recommender.embedding.worker import embed_pending
from recommender.models import EmbeddingModel, QueryPhoto
from recommender.photo_search import photos
from recommender.photo_search.crops import Region, RegionError, crop
from recommender.search.similar import similar_to_photo
from shop.catalogue.models import ProductImage
from tests.factories import make_product, make_stored_image, picture_bytes

pytestmark = pytest.mark.django_db
PART = "/photo-search/part/"


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recommender.photo_search.crop_views.enqueue", lambda *args: None)
    monkeypatch.setattr("recommender.photo_search.views.enqueue", lambda *args: None)
    monkeypatch.setattr("recommender.photo_search.views.MAX_WAIT_SECONDS", 0)


def _two_colours() -> bytes:
    """The left half is red, the right half is blue."""
    image = Image.new("RGB", (200, 100), "red")
    image.paste("blue", (100, 0, 200, 100))
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def photo() -> QueryPhoto:
    return photos.store_photo(_two_colours())


@pytest.fixture
def image() -> ProductImage:
    return make_stored_image(make_product(), "green")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "four numbers"),
        ("1,2,3", "four numbers"),
        ("a,b,c,d", "four numbers"),
        ("nan,0,1,1", "within"),
        ("-0.1,0,1,1", "within"),
        ("0,0,1,1.5", "within"),
        ("0.5,0,0.52,1", "too small"),
        ("0.9,0,0.1,1", "too small"),
    ],
)
def test_what_is_no_region_is_refused_with_a_reason(
    client: Client, photo: QueryPhoto, text: str, message: str
) -> None:
    with pytest.raises(RegionError, match=message):
        Region.parse(text)
    response = client.post(PART, {"photo": photo.pk, "region": text or "x"})
    assert response.status_code == 422
    assert QueryPhoto.objects.count() == 1


def test_few_pixels_are_refused() -> None:
    with pytest.raises(RegionError, match="too small"):
        crop(picture_bytes(size=(60, 80)), Region(0, 0, 0.2, 1))


def test_the_part_of_a_photo_is_a_photo_of_its_own(client: Client, photo: QueryPhoto) -> None:
    QueryPhoto.objects.filter(pk=photo.pk).update(expires=photo.expires.replace(microsecond=7))
    response = client.post(PART, {"photo": photo.pk, "region": "0.5,0,1,1"})
    part = QueryPhoto.objects.exclude(pk=photo.pk).get()
    assert response.url == part.get_absolute_url()  # type: ignore[attr-defined]
    assert (part.width, part.height, part.crop_box) == (100, 100, "0.5,0,1,1")
    assert part.parent == photo
    assert part.expires.microsecond == 7
    red, _green, blue = Image.open(BytesIO(bytes(part.content))).getpixel((50, 50))  # type: ignore[misc]
    assert red < 10
    assert blue > 245


def test_four_percentages_are_a_region(client: Client, photo: QueryPhoto) -> None:
    sides = {"left": "0", "top": "0", "right": "50", "bottom": "100"}
    client.post(PART, {"photo": photo.pk, **sides})
    part = QueryPhoto.objects.exclude(pk=photo.pk).get()
    assert part.crop_box == "0,0,0.5,1"


def test_a_missing_percentage_is_said_and_the_others_are_kept(
    client: Client, photo: QueryPhoto
) -> None:
    response = client.post(PART, {"photo": photo.pk, "left": "0", "top": "", "right": "50"})
    assert response.status_code == 422
    assert "four numbers" in response.content.decode()


def test_the_part_of_a_products_picture_keeps_what_it_was_cut_from(
    client: Client, image: ProductImage
) -> None:
    client.post(PART, {"image": image.pk, "region": "0,0,1,0.5"})
    part = QueryPhoto.objects.get()
    assert (part.image, part.parent, part.crop_box) == (image, None, "0,0,1,0.5")
    assert part.height == image.height // 2
    page = client.get(part.get_absolute_url()).content.decode()
    assert f"?image={image.pk}&amp;region=0,0,1,0.5" in page


def test_a_part_goes_with_its_photo(client: Client, photo: QueryPhoto) -> None:
    client.post(PART, {"photo": photo.pk, "region": "0.5,0,1,1"})
    photo.delete()
    assert not QueryPhoto.objects.exists()


@pytest.mark.parametrize("query", ["", "image=x", "image=999", "photo=none", "image=²"])
def test_an_unknown_picture_is_not_found(client: Client, query: str) -> None:
    assert client.get(f"{PART}?{query}").status_code == 404


def test_the_picture_of_an_unlisted_product_is_not_found(
    client: Client, image: ProductImage
) -> None:
    image.product.listed = False
    image.product.save()
    assert client.get(f"{PART}?image={image.pk}").status_code == 404
    assert client.post(PART, {"image": image.pk, "region": "0,0,1,0.5"}).status_code == 404


def test_an_expired_photo_gives_no_part(client: Client, photo: QueryPhoto) -> None:
    QueryPhoto.objects.update(expires=photo.created)
    assert client.get(f"{PART}?photo={photo.pk}").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_the_right_part_of_a_photo_finds_its_own_neighbours() -> None:
    red = make_product(name="Red")
    blue = make_product(name="Blue")
    make_stored_image(red, "red")
    make_stored_image(blue, "blue")
    embed_pending(EmbeddingModel.objects.active())
    photo = photos.store_photo(_two_colours())
    for region, nearest in (("0,0,0.5,1", red), ("0.5,0,1,1", blue)):
        part = photos.store_crop(photo, Region.parse(region))
        photos.embed_photo(part.pk)
        part.refresh_from_db()
        assert similar_to_photo(part)[0] == nearest
