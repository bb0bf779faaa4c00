from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from demo.command import YIELDING, _processes
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


def test_bulk_work_yields_and_nothing_else_does() -> None:
    begins = {name: command.startswith(YIELDING) for name, command in _processes(8000).items()}
    assert begins == {
        "web": False,
        "search": False,
        "catalogue": True,
        "uploads": True,
        "shop": False,
        "beat": False,
    }


def test_who_yields_does_so_beyond_its_own_session() -> None:
    groups = Path("/proc/self/autogroup")
    seen = "nice; cat /proc/self/autogroup" if groups.exists() else "nice; echo nice 10"
    shell = ["/bin/sh", "-c", f"{YIELDING} /bin/sh -c '{seen}'"]
    done = subprocess.run(shell, start_new_session=True, capture_output=True, text=True, check=True)
    own, group = done.stdout.splitlines()
    assert (own, group.split()[-2:]) == ("10", ["nice", "10"])
