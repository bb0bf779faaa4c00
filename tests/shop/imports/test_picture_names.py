"""Pictures are assigned to products by the names of their files."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from shop.catalogue.models import Product
from shop.imports.jobs.run import import_catalogue
from shop.imports.parsing.pictures import assign_pictures
from shop.imports.parsing.table import ReadOptions
from tests.shop.imports.conftest import (
    SOLD_HEADER,
    MakeFolder,
    Send,
    act,
    picture,
    sold_row,
    zipped,
)

pytestmark = pytest.mark.django_db


def stems(*names: str) -> list[str]:
    return [f"images/{name}" for name in names]


def test_pictures_are_assigned_by_common_naming_schemes() -> None:
    files = stems(
        *("Z-61_1.jpg", "Z-62-1.jpg", "z-63.jpg", "Z-64.JPG", "Z-65.jpeg", "Z-65_2.jpeg"),
        *("Z-66 (1).jpg", "Z-67_back.jpg", "Z-67_front.jpg", "Z-68 10.png", "Z-68 9.png"),
        *("Z-69_front_2.webp", "Z-69_side.webp"),
    )
    found = assign_pictures(files, {f"Z-{number}" for number in range(61, 70)}, {})
    assert found.unused == []
    assert found.of == {
        "Z-61": stems("Z-61_1.jpg"),
        "Z-62": stems("Z-62-1.jpg"),
        "Z-63": stems("z-63.jpg"),
        "Z-64": stems("Z-64.JPG"),
        "Z-65": stems("Z-65.jpeg", "Z-65_2.jpeg"),
        "Z-66": stems("Z-66 (1).jpg"),
        "Z-67": stems("Z-67_front.jpg", "Z-67_back.jpg"),
        "Z-68": stems("Z-68 9.png", "Z-68 10.png"),
        "Z-69": stems("Z-69_front_2.webp", "Z-69_side.webp"),
    }


def test_a_name_that_equals_an_id_belongs_to_that_id_only() -> None:
    files = stems("TEE-1-2.jpg", "TEE-1.jpg", "TEE-1-3.jpg", "a1.jpg", "A1.jpg", "A1-2.jpg")
    found = assign_pictures(files, {"TEE-1", "TEE-1-2", "a1", "A1"}, {})
    assert found.of == {
        "TEE-1-2": stems("TEE-1-2.jpg"),
        "TEE-1": stems("TEE-1.jpg", "TEE-1-3.jpg"),
        "a1": stems("a1.jpg"),
        "A1": stems("A1.jpg", "A1-2.jpg"),
    }


def test_an_ambiguous_or_unknown_name_is_not_assigned() -> None:
    files = stems("TEE.jpg", "1-red-shirt.jpg", "11.jpg", "1.jpg", "1.png")
    found = assign_pictures(files, {"tee", "Tee", "1"}, {})
    assert found.of == {"1": stems("1.jpg")}
    assert sorted(found.unused) == sorted(stems("TEE.jpg", "1-red-shirt.jpg", "11.jpg", "1.png"))


def test_the_pictures_that_a_row_names_come_first_and_belong_to_it_alone() -> None:
    named = {"1": ["look.JPG", "2", "none.jpg"], "3": ["sub/look.jpg"]}
    files = stems("1.jpg", "2.jpg", "look.jpg")
    found = assign_pictures(files, {"1", "2", "3"}, named)
    assert found.of == {"1": stems("look.jpg", "2.jpg", "1.jpg")}
    assert found.problems == {
        "1": ["There is no image none.jpg."],
        "3": ["The image sub/look.jpg already belongs to 1."],
    }


def test_unused_pictures_are_listed_with_the_most_similar_id(
    client: Client, send: Send, make_folder: MakeFolder, tmp_path: Path
) -> None:
    names = ("SB-PIX.jpg", "SBPIX.jpg", "SB-PIX-red.jpg", "other.jpg")
    folder = make_folder(
        sold_row("SB-PIX"), header=SOLD_HEADER, pictures=dict.fromkeys(names, picture())
    )
    table = "\n".join([SOLD_HEADER, sold_row("SB-PIX")])
    result = import_catalogue(folder, read_options=ReadOptions())
    warning = "3 images belong to no row: images/SB-PIX-red.jpg, images/SBPIX.jpg, images/other.jpg"
    assert warning in result.warnings
    upload = act(client, send(table, zipped(folder / "images", tmp_path / "p.zip")), "check")
    page = client.get(upload.get_absolute_url()).content.decode()
    assert "3 images belong to no row: SB-PIX-red.jpg, SBPIX.jpg, other.jpg" in page
    assert list(upload.errors.values_list("value", "reason", "is_warning")) == [
        ("SB-PIX-red.jpg", "This image belongs to no row; the most similar ID is SB-PIX.", True),
        ("SBPIX.jpg", "This image belongs to no row; the most similar ID is SB-PIX.", True),
        ("other.jpg", "This image belongs to no row.", True),
    ]
    upload = act(client, upload, "start")
    assert (upload.state, Product.objects.get().images.count()) == ("done", 1)


def test_a_row_names_its_pictures_and_urls_are_not_fetched(
    client: Client, send: Send, make_folder: MakeFolder, tmp_path: Path
) -> None:
    pictures = {"front view.jpg": picture("red"), "b.png": picture("blue", "PNG")}
    address = "https://example.org/c.jpg"
    folder = make_folder(
        f"{sold_row(1)},front view.jpg|b|{address}",
        f"{sold_row(2)},{address}",
        header=f"{SOLD_HEADER},Images",
        pictures=pictures,
    )
    upload = send(zipped(folder, tmp_path / "c.zip").read_bytes(), name="c.zip")
    upload = act(client, upload, "start")
    assert (upload.imported, upload.rejected) == (1, 1)
    assert Product.objects.get().images.count() == 2
    assert list(upload.errors.values_list("line", "reason")) == [
        (2, f"Images on the web are not downloaded: {address}"),
        (3, "There is no image 2.jpg."),
        (3, f"Images on the web are not downloaded: {address}"),
    ]
