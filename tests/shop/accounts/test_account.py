from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from shop.accounts.models import Address, ApiToken
from shop.api.models import IdempotencyRecord
from shop.cart.models import Cart
from shop.orders.models import Order
from shop.payments.models import Payment
from shop.wishlist.models import SavedProduct, StockAlert
from tests.factories import make_customer, make_order, make_product, make_variant

pytestmark = pytest.mark.django_db
HOME = {
    "name": "Alice Doe",
    "street": "1 High Street",
    "postcode": "12345",
    "city": "Springfield",
    "country": "DE",
    "phone": "",
}


@pytest.fixture
def alice(client: Client) -> User:
    user = make_customer("alice@example.com")
    client.force_login(user)
    return user


def test_the_first_address_is_the_default_and_a_new_default_replaces_it(
    client: Client, alice: User
) -> None:
    client.post("/account/addresses/new/", HOME)
    client.post("/account/addresses/new/", HOME | {"city": "Shelbyville", "is_default": "on"})
    assert list(Address.objects.values_list("city", "is_default")) == [
        ("Shelbyville", True),
        ("Springfield", False),
    ]


def test_an_incomplete_address_is_explained_and_not_stored(client: Client, alice: User) -> None:
    response = client.post("/account/addresses/new/", HOME | {"city": ""})
    assert response.status_code == 422
    assert "This field is required." in response.content.decode()
    assert not Address.objects.exists()


def test_an_address_is_edited_and_deleted(client: Client, alice: User) -> None:
    address = Address.objects.create(user=alice, **HOME)
    client.post(f"/account/addresses/{address.pk}/", HOME | {"city": "Ogdenville"})
    assert Address.objects.get().city == "Ogdenville"
    client.post(f"/account/addresses/{address.pk}/delete/")
    assert not Address.objects.exists()


def test_another_customers_address_is_not_found(client: Client, alice: User) -> None:
    theirs = Address.objects.create(user=make_customer("bob@example.com"), **HOME)
    for path in (f"/account/addresses/{theirs.pk}/", f"/account/addresses/{theirs.pk}/delete/"):
        assert client.post(path, HOME | {"city": "Ogdenville"}).status_code == 404
    theirs.refresh_from_db()
    assert theirs.city == "Springfield"


def test_an_address_book_has_a_maximum_size(client: Client, alice: User) -> None:
    for _number in range(20):
        Address.objects.create(user=alice, **HOME)
    page = client.post("/account/addresses/new/", HOME, follow=True).content.decode()
    assert "Delete an address first." in page
    assert Address.objects.count() == 20


def test_orders_are_listed_newest_first(client: Client, alice: User) -> None:
    first, second = make_order(user=alice), make_order(user=alice, total=Decimal("30.00"))
    make_order(user=make_customer("bob@example.com"))
    page = client.get("/account/orders/").content.decode()
    assert page.index(second.number) < page.index(first.number)
    assert page.count("€") == 2


def test_the_order_list_takes_a_constant_number_of_queries(
    client: Client, alice: User, django_assert_num_queries
) -> None:  # type: ignore[no-untyped-def]
    for _number in range(10):
        make_order(user=alice)
    with django_assert_num_queries(9):
        client.get("/account/orders/")


def test_guest_orders_are_attached_when_the_email_is_confirmed(alice: User) -> None:
    mine, other = make_order(email="Alice@Example.com"), make_order(email="bob@example.com")
    address = EmailAddress.objects.get(user=alice)
    email_confirmed.send(sender=EmailAddress, request=None, email_address=address)
    assert list(Order.objects.filter(user=alice)) == [mine]
    assert Order.objects.get(pk=other.pk).user is None


def test_guest_orders_are_attached_at_the_next_sign_in(client: Client) -> None:
    alice = make_customer("alice@example.com")
    EmailAddress.objects.create(user=alice, email="bob@example.com", verified=False)
    mine, other = make_order(email="Alice@Example.com"), make_order(email="bob@example.com")
    client.force_login(alice)
    assert list(Order.objects.filter(user=alice)) == [mine]
    assert Order.objects.get(pk=other.pk).user is None
    exported = client.get("/account/export/").json()["orders"]
    assert [order["number"] for order in exported] == [mine.number]


# Addresses of other people, each of which some comparison turns into smith@gmail.example.
DOUBLES = [
    "smith@gmaıl.example",  # UPPER() in PostgreSQL
    "ſmith@gmail.example",  # casefold() and NFKC
    "ｓmith@gmail.example",  # NFKC
    "smıth@gmail.example",
    "smith@gmail.example.",
    " smith@gmail.example",
    "SMİTH@GMAIL.EXAMPLE",  # lower()
]


def test_the_database_lowercases_non_ascii_letters_as_in_production() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT upper('gmaıl'), lower('gmaıl' COLLATE \"C\")")
        assert cursor.fetchone() == ("GMAIL", "gmaıl")


def _assert_owns_nothing(client: Client, thief: User) -> None:
    """Export and delete the only account, and check that one stock alert is not part of it."""
    client.force_login(thief)
    exported = client.get("/account/export/").json()
    assert (exported["orders"], exported["stock_alerts"]) == ([], [])
    client.post("/account/delete/", {"password": "correct-horse-7"})
    assert not User.objects.exists()
    assert StockAlert.objects.count() == 1


@pytest.mark.parametrize("double", DOUBLES)
def test_a_confusable_email_address_gives_no_access(client: Client, double: str) -> None:
    order = make_order(email="Smith@Gmail.example")
    variant = order.lines.get().variant
    StockAlert.objects.create(variant=variant, email="smith@gmail.example", language="en")
    thief = make_customer(double, "correct-horse-7")
    address = EmailAddress.objects.get(user=thief)
    email_confirmed.send(sender=EmailAddress, request=None, email_address=address)
    _assert_owns_nothing(client, thief)
    assert Order.objects.get(pk=order.pk).user is None


def test_an_unverified_email_address_gives_no_access(client: Client) -> None:
    make_order(email="smith@gmail.example")
    variant = make_product().variants.get()
    StockAlert.objects.create(variant=variant, email="smith@gmail.example", language="en")
    thief = make_customer("thief@example.com", "correct-horse-7")
    User.objects.update(email="smith@gmail.example")
    EmailAddress.objects.create(user=thief, email="smith@gmail.example", verified=False)
    _assert_owns_nothing(client, thief)


def test_personal_data_are_exported(client: Client, alice: User) -> None:
    Address.objects.create(user=alice, **HOME)
    order = make_order(user=alice)
    shirt = make_product(name="Blue Shirt")
    SavedProduct.objects.create(user=alice, product=shirt)
    size = make_variant(shirt, sku="BLUE-M", size="M")
    Cart.objects.create(user=alice).lines.create(variant=size, quantity=2)
    for email in ("Alice@Example.com", "bob@example.com"):
        StockAlert.objects.create(variant=size, email=email, language="de")
    make_order(user=make_customer("bob@example.com"))
    response = client.get("/account/export/")
    data = response.json()
    assert "attachment" in response["Content-Disposition"]
    assert data["account"]["email"] == "alice@example.com"
    assert data["addresses"] == [HOME]
    assert [row["number"] for row in data["orders"]] == [order.number]
    assert [row["product"] for row in data["saved"]] == ["Blue Shirt"]
    assert data["cart"] == [{"sku": "BLUE-M", "name": "Blue Shirt (M)", "quantity": 2}]
    alert = StockAlert.objects.get(email="Alice@Example.com")
    assert data["stock_alerts"] == [
        {"sku": "BLUE-M", "name": "Blue Shirt (M)", "email": "Alice@Example.com", "language": "de"}
        | {"asked": alert.created.isoformat()}
    ]


def test_vouchers_payments_and_tracking_are_exported(client: Client, alice: User) -> None:
    order = make_order(
        user=alice, voucher_code="SUMMER", payment="card", tracking="T-42", paid_at=timezone.now()
    )
    other = make_order(user=make_customer("bob@example.com"))
    for number, paid in enumerate((order, other)):
        Payment.objects.create(order=paid, amount=2000, currency="EUR", intent_id=f"pi_{number}")
    data = client.get("/account/export/").json()
    (row,) = data["orders"]
    assert (row["voucher"], row["payment"], row["tracking"]) == ("SUMMER", "card", "T-42")
    assert (row["discount"], row["paid"]) == ("0.00", order.paid_at.isoformat())
    assert [(p["order"], p["amount"], p["intent"]) for p in data["card_payments"]] == [
        (order.number, 2000, "pi_0")
    ]


def test_deleting_an_account_deletes_its_idempotency_records(alice: User) -> None:
    bob = make_customer("bob@example.com")
    for user in (alice, bob):
        IdempotencyRecord.objects.create(owner=f"user {user.pk}", key="k", fingerprint="f")
    alice.delete()
    assert IdempotencyRecord.objects.get().owner == f"user {bob.pk}"


def test_deleting_an_account_keeps_only_the_order(client: Client, alice: User) -> None:
    alice.set_password("correct-horse-7")
    alice.save()
    client.force_login(alice)
    Address.objects.create(user=alice, **HOME)
    Cart.objects.create(user=alice)
    order = make_order(user=alice)
    variant = order.lines.get().variant
    for email in ("Alice@Example.com", "bob@example.com"):
        StockAlert.objects.create(variant=variant, email=email, language="en")
    wrong = client.post("/account/delete/", {"password": "wrong"})
    assert wrong.status_code == 422
    assert User.objects.filter(pk=alice.pk).exists()
    assert StockAlert.objects.count() == 2
    client.post("/account/delete/", {"password": "correct-horse-7"})
    assert not User.objects.exists()
    assert (Address.objects.count(), Cart.objects.count()) == (0, 0)
    assert StockAlert.objects.get().email == "bob@example.com"
    order.refresh_from_db()
    assert order.user is None
    assert client.get("/account/").status_code == 302


def test_staff_cannot_delete_their_account(client: Client, alice: User) -> None:
    User.objects.update(is_staff=True)
    assert client.post("/account/delete/", {"password": "x"}).status_code == 403
    assert User.objects.exists()


def test_an_order_keeps_its_page_after_its_owner_is_deleted(client: Client, alice: User) -> None:
    order = make_order(user=alice)
    Order.objects.update(placed=order.placed - timedelta(days=400))
    assert client.get(order.get_absolute_url()).status_code == 200


def test_only_the_owner_can_see_and_revoke_a_token(client: Client, alice: User) -> None:
    assert "/account/tokens/" not in client.get("/account/").content.decode()
    hers, _token = ApiToken.issue(alice, "read")
    other, _token = ApiToken.issue(make_customer("bob@example.com"))
    assert client.post(f"/account/tokens/{other.pk}/end/").status_code == 404
    page = client.get("/account/").content.decode()
    assert f'action="/account/tokens/{hers.pk}/end/"' in page
    assert f"/account/tokens/{other.pk}/" not in page
    page = client.post(f"/account/tokens/{hers.pk}/end/", follow=True).content.decode()
    assert "Token revoked." in page
    assert "/account/tokens/" not in page
    assert ApiToken.objects.get() == other
