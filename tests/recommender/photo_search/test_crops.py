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
CROP_PAGE = "/photo-search/part/"


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recommender.photo_search.photos.enqueue", lambda *args: None)
    monkeypatch.setattr("recommender.photo_search.views.MAX_WAIT_SECONDS", 0)


def _two_colours() -> bytes:
    """Draw an image whose left half is red and whose right half is blue."""
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
def test_an_invalid_region_is_refused_with_a_reason(
    client: Client, photo: QueryPhoto, text: str, message: str
) -> None:
    with pytest.raises(RegionError, match=message):
        Region.parse(text)
    response = client.post(CROP_PAGE, {"photo": photo.pk, "region": text or "x"})
    assert response.status_code == 422
    assert QueryPhoto.objects.count() == 1


def test_a_region_of_few_pixels_is_refused() -> None:
    with pytest.raises(RegionError, match="too small"):
        crop(picture_bytes(size=(60, 80)), Region(0, 0, 0.2, 1))


def test_a_crop_of_a_photo_is_stored_with_its_parent(client: Client, photo: QueryPhoto) -> None:
    QueryPhoto.objects.filter(pk=photo.pk).update(expires=photo.expires.replace(microsecond=7))
    response = client.post(CROP_PAGE, {"photo": photo.pk, "region": "0.5,0,1,1"})
    stored = QueryPhoto.objects.exclude(pk=photo.pk).get()
    assert response.url == stored.get_absolute_url()  # type: ignore[attr-defined]
    assert (stored.width, stored.height, stored.crop_box) == (100, 100, "0.5,0,1,1")
    assert stored.parent == photo
    assert stored.expires.microsecond == 7
    red, _green, blue = Image.open(BytesIO(bytes(stored.content))).getpixel((50, 50))  # type: ignore[misc]
    assert red < 10
    assert blue > 245


def test_four_percentages_are_a_region(client: Client, photo: QueryPhoto) -> None:
    sides = {"left": "0", "top": "0", "right": "50", "bottom": "100"}
    client.post(CROP_PAGE, {"photo": photo.pk, **sides})
    stored = QueryPhoto.objects.exclude(pk=photo.pk).get()
    assert stored.crop_box == "0,0,0.5,1"


def test_a_missing_percentage_is_refused(client: Client, photo: QueryPhoto) -> None:
    response = client.post(CROP_PAGE, {"photo": photo.pk, "left": "0", "top": "", "right": "50"})
    assert response.status_code == 422
    assert "four numbers" in response.content.decode()


def test_a_crop_of_a_product_image_is_stored_with_the_image(
    client: Client, image: ProductImage
) -> None:
    client.post(CROP_PAGE, {"image": image.pk, "region": "0,0,1,0.5"})
    stored = QueryPhoto.objects.get()
    assert (stored.image, stored.parent, stored.crop_box) == (image, None, "0,0,1,0.5")
    assert stored.height == image.height // 2
    page = client.get(stored.get_absolute_url()).content.decode()
    assert f"?image={image.pk}&amp;region=0,0,1,0.5" in page


def test_deleting_a_photo_deletes_its_crops(client: Client, photo: QueryPhoto) -> None:
    client.post(CROP_PAGE, {"photo": photo.pk, "region": "0.5,0,1,1"})
    photo.delete()
    assert not QueryPhoto.objects.exists()


@pytest.mark.parametrize("query", ["", "image=x", "image=999", "photo=none", "image=²"])
def test_an_unknown_picture_is_not_found(client: Client, query: str) -> None:
    assert client.get(f"{CROP_PAGE}?{query}").status_code == 404


def test_the_image_of_an_unlisted_product_is_not_found(client: Client, image: ProductImage) -> None:
    image.product.listed = False
    image.product.save()
    assert client.get(f"{CROP_PAGE}?image={image.pk}").status_code == 404
    assert client.post(CROP_PAGE, {"image": image.pk, "region": "0,0,1,0.5"}).status_code == 404


def test_an_expired_photo_cannot_be_cropped(client: Client, photo: QueryPhoto) -> None:
    QueryPhoto.objects.update(expires=photo.created)
    assert client.get(f"{CROP_PAGE}?photo={photo.pk}").status_code == 404


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_each_crop_of_a_photo_finds_its_own_neighbours() -> None:
    red = make_product(name="Red")
    blue = make_product(name="Blue")
    make_stored_image(red, "red")
    make_stored_image(blue, "blue")
    embed_pending(EmbeddingModel.objects.active())
    photo = photos.store_photo(_two_colours())
    for region, nearest in (("0,0,0.5,1", red), ("0.5,0,1,1", blue)):
        crop = photos.store_crop(photo, Region.parse(region))
        photos.embed_photo(crop.pk)
        crop.refresh_from_db()
        assert similar_to_photo(crop)[0] == nearest
