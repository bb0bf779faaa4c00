from __future__ import annotations

import socket

import pytest
from django.core.management import CommandError, call_command

from shop.catalogue.models import Product


@pytest.mark.django_db
def test_a_taken_port_is_named_before_anything_is_drawn() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=rf"Port {port} cannot be used.*PORT=8001 make demo"):
            call_command("demo", port=port)
    assert not Product.objects.exists()
