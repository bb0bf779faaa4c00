from __future__ import annotations

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path",
    [
        *("/search/?q=a%00b", "/products/?colour=%00", "/products/?%00=1", "/orders/%00/"),
        *("/categories/a%00b/", "/photo-search/%00/", "/pictures/%00.webp"),
    ],
)
def test_an_address_with_nul_is_refused(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 400
    assert b"NUL" in response.content
