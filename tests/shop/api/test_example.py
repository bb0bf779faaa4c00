from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from recommender.embedding.worker import embed_pending
from recommender.models import EmbeddingModel
from recommender.photo_search.photos import embed_photo
from shop.accounts.models import ApiToken
from shop.catalogue.models import Product
from tests.factories import make_category, picture_bytes

CLIENT = Path(__file__).parents[3] / "docs" / "examples" / "client.py"


@pytest.mark.django_db(transaction=True)
def test_the_documented_client_uploads_and_searches(
    live_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Do the workers' part at once.
    monkeypatch.setattr("recommender.photo_search.photos.enqueue", lambda name, pk: embed_photo(pk))
    make_category("Apparel", "Topwear", "Shirts")
    token = ApiToken.issue(User.objects.create_superuser("admin"))[1]
    folder = tmp_path / "pictures"
    folder.mkdir()
    for colour in ("red", "navy", "green"):
        (folder / f"{colour}-shirt.png").write_bytes(picture_bytes(colour, kind="PNG"))
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(picture_bytes("red"))

    def run() -> str:
        path = "apparel/topwear/shirts"
        arguments = [sys.executable, CLIENT, live_server.url, token, path, folder, photo]
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run()
    embed_pending(EmbeddingModel.objects.active())
    lines = run().splitlines()
    assert lines[0] == "3 products are in the shop."
    assert "Red Shirt" in lines[1]
    assert len(lines) == 4
    assert Product.objects.count() == 3


def test_the_documented_client_prints_its_usage() -> None:
    done = subprocess.run([sys.executable, CLIENT], capture_output=True, text=True)
    assert done.returncode == 1
    assert "TOKEN" in done.stderr
