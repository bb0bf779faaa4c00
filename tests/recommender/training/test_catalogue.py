from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from recommender.training.catalogue import Entry, open_entries
from recommender.training.options import TrainingError, make_options
from recommender.training.snapshot import (
    EXCLUDED,
    TRAIN,
    VALIDATION,
    Snapshot,
    load_snapshot,
    take_snapshot,
)
from shop.imports.parsing.columns import KAGGLE_COLUMNS
from tests.factories import (
    make_category,
    make_image,
    make_product,
    make_stored_image,
    picture_bytes,
)

from .conftest import DEMO

SOLD_HEADER = f"{','.join(KAGGLE_COLUMNS)},price".replace(",", ";")


def _snapshot(folder, excluded: set[str], **given) -> Snapshot:
    options = make_options("new", "untrained", {"size": 32} | given)
    folder.mkdir()
    with open_entries(DEMO) as entries:
        take_snapshot(folder, entries, excluded, options, lambda done, total: None)
    return load_snapshot(folder, 32)


@pytest.mark.django_db
def test_the_shop_gives_its_listed_products_with_their_first_picture() -> None:
    shirts = make_category("Apparel", "Topwear", "Shirts")
    values = {"base_colour": "Blue", "gender": "Men", "usage": "Casual"}
    shown = make_product(external_id="7", category=shirts, **values)
    make_stored_image(shown, "red", position=2)
    first = make_stored_image(shown, "blue", position=1)
    bare = make_product(name="By hand", category=shirts)
    make_stored_image(bare)
    make_stored_image(make_product(external_id="8", listed=False))
    make_product(external_id="9")
    with open_entries(None) as entries:
        found = [(entry.id, entry.labels) for entry in entries]
        content = entries[0].read()
    assert found == [
        ("7", ("Shirts", "Blue", "Men", "Casual")),
        (bare.slug, ("Shirts", "", "", "")),
    ]
    assert content == first.read()


@pytest.mark.django_db
def test_a_missing_file_is_left_out_and_counted(tmp_path) -> None:
    for number in range(20):
        category = make_category("Apparel", "Topwear", ("Shirts", "Tops")[number % 2])
        product = make_product(category=category, external_id=f"{number:02}")
        make_stored_image(product, f"hsl({18 * number}, 100%, 50%)")
    make_image(make_product(external_id="lost"))
    options = make_options("new", "untrained", {"size": 32})
    with open_entries(None) as entries:
        take_snapshot(tmp_path, entries, set(), options, lambda done, total: None)
    counts = load_snapshot(tmp_path, 32).counts
    assert counts == {"train": 16, "validation": 4, "excluded": 0, "damaged": 1}


def test_a_catalogue_file_gives_each_product_once() -> None:
    with open_entries(DEMO) as entries:
        ids = [entry.id for entry in entries]
        assert (len(ids), len(set(ids))) == (309, 309)
        assert entries[0].labels == ("Tshirts", "Blue", "Men", "Casual")
        assert entries[0].read()[:2] == b"\xff\xd8"


def test_a_folder_without_a_catalogue_is_refused(tmp_path) -> None:
    with pytest.raises(TrainingError, match=r"neither styles\.csv"), open_entries(tmp_path):
        pass


def test_the_parts_do_not_overlap_and_excluded_products_are_not_trained_on(tmp_path) -> None:
    excluded = {str(number) for number in range(100001, 100011)}
    snapshot = _snapshot(tmp_path / "a", excluded)
    parts = {name: set(rows.tolist()) for name, rows in snapshot.parts.items()}
    assert {name: len(rows) for name, rows in parts.items()} == {
        TRAIN: 239,
        VALIDATION: 60,
        EXCLUDED: 10,
    }
    assert set.union(*parts.values()) == set(range(309))


def test_products_with_the_same_file_are_in_the_same_part(tmp_path) -> None:
    """Thirty pictures, each of two products; those of the first three are excluded by one id."""
    files = [picture_bytes((8 * number, 90, 200 - 6 * number)) for number in range(30)]
    entries = [
        Entry(f"{number:02}{twin}", (("Shirts", "Tops")[number % 2], "", "", ""), lambda f=f: f)
        for number, f in enumerate(files)
        for twin in "ab"
    ]
    options = make_options("new", "untrained", {"size": 32})
    excluded = {"00a", "01a", "02b"}
    take_snapshot(tmp_path, entries, excluded, options, lambda done, total: None)
    content = json.loads((tmp_path / "products.json").read_text())
    parts = dict(zip(content["ids"], content["parts"], strict=True))
    assert {name for name, part in parts.items() if part == EXCLUDED} == excluded
    assert not {"00b", "01b", "02a"} & set(parts)
    numbers = [f"{number:02}" for number in range(3, 30)]
    assert all(parts[f"{number}a"] == parts[f"{number}b"] for number in numbers)
    assert load_snapshot(tmp_path, 32).counts == {
        **{"train": 44, "validation": 10, "excluded": 3, "damaged": 0}
    }


def test_the_split_follows_the_seed(tmp_path) -> None:
    first, again, other = (
        _snapshot(tmp_path / name, set(), seed=seed)
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert first.parts[VALIDATION].tolist() == again.parts[VALIDATION].tolist()
    assert first.parts[VALIDATION].tolist() != other.parts[VALIDATION].tolist()


def test_a_limit_draws_by_the_seed_and_not_the_first(tmp_path) -> None:
    snapshot = _snapshot(tmp_path / "a", set(), limit=50)
    ids = json.loads((tmp_path / "a" / "products.json").read_text())["ids"]
    assert ids != [str(number) for number in range(100001, 100051)]
    assert snapshot.counts == {"train": 40, "validation": 10, "excluded": 0, "damaged": 0}
    assert len({picture.tobytes() for picture in snapshot.pictures}) == 50


def test_labels_are_indices_of_classes(tmp_path) -> None:
    snapshot = _snapshot(tmp_path / "a", set())
    assert [len(names) for names in snapshot.classes] == [22, 28, 3, 4]
    assert snapshot.labels.dtype == np.int32
    assert snapshot.labels.min() == 0
    assert snapshot.labels.max(axis=0).tolist() == [21, 27, 2, 3]


def test_the_category_above_comes_from_the_columns_or_from_the_path(tmp_path) -> None:
    (tmp_path / "images").mkdir()
    paths = {"1": "Apparel/Topwear/Shirts", "2": "Bags"}
    rows = [f"{number},{path},,,,,,Thing" for number, path in paths.items()]
    header = "sku,categoryPath,gender,baseColour,season,year,usage,productDisplayName"
    (tmp_path / "styles.csv").write_text("\n".join([header, *rows]))
    for number in paths:
        (tmp_path / "images" / f"{number}.jpg").write_bytes(picture_bytes())
    with open_entries(tmp_path) as entries:
        found = [(entry.id, entry.parent, entry.labels[0]) for entry in entries]
    assert found == [("1", "Topwear", "Shirts"), ("2", "", "Bags")]
    with open_entries(DEMO) as entries:
        assert entries[0].parent == "Topwear"


def write_catalogue(folder: Path, *rows: str) -> None:
    """Write rows for ``SOLD_HEADER`` and a picture for each but the last."""
    (folder / "images").mkdir()
    (folder / "styles.csv").write_text("\n".join([SOLD_HEADER, *rows]))
    for row in rows[:-1]:
        (folder / "images" / f"{row.split(';')[0]}.jpg").write_bytes(picture_bytes())


def sold(number: int, price: str, gender: str = "Men") -> str:
    return f"{number};{gender};Apparel;Topwear;Shirts;Blue;Summer;2024;Casual;Shirt;{price}"


def test_a_catalogue_with_decimal_commas_is_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_catalogue(tmp_path, sold(1, "19,90"), sold(2, "1.249,00", "Herren"), sold(3, "5,00"))
    with open_entries(tmp_path) as entries:
        assert [entry.id for entry in entries] == ["1", "2"]
        assert {entry.labels for entry in entries} == {("Shirts", "Blue", "Men", "Casual")}
    assert caplog.messages == [
        "1 of 3 rows are skipped. 1 such as line 4: There is no picture of 3."
    ]


def test_skipped_rows_are_counted_by_their_reason(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [sold(n, "19,90", gender) for n, gender in enumerate(("Men", "Kids", "Teens"), 1)]
    write_catalogue(tmp_path, *rows, sold(4, "free"), sold(5, "1,00"))
    with open_entries(tmp_path) as entries:
        assert [entry.id for entry in entries] == ["1"]
    (message,) = caplog.messages
    assert message.startswith("4 of 5 rows are skipped. 2 such as line 3: gender is Kids; it must")
    assert "1 such as line 5: price is free; enter an amount above 0, such as 19,90." in message
    assert message.endswith("1 such as line 6: There is no picture of 5.")


def test_a_complete_catalogue_skips_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with open_entries(DEMO):
        assert caplog.messages == []
