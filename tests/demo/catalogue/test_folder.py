from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from PIL import Image

from demo.catalogue import folder as demo_folder
from demo.catalogue.folder import HEADER, write_demo_catalogue
from demo.catalogue.products import demo_products
from shop.catalogue.models import Product

SOME = demo_products()[2:4]  # the first has a close-up


def contents(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_the_folder_holds_a_table_and_every_picture(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    assert write_demo_catalogue(folder, SOME) == 2
    with (folder / "styles.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [list(HEADER), *(list(row) for product in SOME for row in product.rows())]
    names = sorted(path.name for path in (folder / "images").iterdir())
    assert names == ["100003-2.jpg", "100003.jpg", "100004.jpg"]
    for path in (folder / "images").iterdir():
        with Image.open(path) as picture:
            assert (picture.format, picture.size) == ("JPEG", (720, 960))


def test_drawing_is_deterministic(tmp_path: Path) -> None:
    write_demo_catalogue(tmp_path / "one", SOME)
    write_demo_catalogue(tmp_path / "two", SOME)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_second_call_draws_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_demo_catalogue(tmp_path / "demo", SOME)
    monkeypatch.setattr(demo_folder, "draw_pictures", None)
    assert write_demo_catalogue(tmp_path / "demo", SOME) == 2


def test_an_interrupted_drawing_keeps_the_previous_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "demo"
    write_demo_catalogue(folder, SOME)
    before = contents(folder)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(demo_folder, "draw_pictures", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_demo_catalogue(folder, SOME[:1])
    assert contents(folder) == before
    assert list(tmp_path.iterdir()) == [folder]


def test_a_folder_of_something_else_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    command = [sys.executable, "-m", "demo.catalogue", str(tmp_path)]
    done = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == f"{tmp_path} is not a demo catalogue; name another folder.\n"
    assert contents(tmp_path) == {"thesis.txt": b"years of work"}


@pytest.mark.django_db
def test_the_importer_accepts_every_row(tmp_path: Path) -> None:
    write_demo_catalogue(tmp_path / "demo", SOME)
    call_command("import_catalogue", str(tmp_path / "demo"))
    first = Product.objects.get(external_id=SOME[0].id)
    assert (first.name, first.price, first.stock) == (SOME[0].name, SOME[0].price, SOME[0].stock)
    assert first.images.count() == 2
    assert Product.objects.count() == 2
