"""Build small catalogues, upload them, and read the results."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from shop.catalogue.models import Category, Product, ProductImage, StoredFile, Variant
from shop.imports.errors import RowError
from shop.imports.jobs import uploads
from shop.imports.jobs.run import Result, import_catalogue
from shop.imports.models import Upload
from shop.imports.parsing import source
from shop.imports.parsing.columns import KAGGLE_COLUMNS
from shop.imports.parsing.table import ReadOptions
from shop.imports.writing import preparation

if TYPE_CHECKING:
    from tests.shop.imports.doors import Door

HEADER = ",".join(KAGGLE_COLUMNS)
LONG_HEADER = f"{HEADER},brand,price,currency,stock,description"
SOLD_HEADER = f"{HEADER},price,stock"
SIZED_HEADER = f"{HEADER},price,sku,size,stock"
SHIRT = "Men,Apparel,Topwear,Tshirts,Blue,Summer,2012,Casual"

GERMAN = SOLD_HEADER.replace(",", ";")
WOMEN = "Women;Apparel;Topwear;Shirts;Blue;Summer;2024;Casual"

NEW = "/admin/imports/upload/new/"

MakeFolder = Callable[..., Path]
Send = Callable[..., Upload]
ImportLines = Callable[..., Result]
UploadFolder = Callable[[Path], Upload]
ServePictures = Callable[[Mapping[str, bytes]], list[str]]


@pytest.fixture
def serve_pictures(monkeypatch: pytest.MonkeyPatch) -> ServePictures:
    """Download only the given files, by address; the list collects the requested addresses."""

    def serve(files: Mapping[str, bytes]) -> list[str]:
        requested = []

        def fetch(address: str) -> bytes:
            requested.append(address)
            if address not in files:
                raise RowError(f"{address} cannot be downloaded: the server answers 404")
            return files[address]

        monkeypatch.setattr(source, "fetch", fetch)
        return requested

    return serve


def picture(colour: str = "red", kind: str = "JPEG", size: tuple[int, int] = (60, 80)) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind)
    return buffer.getvalue()


def row(number: int | str, name: str = "Nike Men Blue Jersey") -> str:
    return f"{number},{SHIRT},{name}"


def sold_row(number: int | str, name: str = "Nike Men Blue Jersey") -> str:
    """Return a row for ``SOLD_HEADER``, with a price and stock."""
    return f"{row(number, name)},20.00,5"


def act(client: Client, upload: Upload, action: str, **values: str) -> Upload:
    """Submit the action of an upload and run its job."""
    client.post(f"/admin/imports/upload/{upload.pk}/{action}/", values)
    uploads.run(upload.pk)
    upload.refresh_from_db()
    return upload


def zipped(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder))
    return path


def result_counts(result: Result) -> tuple[int, int, int, int]:
    """Return how many rows were imported, updated, unchanged and rejected."""
    assert result.read == result.done
    return result.imported, result.updated, result.unchanged, result.rejected


def all_rows() -> list[list[tuple[Any, ...]]]:
    """Return the rows of products, images, files and categories, to find out what changed."""
    return [
        list(Product.objects.order_by("pk").values_list()),
        list(ProductImage.objects.order_by("pk").values_list("pk", "file", "product", "position")),
        list(StoredFile.objects.order_by("pk").values_list("pk", "size")),
        list(Category.objects.order_by("pk").values_list()),
    ]


def prices() -> dict[str | None, str]:
    """Return the prices of all products by external id."""
    return {p.external_id: str(p.price) for p in Product.objects.order_by("external_id")}


def upload_counts(upload: Upload) -> tuple[int, int, int, int]:
    """Return how many rows were imported, updated, unchanged and rejected."""
    assert upload.read == upload.processed == upload.rows
    return upload.imported, upload.updated, upload.unchanged, upload.rejected


def catalogue_contents() -> list[list[Any]]:
    """Return all that an import may change, without primary keys and times."""
    products = Product.objects.order_by("external_id", "name")
    return [
        list(
            products.values_list(
                *("external_id", "name", "slug", "brand", "category__path", "gender"),
                *("base_colour", "season", "year", "usage", "price", "currency", "stock"),
                *("description", "keywords", "listed"),
            )
        ),
        list(
            Variant.objects.order_by("sku").values_list("sku", "size", "colour", "price", "stock")
        ),
        list(
            ProductImage.objects.order_by("product__external_id", "position").values_list(
                "product__external_id", "file", "width", "height", "position"
            )
        ),
    ]


@pytest.fixture
def make_folder(tmp_path: Path) -> MakeFolder:
    """Write rows and pictures; each id of the rows gets a picture unless ``pictures`` is given."""

    def make(
        *rows: str,
        header: str = HEADER,
        pictures: dict[str, bytes] | None = None,
        name: str = "catalogue",
    ) -> Path:
        folder = tmp_path / name
        (folder / "images").mkdir(parents=True, exist_ok=True)
        text = "\n".join([header, *rows]) + "\n"
        (folder / "styles.csv").write_text(text, encoding="utf-8")
        if pictures is None:
            colours = ["red", "green", "blue", "yellow", "black", "white", "gray", "pink"]
            ids = [line.split(",")[0] for line in rows]
            pictures = {f"{i}.jpg": picture(c) for i, c in zip(ids, colours, strict=False)}
        for file, data in pictures.items():
            (folder / "images" / file).write_bytes(data)
        return folder

    return make


@pytest.fixture
def import_lines(make_folder: MakeFolder) -> ImportLines:
    """Import these lines, with a picture for each of the ``ids``."""

    def import_(text: str | bytes, *ids: str, read_options: ReadOptions | None = None) -> Result:
        folder = make_folder(pictures={f"{i}.jpg": picture(size=(60, 80 + len(i))) for i in ids})
        data = text.encode() if isinstance(text, str) else text
        (folder / "styles.csv").write_bytes(data)
        result = import_catalogue(folder, read_options=read_options)
        assert result.read == result.done
        return result

    return import_


@pytest.fixture
def batches_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "BATCH_ROWS", 2)


@pytest.fixture
def carol(client: Client) -> User:
    user = User.objects.create_user("carol", is_staff=True)
    user.groups.add(Group.objects.get(name="Catalogue"))
    client.force_login(user)
    return user


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Enqueue no jobs, since the tests run them, and store uploads in a temporary folder."""
    monkeypatch.setattr(uploads, "enqueue", lambda name, pk: None)
    # The storage itself is changed, because the model's fields keep a reference to it.
    for name in ("base_location", "location"):
        monkeypatch.setitem(vars(storages["uploads"]), name, str(tmp_path / "uploads"))


@pytest.fixture
def send(client: Client, carol: User) -> Send:
    def send(table: bytes | str, pictures: Path | None = None, name: str = "new.csv") -> Upload:
        data = table.encode() if isinstance(table, str) else table
        files: dict[str, Any] = {"table": SimpleUploadedFile(name, data)}
        if pictures:
            files["pictures"] = SimpleUploadedFile("p.zip", pictures.read_bytes())
        response = client.post(NEW, files)
        assert response.status_code == 302, response.context["form"].errors
        return Upload.objects.latest("pk")

    return send


@pytest.fixture(params=["page", "command"])
def door(request: pytest.FixtureRequest, tmp_path: Path) -> Door:
    from tests.shop.imports.doors import CommandDoor, PageDoor

    if request.param == "command":
        return CommandDoor(tmp_path)
    client, send = request.getfixturevalue("client"), request.getfixturevalue("send")
    return PageDoor(client, send, tmp_path)


@pytest.fixture
def upload_folder(client: Client, send: Send, tmp_path: Path) -> UploadFolder:
    """Upload a folder as a ZIP and import it."""

    def upload(folder: Path) -> Upload:
        archive = zipped(folder, tmp_path / f"{folder.name}.zip").read_bytes()
        return act(client, send(archive, name="c.zip"), "start")

    return upload
