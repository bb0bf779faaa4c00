from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from PIL import Image

from recommender.evaluation.contact_sheets import Example, draw_sheet, sample_queries
from recommender.evaluation.datasets import pattern_of
from recommender.models import EmbeddingModel, QueryPhoto
from shop.catalogue.models import Product
from tests.factories import embed, make_category, make_product, make_stored_image, picture_bytes
from tests.recommender.evaluation.conftest import HEADER

pytestmark = pytest.mark.slow

WITHOUT = ["random", "histogram", "untrained", "imagenet"]
# CIE Lab with the lightness halved: (26.6, 80.1, 67.2) and (16.1, 79.2, -107.9).
RED_TO_BLUE = 175.4


def _evaluate(folder: Path, **options: Any) -> dict[str, Any]:
    call_command("evaluate_embeddings", output=folder, without=WITHOUT, **options)
    figures: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return figures


def _is_jpeg(path: Path) -> bool:
    with Image.open(path) as image:
        return image.format == "JPEG"


def _make(number: int, *place: float, category: str = "Tops", **values: Any) -> None:
    """Make a product with a picture of its colour and an embedding at this point."""
    tree = make_category("Apparel", "Topwear", category)
    product = make_product(external_id=str(number), category=tree, **values)
    embed(make_stored_image(product, values["base_colour"].lower()), *place)


def _make_street(path: Path, rows: list[str], files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("labels.csv", "\n".join(rows))
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def street(tmp_path: Path) -> Path:
    """Write a ZIP with a red and a blue validation photo and one for training."""
    rows = ["file,label,part", "red.jpg,Shirt,validation", "blue.jpg,Dress,validation"]
    files = {f"{colour}.jpg": picture_bytes(colour, (90, 120)) for colour in ("red", "blue")}
    rows += ["red.jpg,Shirt,train", "blue.jpg,Not sure,validation"]
    return _make_street(tmp_path / "street.zip", rows, files)


@pytest.fixture
def shop(places: Path) -> None:
    """Make products: 2 to 6 are near 1, nearest first; 7 is sold out, 8 is far away."""
    blue = {"base_colour": "Blue", "gender": "Men", "category": "Shirts"}
    _make(1, 1, 0, name="Striped shirt", **blue)
    _make(2, 0.99, 0.14, name="Polo with stripes", **blue)
    _make(3, 0.95, 0.31, **blue | {"base_colour": "Red", "gender": "Unisex"})
    _make(4, 0.8, 0.6, base_colour="Blue", gender="Women", name="Polo")
    _make(5, 0.6, 0.8, base_colour="Red")
    _make(6, 0.3, 0.95, base_colour="Red")
    _make(7, 0.995, 0.1, stock=0, name="Striped", **blue)
    _make(8, -1, 0, name="A striped one", **blue)


@pytest.mark.django_db
def test_similar_items_are_measured_against_the_matches_in_stock(
    shop, places: Path, capsys
) -> None:
    """Product 1 shows the shirts for men, 2, 3 and 8; 7 cannot be shown."""
    (places / "ids.txt").write_text("1\n8\n")
    figures = _evaluate(places / "report", queries=places / "ids.txt", product_pages=True)
    pages = figures["product_pages"]
    assert pages["found"]["1"] == ["2", "3", "8"]
    means = {name: mean for name, [_queries, [mean, *_]] in pages["measures"]["first half"].items()}
    assert 0 < means.pop("cosine") <= 1
    assert means.pop("delta_e") == pytest.approx(RED_TO_BLUE / 3, abs=0.5)
    assert means == {
        "shown": 0.6,
        "type": 1,
        "gender": 0.6,  # 5 and 6 would fit, too
        "colour": 0.6667,  # 2 and 8 of 2, 4 and 8
        "type_and_colour": 1,
        "pattern": 1,
    }
    both = pages["measures"]["all"]["type"]
    second = pages["measures"]["second half"]["type"]
    assert both[0] == 2
    assert both[1][0] == pytest.approx((1 + second[1][0]) / 2, abs=1e-3)
    text = (places / "report" / "product-pages.md").read_text()
    assert "| type | 1.000 (1.000–1.000); 1 |" in text
    assert _is_jpeg(places / "report" / "product-pages.jpg")
    assert "Product pages: shown 0.600, type" in capsys.readouterr().out


@pytest.mark.django_db
def test_a_product_without_the_label_is_left_out(shop, places: Path) -> None:
    (places / "ids.txt").write_text("5\n")
    figures = _evaluate(places / "report", queries=places / "ids.txt", product_pages=True)
    measures = figures["product_pages"]["measures"]
    assert measures["all"]["pattern"] == [0, None]
    assert measures["second half"]["type"] == [0, None]
    assert measures["all"]["gender"][1][0] == 0.4  # 4 and 6 of five that would fit
    assert "| pattern | – | – | – |" in (places / "report" / "product-pages.md").read_text()


@pytest.mark.django_db
def test_results_of_a_photo_are_right_if_their_type_fits_its_class(
    shop, street: Path, places: Path, capsys
) -> None:
    """Three shirts and a top are left in stock: 3 of 5 for the shirt, none for the dress."""
    Product.objects.filter(external_id__in=["5", "6", "8"]).update(stock=0)
    figures = _evaluate(places / "report", street_photos=street)
    part = figures["photo_to_catalogue"]
    assert sorted(part["found"]["red.jpg"]) == ["1", "2", "3", "4"]
    rows = {row["class"]: row for row in part["classes"]}
    assert list(rows) == ["Dress", "Shirt", "all"]
    assert rows["Shirt"]["right_kind"] == [1, [0.6, 0.6, 0.6]]
    assert rows["Dress"]["right_kind"] == [1, [0.0, 0.0, 0.0]]
    assert rows["all"]["right_kind"][1][0] == 0.3
    # Three of the four products are blue.
    assert rows["Shirt"]["delta_e"][1][0] == pytest.approx(3 * RED_TO_BLUE / 4, abs=0.5)
    assert rows["Dress"]["delta_e"][1][0] == pytest.approx(RED_TO_BLUE / 4, abs=0.5)
    assert rows["all"]["unanswered"][1][0] == 0
    assert not QueryPhoto.objects.exists()
    text = (places / "report" / "photo-to-catalogue.md").read_text()
    assert "The results of photo search for 2 validation photos of people's own clothes" in text
    assert "| Shirt | 1 | 0.600 (0.600–0.600) |" in text
    assert "Shirt: Shirts." in text
    assert _is_jpeg(places / "report" / "photo-to-catalogue.jpg")
    assert "Photo to catalogue, Dress: right kind 0.000" in capsys.readouterr().out


@pytest.mark.django_db
def test_the_test_photos_are_measured_apart_from_the_validation_photos(shop, places: Path) -> None:
    rows = ["file,label,part", "a.jpg,Shirt,validation", "b.jpg,Shirt,test"]
    files = {f"{name}.jpg": picture_bytes(colour) for name, colour in (("a", "red"), ("b", "blue"))}
    street = _make_street(places / "street.zip", rows, files)
    part = _evaluate(places / "report", street_photos=street, street_part="test")[
        "photo_to_catalogue"
    ]
    assert (part["part"], list(part["found"])) == ("test", ["b.jpg"])
    text = (places / "report" / "photo-to-catalogue.md").read_text()
    assert "The results of photo search for 1 test photos of people's own clothes" in text


@pytest.mark.django_db
def test_a_photo_without_results_counts_as_unanswered(shop, street: Path, places: Path) -> None:
    Product.objects.update(stock=0)
    rows = _evaluate(places / "report", street_photos=street)["photo_to_catalogue"]["classes"]
    assert rows[-1]["right_kind"] == [2, [0.0, 0.0, 0.0]]
    assert rows[-1]["unanswered"] == [2, [1.0, 1.0, 1.0]]
    assert rows[-1]["delta_e"] == [0, None]


@pytest.mark.django_db
def test_a_photo_that_cannot_be_read_is_left_out_and_named(shop, places: Path) -> None:
    rows = ["file,label,part", "a.jpg,Shirt,validation", "b.jpg,Shirt,validation"]
    files = {"a.jpg": picture_bytes("red"), "b.jpg": b"no picture"}
    street = _make_street(places / "street.zip", rows, files)
    part = _evaluate(places / "report", street_photos=street)["photo_to_catalogue"]
    assert part["damaged"] == ["b.jpg"]
    assert list(part["found"]) == ["a.jpg"]


@pytest.fixture
def six_colours(tmp_path: Path) -> Path:
    """Write a catalogue of six products that look different: three shirts, three tops."""
    colours = ("red", "lime", "blue", "black", "yellow", "magenta")
    path = tmp_path / "six.zip"
    with zipfile.ZipFile(path, "w") as archive:
        rows = [HEADER]
        for number, colour in enumerate(colours, 1):
            kind = ("Shirts", "Tops")[number % 2]
            rows.append(f"{number},Men,Apparel,Topwear,{kind},{colour.title()},,,,Thing")
            archive.writestr(f"images/{number}.jpg", picture_bytes(colour))
        archive.writestr("styles.csv", "\n".join(rows))
    return path


@pytest.mark.django_db(transaction=True)
def test_a_catalogue_is_measured_on_a_scratch_database(
    places: Path, six_colours: Path, street: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shop's database stays as it is; the scratch one is filled once."""
    shop, before = connection.settings_dict["NAME"], _databases()
    options = {"catalogue": six_colours, "product_pages": True, "street_photos": street}
    try:
        figures = _evaluate(places / "report", **options)
        assert connection.settings_dict["NAME"] == shop
        assert not Product.objects.exists()
        measures = figures["product_pages"]["measures"]["all"]
        assert measures["shown"] == [6, [0.4, 0.4, 0.4]]
        assert measures["type"] == [6, [1.0, 1.0, 1.0]]  # both others are shown
        rows = {row["class"]: row for row in figures["photo_to_catalogue"]["classes"]}
        # The photos are of one colour each, in which no garment can be made out.
        assert rows["all"]["unanswered"][1][0] == 1

        _forbid_embedding(monkeypatch)
        again = _evaluate(places / "again", catalogue=six_colours, product_pages=True)
        assert again["product_pages"] == figures["product_pages"]
        assert len(_databases() - before) == 1
    finally:
        _drop(_databases() - before)


def _databases() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database")
        return {name for (name,) in cursor.fetchall()}


def _drop(names: set[str]) -> None:
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f'DROP DATABASE "{name}"')


def _forbid_embedding(monkeypatch: pytest.MonkeyPatch) -> None:
    def embed(*arguments: object) -> None:
        raise AssertionError("embedded")

    monkeypatch.setattr("recommender.embedding.inference.Embedder.embed", embed)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (None, r"street.zip cannot be read: .* Name a ZIP that holds labels.csv and the photos"),
        (["file,label"], "labels.csv in .* has no column part; it needs file, label, part"),
        (["file,label,part", "x.jpg,Shirt,validation"], r"cannot be read: .*x\.jpg.* Name a ZIP"),
        (["file,label,part", "a.jpg,Shirt,train"], "lists no photo of the part 'validation'"),
        (["file,label,part", "a.jpg,Sock,validation"], "with a label among T-Shirt, .* Correct"),
        (["file,label,part", "a.jpg,Hat,validation"], "None of the street photos can be read"),
    ],
)
def test_invalid_street_photos_are_refused(
    shop, places: Path, rows: list[str] | None, message: str
) -> None:
    path = places / "street.zip"
    if rows:
        _make_street(path, rows, {"a.jpg": b"no picture"})
    with pytest.raises(CommandError, match=message):
        _evaluate(places / "report", street_photos=path)
    assert not list((places / "report").iterdir())


@pytest.mark.django_db
def test_the_shops_pages_are_measured_only_with_the_network_that_it_searches_with(
    shop, places: Path
) -> None:
    EmbeddingModel.objects.update(name="other")
    with pytest.raises(CommandError, match=r"The shop searches with other\. Name it first instead"):
        _evaluate(places / "report", product_pages=True)


def test_photos_only_and_pages_contradict_each_other(places: Path, photos: Path) -> None:
    with pytest.raises(CommandError, match="Leave out --product-pages and --street-photos, or"):
        _evaluate(places / "report", photos=photos, photos_only=True, product_pages=True)


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("Nike Men Striped Polo T-shirt", "polo stripe"),
        ("Red & grey checks handbag, checked", "check"),
        ("BUTTERFLY PRINT dress", "print"),
        ("Blueprint shirt", ""),
    ],
)
def test_patterns_are_read_from_product_names(name: str, pattern: str) -> None:
    assert pattern_of(name) == pattern


def test_a_sheet_has_a_row_for_each_query_and_empty_frames() -> None:
    red, blue = picture_bytes("red"), picture_bytes("blue")
    sheet = draw_sheet([Example("1", red, [blue] * 5), Example("2", red, [blue])])
    assert sheet == draw_sheet([Example("1", red, [blue] * 5), Example("2", red, [blue])])
    pixels = np.asarray(Image.open(io.BytesIO(sheet))).astype(int)
    blue_ones = (pixels[:, :, 2] > 200) & (pixels[:, :, 0] < 60)
    first, second = (half.sum() for half in np.array_split(blue_ones, 2, axis=1))
    assert first == pytest.approx(5 * second, rel=0.02)


def test_the_same_seed_draws_the_same_queries() -> None:
    ids = list(range(500))
    assert sample_queries(ids, 1) == sample_queries(ids, 1) != sample_queries(ids, 2)
    assert len(sample_queries(ids, 1)) == 20
    assert sample_queries(ids[:3], 1) == [0, 1, 2]
