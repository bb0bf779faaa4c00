from __future__ import annotations

from contextlib import ExitStack

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from recommender.models import EmbeddingModel
from shop.catalogue.models import Product, ProductImage, StoredFile
from shop.core.waiting import MAX_WAITERS, waiting_slot
from tests.factories import (
    embed,
    embedding_of,
    fail_embedding,
    make_image,
    make_lookalike,
    make_product,
    make_stored_image,
    picture_bytes,
    point,
)
from tests.product_forms import change_page, form_data
from tests.shop.catalogue.images.crafted import scans

pytestmark = pytest.mark.django_db
PRODUCTS = reverse("admin:catalogue_product_changelist")
PICTURES = reverse("admin:catalogue_productimage_changelist")


def upload(data: bytes, name: str = "shirt.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


def test_a_visitor_is_sent_to_the_login(client: Client) -> None:
    response = client.get(PRODUCTS)
    assert response["Location"] == f"{reverse('admin:login')}?next={PRODUCTS}"


def test_the_product_list_takes_as_many_queries_for_two_as_for_twenty(
    admin_client: Client,
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert admin_client.get(PRODUCTS).status_code == 200
        return len(captured)

    for _number in range(2):
        make_image(make_product())
    few = queries()
    for _number in range(18):
        make_image(make_product())
    assert queries() == few


def test_a_product_with_a_picture_is_added(admin_client: Client) -> None:
    values = form_data(None, **{"images-0-upload": upload(picture_bytes("red", (300, 400)))})
    response = admin_client.post(reverse("admin:catalogue_product_add"), values)
    assert response["Location"] == PRODUCTS
    product = Product.objects.get(name="Red shirt")
    assert product.stock == 3
    image = product.images.get()
    assert (image.width, image.height, embedding_of(image).status) == (300, 400, "pending")
    assert StoredFile.objects.filter(name=image.file).exists()


def test_a_file_that_is_no_picture_is_refused(admin_client: Client) -> None:
    values = form_data(None, **{"images-0-upload": upload(b"hello")})
    response = admin_client.post(reverse("admin:catalogue_product_add"), values)
    assert "We can’t read this file." in response.content.decode()
    assert not Product.objects.exists()
    assert not StoredFile.objects.exists()


def test_an_image_that_takes_too_long_to_decode_is_refused(admin_client: Client) -> None:
    values = form_data(None, **{"images-0-upload": upload(scans(2000))})
    response = admin_client.post(reverse("admin:catalogue_product_add"), values)
    assert "This image takes too long to read." in response.content.decode()
    assert not Product.objects.exists()
    assert not StoredFile.objects.exists()


def test_an_upload_is_refused_while_too_many_requests_wait(admin_client: Client) -> None:
    values = form_data(None, **{"images-0-upload": upload(picture_bytes(kind="GIF"))})
    with ExitStack() as held:
        for _slot in range(MAX_WAITERS):
            held.enter_context(waiting_slot())
        response = admin_client.post(reverse("admin:catalogue_product_add"), values)
    assert (response.status_code, response["Retry-After"]) == (503, "10")
    assert not Product.objects.exists()


def test_a_replaced_picture_is_pending_again(admin_client: Client) -> None:
    product = make_product()
    image = make_stored_image(product)
    embed(image, 1)
    values = form_data(product, **{"images-0-upload": upload(picture_bytes("red", (30, 40)))})
    admin_client.post(change_page(product), values)
    new = ProductImage.objects.get(pk=image.pk)
    assert (new.width, new.height) == (30, 40)
    assert new.file != image.file
    assert (embedding_of(new).status, embedding_of(new).embedding) == ("pending", None)


def test_a_new_alternative_text_keeps_file_and_embedding(admin_client: Client) -> None:
    product = make_product()
    image = make_stored_image(product)
    embed(image, 1)
    admin_client.post(change_page(product), form_data(product, **{"images-0-alt": "A red shirt"}))
    new = ProductImage.objects.get(pk=image.pk)
    assert (new.alt, new.file) == ("A red shirt", image.file)
    assert embedding_of(new).embedding == point(1)


def test_the_change_page_shows_the_similar_items_that_shoppers_see(admin_client: Client) -> None:
    product = make_lookalike(1, name="Query")
    near, nearer = make_lookalike(0.5, name="Near"), make_lookalike(0.9, name="Nearer")
    page = admin_client.get(change_page(product)).content.decode()
    block = page.split('data-block="similar"')[1].split("</div>")[0]
    places = [block.index(f'data-product-id="{p.pk}"') for p in (nearer, near)]
    assert places == sorted(places)
    assert f'data-product-id="{product.pk}"' not in block


def test_pictures_are_filtered_by_status_and_a_failed_one_is_retried(admin_client: Client) -> None:
    embed(make_image(make_product(name="Done shirt")), 1)
    make_image(make_product(name="Waiting shirt"))
    failed = make_image(make_product(name="Failed shirt"))
    fail_embedding(failed, "OSError: torn")
    for state, name in (("embedded", "Done"), ("pending", "Waiting"), ("failed", "Failed")):
        rows = admin_client.get(PICTURES, {"embedding": state}).context["cl"].result_list
        assert [row.product.name for row in rows] == [f"{name} shirt"]
        rows = admin_client.get(PRODUCTS, {"embedding": state}).context["cl"].result_list
        assert [row.name for row in rows] == [f"{name} shirt"]
    page = admin_client.get(PICTURES, {"embedding": "failed"}).content.decode()
    assert "OSError: torn" in page
    action = {"action": "retry", "_selected_action": [failed.pk]}
    response = admin_client.post(PICTURES, action, follow=True)
    assert "1 image will be retried." in response.content.decode()
    row = embedding_of(failed)
    assert (row.status, row.attempts, row.failure) == ("pending", 0, "")


@pytest.mark.parametrize(("group", "attempts"), [("Catalogue", 0), ("Orders", 3), ("Read-only", 3)])
@pytest.mark.parametrize("address", [PRODUCTS, PICTURES])
def test_only_staff_who_may_change_products_retry_pictures(
    client: Client, address: str, group: str, attempts: int
) -> None:
    failed = make_image(make_product())
    fail_embedding(failed)
    user = User.objects.create_user(group, is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client.force_login(user)
    pk = failed.product_id if address == PRODUCTS else failed.pk
    client.post(address, {"action": "retry", "_selected_action": [pk]})
    assert embedding_of(failed).attempts == attempts


def test_products_are_found_by_name_and_by_external_id(admin_client: Client) -> None:
    shirt = make_product(name="Blue shirt", external_id="4711")
    make_product(name="Red dress", external_id="47110")
    for text in ("blue", "4711"):
        found = admin_client.get(PRODUCTS, {"q": text}).context["cl"].result_list
        assert list(found) == [shirt]


def test_models_are_listed_with_the_number_of_embedded_pictures(admin_client: Client) -> None:
    EmbeddingModel.objects.create(name="old", slot="green", state="retired")
    embed(make_image(make_product()), 1)
    make_image(make_product())
    page = admin_client.get(reverse("admin:recommender_embeddingmodel_changelist"))
    assert page.content.decode().count(" / 2") == 1
    assert "1 / 2" in page.content.decode()


def test_the_product_page_shows_the_status_of_each_picture(admin_client: Client) -> None:
    product = make_product()
    embed(make_stored_image(product, "red"), 1)
    fail_embedding(make_stored_image(product, "blue"), "OSError: torn")
    page = admin_client.get(change_page(product)).content.decode()
    assert "failed OSError: torn" in page
    rows = admin_client.get(PRODUCTS).content.decode()
    assert "failed" in rows
