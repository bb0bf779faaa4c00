"""Reviews, from the email request to the product page."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core import mail
from django.db import IntegrityError, transaction
from django.db.models import F
from django.test import Client
from django.utils import timezone

from shop.catalogue.merging import merge
from shop.catalogue.models import Product
from shop.orders.models import Order, OrderEvent, OrderLine
from shop.orders.states import transition
from shop.reviews import links
from shop.reviews.links import review_path
from shop.reviews.models import Review, ReviewRequest
from shop.reviews.requests import ask_for_reviews
from shop.reviews.writing import display_name
from tests.factories import make_customer, make_order, make_product

pytestmark = pytest.mark.django_db
GOOD = {"stars": "4", "fit": "true", "text": "Soft, and the colour is right."}


def _delivered(days: int = 8, **values: Any) -> Order:
    order = make_order(**{"state": "delivered", "name": "Alice Mary Doe"} | values)
    OrderEvent.objects.filter(order=order).update(at=timezone.now() - timedelta(days=days))
    return order


def _product(order: Order) -> Product:
    return Product.objects.get(variants__in=order.lines.values("variant"))


def _path(order: Order) -> str:
    return review_path(order, _product(order))


def _review(product: Product, stars: int = 4, **values: Any) -> Review:
    order = make_order(state="delivered")
    row = {"stars": stars, "name": "Bob K.", "state": "published"} | values
    return Review.objects.create(product=product, order=order, **row)


def test_a_buyer_is_asked_once_some_days_after_delivery_in_the_orders_language() -> None:
    order = _delivered(language="de", email="alice@example.com")
    _delivered(days=6)
    _delivered(days=60)
    _delivered(state="shipped")
    assert (ask_for_reviews(), ask_for_reviews()) == (1, 0)
    (message,) = mail.outbox
    assert message.to == ["alice@example.com"]
    product = _product(order)
    assert product.name in message.body
    assert re.search(r"http://\S+/reviews/\S+/", message.body)
    assert ReviewRequest.objects.get().order == order


def test_the_email_links_to_the_form_and_the_review_is_moderated(
    client: Client,
) -> None:
    order = _delivered()
    ask_for_reviews()
    found = re.search(r"http://[^/]+(/reviews/\S+/)", str(mail.outbox[0].body))
    assert found
    page = client.get(found[1])
    assert (page.status_code, "Alice D." in page.content.decode()) == (200, True)
    product = _product(order)
    response = client.post(found[1], GOOD, follow=True)
    assert response.redirect_chain == [(product.get_absolute_url(), 302)]
    assert "Thank you! We’ll publish your review" in response.content.decode()
    review = Review.objects.get()
    assert (review.product, review.order, review.name) == (product, order, "Alice D.")
    assert (review.stars, review.fit, review.text) == (4, "true", GOOD["text"])
    assert review.state == "pending"
    assert GOOD["text"] not in client.get(product.get_absolute_url()).content.decode()


def test_nobody_is_asked_when_requests_are_disabled(settings: Any) -> None:
    settings.REVIEW_AFTER_DAYS = 0
    _delivered()
    assert (ask_for_reviews(), mail.outbox) == (0, [])


def test_unlisted_and_reviewed_products_are_not_asked_about() -> None:
    gone, kept = _delivered(), _delivered()
    OrderLine.objects.filter(order=gone).update(variant=None)
    assert (ask_for_reviews(), ReviewRequest.objects.count()) == (1, 2)
    again = _delivered()
    OrderLine.objects.filter(order=again).update(variant=kept.lines.get().variant)
    Review.objects.create(product=_product(kept), order=kept, name="Alice D.", stars=5)
    assert (ask_for_reviews(), len(mail.outbox)) == (0, 1)


def _refused(client: Client, path: str, status: int, words: str) -> None:
    before = Review.objects.count()
    for response in (client.get(path), client.post(path, GOOD)):
        assert response.status_code == status
        assert words in response.content.decode()
    assert Review.objects.count() == before


def test_an_expired_link_says_so(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _path(_delivered())
    monkeypatch.setattr(links, "LIFETIME", timedelta(seconds=-1))
    _refused(client, path, 410, "This link has expired")


def test_a_forged_link_finds_nothing(client: Client) -> None:
    path = _path(_delivered())
    for forged in (path[:-2] + "/", "/reviews/x/", "/reviews/a:b:c/"):
        _refused(client, forged, 404, "")


def test_products_of_another_order_cannot_be_reviewed(client: Client) -> None:
    path = review_path(_delivered(), make_product())
    _refused(client, path, 404, "")


@pytest.mark.parametrize("state", ["placed", "shipped", "cancelled", "refunded"])
def test_products_not_yet_delivered_cannot_be_reviewed(client: Client, state: str) -> None:
    _refused(client, _path(_delivered(state=state)), 409, "This order hasn’t been delivered yet")


def test_a_product_is_reviewed_once(client: Client) -> None:
    order = _delivered()
    client.post(_path(order), GOOD)
    _refused(client, _path(order), 409, "You have already reviewed this product")


@pytest.mark.parametrize("account", [True, False])
def test_a_second_order_allows_no_second_review(client: Client, account: bool) -> None:
    user = make_customer("alice@example.com") if account else None
    first, second = _delivered(user=user), _delivered(user=user, email="Guest@example.com")
    OrderLine.objects.filter(order=second).update(variant=first.lines.get().variant)
    client.post(_path(first), GOOD)
    _refused(client, _path(second), 409, "You have already reviewed this product")


def test_another_buyer_may_review_the_same_product(client: Client) -> None:
    first, second = _delivered(), _delivered(email="bob@example.com")
    OrderLine.objects.filter(order=second).update(variant=first.lines.get().variant)
    for order in (first, second):
        assert client.post(_path(order), GOOD).status_code == 302
    assert Review.objects.count() == 2


def test_the_database_refuses_a_second_review() -> None:
    review = _review(make_product())
    values = {"product": review.product, "order": review.order, "name": "B", "stars": 1}
    with pytest.raises(IntegrityError), transaction.atomic():
        Review.objects.create(**values)
    assert Review.objects.get() == review


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stars": ""}, "Please choose from 1 to 5 stars."),
        ({"stars": "6"}, "6 is not one of the available choices."),
        ({"fit": "tight"}, "tight is not one of the available choices."),
        ({"text": "x" * 2001}, "Ensure this value has at most 2000 characters (it has 2001)."),
    ],
)
def test_an_invalid_review_is_explained_and_input_is_kept(
    client: Client, changes: dict[str, str], words: str
) -> None:
    sent = GOOD | changes
    response = client.post(_path(_delivered()), sent)
    page = response.content.decode()
    assert (response.status_code, words in page) == (422, True)
    assert f"{sent['text']}</textarea>" in page
    assert not Review.objects.exists()


def test_stars_alone_are_a_review(client: Client) -> None:
    client.post(_path(_delivered()), {"stars": "5"})
    review = Review.objects.get()
    assert (review.stars, review.fit, review.text) == (5, "", "")


def test_html_in_a_review_is_escaped(client: Client) -> None:
    order = _delivered(name="<b>Al</b> <i>")
    script = "<script>alert(1)</script>"
    client.post(_path(order), GOOD | {"text": script})
    Review.objects.update(state="published")
    product = _product(order)
    for path in (product.get_absolute_url(), f"{product.get_absolute_url()}reviews/"):
        page = client.get(path).content.decode()
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert script not in page
        assert "<b>Al" not in page


def test_a_link_follows_a_merge(client: Client) -> None:
    order = _delivered()
    path, product = _path(order), _product(order)
    stays = make_product()
    merge(stays.pk, [product.pk])
    assert client.post(path, GOOD).status_code == 302
    assert Review.objects.get().product == stays


def test_reviews_and_rating_follow_a_merge() -> None:
    stays, other = make_product(), make_product()
    mine = _review(stays, 2)
    _review(other, 5)
    Review.objects.create(
        product=other, order=mine.order, name="A", stars=1, state=Review.State.PUBLISHED
    )
    assert "2 reviews" in merge(stays.pk, [other.pk])
    stays.refresh_from_db()
    other.refresh_from_db()
    assert (stays.rating_count, stays.rating_sum) == (2, 7)
    assert (other.rating_count, other.rating_sum) == (0, 0)


def test_only_published_reviews_count_towards_the_rating() -> None:
    product, other = make_product(), make_product()
    _review(other, 1)

    def counted() -> tuple[int, int, float | None]:
        product.refresh_from_db()
        return product.rating_count, product.rating_sum, product.rating

    first = _review(product, 5, state="pending")
    assert counted() == (0, 0, None)
    Review.objects.filter(pk=first.pk).update(state="published")
    second = _review(product, 4)
    assert counted() == (2, 9, 4.5)
    Review.objects.filter(pk=second.pk).update(stars=F("stars") - 3)
    assert counted() == (2, 6, 3.0)
    Review.objects.filter(pk=first.pk).update(state="rejected")
    assert counted() == (1, 1, 1.0)
    second.order.delete()
    assert counted() == (0, 0, None)
    other.refresh_from_db()
    assert (other.rating_count, other.rating_sum) == (1, 1)


def test_saving_a_product_does_not_restore_an_old_rating() -> None:
    product = make_product()
    _review(product, 5)
    product.name = "New name"
    product.save()
    product.refresh_from_db()
    assert (product.name, product.rating_count, product.rating_sum) == ("New name", 1, 5)


def _structured(page: str) -> dict[str, Any]:
    scripts = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)
    return next(data for data in map(json.loads, scripts) if data["@type"] == "Product")


def test_the_product_page_summarises_published_reviews(client: Client) -> None:
    product = make_product()
    for fit in ("true", "true", "large"):
        _review(product, 5, fit=fit)
    _review(product, 2, text="Too thin.")
    _review(product, 1, state="pending", text="Not yet seen.")
    _review(product, 1, state="rejected", text="Never seen.")
    page = client.get(product.get_absolute_url()).content.decode()
    assert "4.2 out of 5 stars" in page
    assert "2 of 3 reviewers say it fits true to size." in page
    assert "Show all 4 reviews" in page
    assert "Too thin." in page
    assert "Not yet seen." not in page
    assert "Never seen." not in page
    rating = {"@type": "AggregateRating", "ratingValue": 4.2, "reviewCount": 4}
    assert _structured(page)["aggregateRating"] == rating


def test_the_most_frequent_fit_is_shown() -> None:
    product = make_product()
    for fit in ("small", "small", "true"):
        _review(product, fit=fit)
    page = Client().get(product.get_absolute_url()).content.decode()
    assert "1 of 3 reviewers say it fits true to size." in page
    assert "<strong>Runs small.</strong>" in page


def test_a_product_without_reviews_has_no_rating_and_takes_no_query(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    product = make_product()
    _review(product, state="pending")
    client.get(product.get_absolute_url())
    with django_assert_max_num_queries(40) as queries:
        page = client.get(product.get_absolute_url()).content.decode()
    assert "aggregateRating" not in _structured(page)
    assert 'id="reviews"' not in page
    assert [q["sql"] for q in queries.captured_queries if "reviews_review" in q["sql"]] == []


def test_cards_show_the_rating_without_a_query(client: Client) -> None:
    for _number in range(3):
        _review(make_product(), 5)
    page = client.get("/products/")
    assert page.content.decode().count('class="card-rating"') == 3


def test_all_reviews_are_paginated(client: Client) -> None:
    product = make_product()
    for number in range(11):
        _review(product, text=f"Review number {number}.")
    path = f"{product.get_absolute_url()}reviews/"
    first, second = (client.get(path, {"page": n}).content.decode() for n in (1, 2))
    assert (first.count("Review number"), second.count("Review number")) == (10, 1)
    assert "Review number 0." in second
    assert client.get("/products/none/reviews/").status_code == 404
    empty = client.get(f"{make_product().get_absolute_url()}reviews/")
    assert (empty.status_code, "No reviews yet." in empty.content.decode()) == (200, True)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Alice Doe", "Alice D."),
        ("Alice", "Alice"),
        (" Élodie  de la Tour ", "Élodie T."),
        ("", ""),
    ],
)
def test_a_reviewer_is_named_by_first_name_and_initial(name: str, shown: str) -> None:
    assert display_name(name) == shown


def _staff(client: Client, group: str) -> None:
    user = User.objects.create_user(group, is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client.force_login(user)


def test_staff_publish_and_reject_but_cannot_edit_reviews(client: Client) -> None:
    _staff(client, "Catalogue")
    first, second = (_review(make_product(), state="pending") for _ in range(2))
    tiles = {tile["label"]: tile for tile in client.get("/admin/").context["tiles"]}
    assert tiles["Reviews to moderate"]["value"] == 2
    for review, action in ((first, "publish"), (second, "reject")):
        data = {"action": action, "_selected_action": review.pk}
        page = client.post("/admin/reviews/review/", data, follow=True).content.decode()
        assert "1 review updated." in page
    assert list(Review.objects.order_by("pk").values_list("state", flat=True)) == [
        *("published", "rejected")
    ]
    path = f"/admin/reviews/review/{second.pk}/change/"
    client.post(path, {"state": "published", "text": "Great!", "stars": 5})
    second.refresh_from_db()
    assert (second.state, second.text, second.stars) == ("published", "", 4)


def test_staff_with_view_permission_cannot_publish_reviews(client: Client) -> None:
    _staff(client, "Read-only")
    review = _review(make_product(), state="pending")
    data = {"action": "publish", "_selected_action": review.pk}
    client.post("/admin/reviews/review/", data)
    client.post(f"/admin/reviews/review/{review.pk}/change/", {"state": "published"})
    review.refresh_from_db()
    assert review.state == "pending"


def test_reviews_are_exported_and_deleted_with_the_account(client: Client) -> None:
    alice = make_customer("alice@example.com", "correct-horse-7")
    client.force_login(alice)
    order = _delivered(user=alice)
    client.post(_path(order), GOOD)
    other = _review(make_product())
    (row,) = client.get("/account/export/").json()["reviews"]
    written = Review.objects.get(order=order).created.isoformat()
    assert row == {
        **{"product": _product(order).name, "name": "Alice D.", "stars": 4, "fit": "true"},
        **{"text": GOOD["text"], "state": "pending", "written": written},
    }
    client.post("/account/delete/", {"password": "correct-horse-7"})
    assert list(Review.objects.all()) == [other]
    assert Order.objects.filter(pk=order.pk, user=None).exists()
    assert (ask_for_reviews(), mail.outbox) == (0, [])


def test_the_api_lists_published_reviews(client: Client) -> None:
    product = make_product()
    review = _review(product, 5, fit="true", text="Lovely.")
    _review(product, 1, state="pending")
    answer = client.get(f"/api/v1/products/{product.pk}/reviews/").json()
    row = answer["results"][0]
    assert (len(answer["results"]), row["id"]) == (1, review.pk)
    assert set(row) == {"id", "name", "stars", "fit", "text", "created"}
    detail = client.get(f"/api/v1/products/{product.pk}/").json()
    assert (detail["rating"], detail["rating_count"]) == (5.0, 1)
    hidden = make_product(listed=False)
    assert client.get(f"/api/v1/products/{hidden.pk}/reviews/").status_code == 404


def test_a_refunded_order_cannot_be_reviewed(client: Client) -> None:
    order = _delivered(paid_at=timezone.now())
    transition(order, Order.State.REFUNDED)
    _refused(client, _path(order), 409, "This order hasn’t been delivered yet")
