from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client

from tests.factories import make_customer, make_order

pytestmark = pytest.mark.django_db
PASSWORD = "correct-horse-7"


@pytest.mark.parametrize("path", ["/search/?q=blue+shirt&sort=price", ""])
def test_signing_in_from_the_header_returns_to_the_whole_address(client: Client, path: str) -> None:
    make_customer("bob@example.com", PASSWORD)
    path = path or make_order().confirmation_path()
    found = re.search(r'href="(/account/login/\?next=[^"]+)"', client.get(path).content.decode())
    assert found
    sent = {"login": "bob@example.com", "password": PASSWORD}
    assert client.post(unescape(found[1]), sent)["Location"] == path
