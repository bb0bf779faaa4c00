from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from recommender.models import DuplicateDismissal
from shop.catalogue.models import Product, Variant
from shop.orders.models import OrderLine
from tests.factories import embed, make_image, make_lookalike, make_order, make_product
from tests.html import one_line

pytestmark = pytest.mark.django_db
PAGE = reverse("admin:catalogue_product_copies")


def make_copies(*names: str) -> list[Product]:
    """Make products with copies of one image."""
    made = [make_product(name=name) for name in names]
    images = [make_image(product, file=f"{names}.jpg") for product in made]
    for image in images:
        embed(image, 1, duplicate_group=images[0].pk)
    return made


@pytest.fixture
def three() -> list[Product]:
    """Make one group of three products, of which the second was sold."""
    made = make_copies("Ann", "Bea", "Cid")
    make_order()
    Product.objects.exclude(pk__in=[product.pk for product in made]).update(listed=False)
    OrderLine.objects.update(variant=made[1].variants.get(), quantity=4)
    return made


def send(client: Client, action: str, survivor: Product | None, chosen: Any, group: Any) -> str:
    values: dict[str, Any] = {
        "chosen": [product.pk for product in chosen],
        "group": [product.pk for product in group],
        "page": "1",
    }
    if survivor:
        values["survivor"] = survivor.pk
    return post(client, action, values)


def post(client: Client, action: str, values: dict[str, Any]) -> str:
    response = client.post(reverse(f"admin:catalogue_product_copies_{action}"), values, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def listed() -> list[str]:
    return list(Product.objects.listed().order_by("name").values_list("name", flat=True))


def groups_on(client: Client, query: str = "") -> list[list[str]]:
    shown = client.get(PAGE + query).context["shown"]
    return [[product.name for product in one.products] for one in shown]


def test_a_group_shows_its_products_and_proposes_the_best_selling(
    admin_client: Client, three: list[Product]
) -> None:
    response = admin_client.get(PAGE)
    (one,) = response.context["shown"]
    assert (one.products, one.survivor) == (three, three[1])
    page = one_line(response.content.decode())
    radio = r'name="survivor" value="(\d+)" aria-describedby="name-\d+"( checked)?'
    assert re.findall(radio, page) == [
        (str(three[0].pk), ""), (str(three[1].pk), " checked"), (str(three[2].pk), "")
    ]  # fmt: skip
    for text in ("10 in stock · 4 sold", "10 in stock · 0 sold", "€20.00"):
        assert text in page
    for product in three:
        assert f'href="{product.get_absolute_url()}"' in page
        assert f'href="{reverse("admin:catalogue_product_change", args=[product.pk])}"' in page


def test_of_equal_sales_the_oldest_is_proposed(admin_client: Client, three: list[Product]) -> None:
    OrderLine.objects.all().delete()
    assert admin_client.get(PAGE).context["shown"][0].survivor == three[0]


def test_an_empty_page_says_why(admin_client: Client) -> None:
    assert "No two products share an image." in admin_client.get(PAGE).content.decode()
    assert "No hidden products." in admin_client.get(f"{PAGE}?show=hidden").content.decode()


def test_the_page_takes_seven_queries_for_one_group_and_for_many(admin_client: Client) -> None:
    def queries() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            assert admin_client.get(PAGE).status_code == 200
        return [query["sql"] for query in captured]

    for step in range(4):
        make_copies(f"P{step}", f"P{step}")
        if step == 0:
            few = queries()
    many = queries()
    assert len(groups_on(admin_client)) == 4
    assert (len(few), len(many)) == (7, 7)


def test_a_page_shows_ten_groups(admin_client: Client) -> None:
    for step in range(11):
        make_copies(f"P{step}", f"P{step}")
    assert groups_on(admin_client) == [[f"P{step}"] * 2 for step in range(10, 0, -1)]
    assert groups_on(admin_client, "?page=2") == [["P0"] * 2]


def test_a_merge_is_previewed_and_then_confirmed(
    admin_client: Client, three: list[Product]
) -> None:
    ann, bea, cid = three
    page = send(admin_client, "merge", bea, three, three)
    assert "Merge into “Bea”?" in page
    assert "2 variants in sizes it already has" in page
    assert "20 units in stock" in page
    assert listed() == ["Ann", "Bea", "Cid"]
    names = ("confirmed", "survivor", "group", "chosen", "page")
    sent = {name: re.findall(rf'name="{name}" value="(\d+)"', page) for name in names}
    assert "Moved: 2 variants in sizes it already has, 20 units in stock." in post(
        admin_client, "merge", sent
    )
    assert listed() == ["Bea"]
    bea.refresh_from_db()
    assert bea.stock == 30
    assert admin_client.get(ann.get_absolute_url())["Location"] == bea.get_absolute_url()
    note = LogEntry.objects.get()
    assert (note.object_id, note.change_message) == (
        str(bea.pk), f"Merged products: Ann (#{ann.pk}), Cid (#{cid.pk})"
    )  # fmt: skip
    assert groups_on(admin_client) == []


def test_a_merge_that_cannot_be_done_says_why_and_changes_nothing(
    admin_client: Client, three: list[Product]
) -> None:
    Product.objects.filter(pk=three[2].pk).update(price=21)
    before = list(Variant.objects.order_by("pk").values())
    page = send(admin_client, "merge", three[1], three, three)
    assert "“Bea” costs 20.00 and “Cid” 21.00. Give both the same price first." in page
    assert listed() == ["Ann", "Bea", "Cid"]
    assert list(Variant.objects.order_by("pk").values()) == before


def test_hidden_products_can_be_listed_again(admin_client: Client, three: list[Product]) -> None:
    page = send(admin_client, "hide", three[1], three, three)
    assert "2 products hidden." in page
    assert listed() == ["Bea"]
    assert groups_on(admin_client) == []
    assert groups_on(admin_client, "?show=hidden") == [["Ann", "Bea", "Cid"]]
    page = send(admin_client, "list", None, [three[0], three[2]], three)
    assert "2 products listed again." in page
    assert listed() == ["Ann", "Bea", "Cid"]
    assert groups_on(admin_client, "?show=hidden") == []
    messages = LogEntry.objects.order_by("pk").values_list("object_id", "change_message")
    hidden, again = "Hidden as a near-duplicate", "Listed again"
    assert list(messages) == [
        (str(three[0].pk), hidden), (str(three[2].pk), hidden),
        (str(three[0].pk), again), (str(three[2].pk), again),
    ]  # fmt: skip


def test_a_dismissed_product_leaves_the_group(admin_client: Client, three: list[Product]) -> None:
    page = send(admin_client, "dismiss", three[0], [three[2]], three)
    assert "Saved: these products are no longer shown as duplicates." in page
    assert groups_on(admin_client) == [["Ann", "Bea"]]
    rows = DuplicateDismissal.objects.order_by("one").values_list("one", "other", "by__username")
    assert list(rows) == [(p.pk, three[2].pk, "admin") for p in three[:2]]


@pytest.mark.parametrize("action", ["merge", "hide", "list", "dismiss"])
def test_a_wrong_form_is_explained_and_changes_nothing(
    admin_client: Client, three: list[Product], action: str
) -> None:
    other = make_lookalike(0, 1, name="Dan")
    assert "Select at least one product." in send(admin_client, action, three[0], [], three)
    page = send(admin_client, action, three[0], [other], three)
    assert "A selected product is not in this group." in page
    assert listed() == ["Ann", "Bea", "Cid", "Dan"]
    assert not DuplicateDismissal.objects.exists()


def test_a_merge_needs_a_product_to_keep(admin_client: Client, three: list[Product]) -> None:
    page = send(admin_client, "merge", None, three, three)
    assert "Choose the product to keep." in page
    assert listed() == ["Ann", "Bea", "Cid"]


@pytest.mark.parametrize("group", ["Read-only", "Orders"])
def test_staff_without_permission_to_change_products_cannot_act(
    client: Client, three: list[Product], group: str
) -> None:
    user = User.objects.create_user("eve", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client.force_login(user)
    response = client.get(PAGE)
    assert response.status_code == (200 if group == "Read-only" else 403)
    assert "formaction" not in response.content.decode()
    values = {"survivor": three[0].pk, "chosen": three[1].pk, "confirmed": 1}
    values["group"] = [product.pk for product in three]  # type: ignore[assignment]
    for action in ("merge", "hide", "list", "dismiss"):
        url = reverse(f"admin:catalogue_product_copies_{action}")
        assert client.post(url, values).status_code == 403
    assert listed() == ["Ann", "Bea", "Cid"]
    assert not DuplicateDismissal.objects.exists()


def test_a_form_from_another_site_is_refused(three: list[Product], admin_user: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    for action in ("merge", "hide", "list", "dismiss"):
        url = reverse(f"admin:catalogue_product_copies_{action}")
        assert client.post(url, {}).status_code == 403
