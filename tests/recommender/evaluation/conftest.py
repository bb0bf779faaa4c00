from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import pytest

from tests.factories import picture_bytes

HEADER = (
    "id,gender,masterCategory,subCategory,articleType,baseColour,season,year,usage,"
    "productDisplayName"
)


@pytest.fixture
def places(settings, tmp_path: Path) -> Path:
    """Use a VAR_DIR and a model folder of this test; the shipped model can be found too."""
    settings.VAR_DIR = tmp_path / "var"
    settings.MODEL_FOLDERS = [tmp_path / "models", settings.MODEL_FOLDERS[1]]
    return tmp_path


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """Write a catalogue: 10 to 15 are red, 20 to 25 blue; even ones are shirts, odd ones tops.

    All are for men but 10, whose gender is unknown; no usage is known.
    """
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(HEADER.split(","))
    path = tmp_path / "catalogue.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for first, colour in ((10, "Red"), (20, "Blue")):
            for number in range(first, first + 6):
                gender = "" if number == 10 else "Men"
                kind = ("Shirts", "Tops")[number % 2]
                rows.writerow(
                    [number, gender, "Apparel", "Topwear", kind, colour, "", "", "", "Thing"]
                )
                archive.writestr(f"images/{number}.jpg", picture_bytes(colour.lower()))
        archive.writestr("styles.csv", table.getvalue())
    return path


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    path = tmp_path / "ids.txt"
    path.write_text("10\n11\n20\n")
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Write a ZIP of two classes, red and blue: six photos each in the gallery, two queries."""
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for part, count in (("train", 6), ("validation", 2)):
            for colour in ("red", "blue"):
                for number in range(count):
                    content = picture_bytes(colour, size=(90 + number, 120))
                    archive.writestr(f"{part}/{colour}/{number}.jpg", content)
        archive.writestr("train/readme.txt", "Two colours.")
    return path
