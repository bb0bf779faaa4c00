from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from recommender.evaluation.datasets import (
    PATTERN,
    EvaluationError,
    labels_match,
    open_catalogue,
    open_photos,
    read_ids,
)
from tests.factories import make_category, make_product, make_stored_image, picture_bytes


def _silent(what: str, done: int, total: int) -> None:
    pass


def test_a_catalogue_is_searched_with_the_ids_of_the_file(catalogue: Path, queries: Path) -> None:
    with open_catalogue(catalogue, queries, 1, _silent) as dataset:
        ids = [picture.id for picture in dataset.pictures]
        assert ids == [str(n) for n in (*range(10, 16), *range(20, 26))]
        assert dataset.queries.tolist() == [0, 1, 6]
        assert dataset.gallery.tolist() == list(range(12))
        assert dataset.pictures[1].labels == {
            "article_type": "Tops",
            "sub_category": "Topwear",
            "base_colour": "Red",
            "gender": "Men",
            "usage": "",
            "type_and_colour": "Red Tops",
            "pattern": "",
        }
        assert dataset.pictures[0].labels["gender"] == ""


def test_without_ids_the_queries_are_drawn_by_the_seed(catalogue: Path, monkeypatch) -> None:
    monkeypatch.setattr("recommender.evaluation.datasets.DEFAULT_QUERIES", 4)

    def drawn(seed: int) -> list[int]:
        with open_catalogue(catalogue, None, seed, _silent) as dataset:
            return dataset.queries.tolist()

    assert drawn(1) == drawn(1)
    assert len(drawn(1)) == 4
    assert drawn(1) != drawn(2)


def test_a_damaged_picture_is_left_out_and_named(catalogue: Path, queries: Path) -> None:
    broken = catalogue.with_name("broken.zip")
    with zipfile.ZipFile(catalogue) as old, zipfile.ZipFile(broken, "w") as new:
        for name in old.namelist():
            new.writestr(name, b"no picture" if name == "images/11.jpg" else old.read(name))
    with open_catalogue(broken, queries, 1, _silent) as dataset:
        assert dataset.damaged == ["11"]
        assert [dataset.pictures[row].id for row in dataset.queries] == ["10", "20"]
        assert len(dataset.pictures) == 11


@pytest.mark.django_db
def test_the_shop_is_a_catalogue_too() -> None:
    shirts = make_category("Apparel", "Topwear", "Shirts")
    for number in range(6):
        values = {"name": "Checked shirt", "category": shirts, "base_colour": "Blue"}
        product = make_product(external_id=f"{number}", **values)
        make_stored_image(product, "blue")
    with open_catalogue(None, None, 1, _silent) as dataset:
        assert [picture.id for picture in dataset.pictures] == list("012345")
        assert dataset.pictures[0].labels == {
            "article_type": "Shirts",
            "sub_category": "Topwear",
            "base_colour": "Blue",
            "gender": "",
            "usage": "",
            "type_and_colour": "Blue Shirts",
            "pattern": "check",
        }


def test_photos_in_train_are_the_gallery_and_in_validation_the_queries(photos: Path) -> None:
    with open_photos(photos, _silent) as dataset:
        assert len(dataset.pictures) == 16
        searched = [dataset.pictures[row] for row in dataset.queries]
        assert [(each.id, each.labels["photo_class"]) for each in searched] == [
            ("validation/blue/0.jpg", "blue"),
            ("validation/blue/1.jpg", "blue"),
            ("validation/red/0.jpg", "red"),
            ("validation/red/1.jpg", "red"),
        ]
        assert len(dataset.gallery) == 12


def test_a_photo_is_cleaned_as_on_the_photo_page(tmp_path: Path) -> None:
    path = tmp_path / "large.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for part, count in (("train", 6), ("validation", 1)):
            for number in range(count):
                content = picture_bytes("red", (2000, 1000), "PNG")
                archive.writestr(f"wardrobe/{part}/hat/{number}.png", content)
        archive.writestr("wardrobe/train/hat/large.jpg", picture_bytes("red", (9000, 9000)))
    with open_photos(path, _silent) as dataset:
        assert dataset.damaged == ["wardrobe/train/hat/large.jpg"]
        assert dataset.pictures[0].read()[:2] == b"\xff\xd8"


def test_ids_count_once_and_empty_lines_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_text("7\n\n 8 \n7\n")
    assert read_ids(path) == ["7", "8"]


def test_ids_that_are_not_in_the_catalogue_are_counted_and_five_are_named(
    catalogue: Path, tmp_path: Path
) -> None:
    path = tmp_path / "ids.txt"
    path.write_text("\n".join(["10", *"abcdefg"]))
    message = "7 of the 8 ids in .* are no products .*: a, b, c, d, e …"
    with (
        pytest.raises(EvaluationError, match=message),
        open_catalogue(catalogue, path, 1, _silent),
    ):
        pass


def test_patterns_match_if_they_share_a_word_and_other_labels_if_equal() -> None:
    wanted = np.array(["polo stripe", "check", ""])
    others = np.array(["solid stripe", "stripe", ""])
    assert labels_match(PATTERN, wanted, others).tolist() == [True, False, False]
    assert labels_match(PATTERN, "stripe", others).tolist() == [True, True, False]
    assert labels_match(
        "article_type", np.array([["Tops"]]), np.array([["Tops", "Top"]])
    ).tolist() == [[True, False]]
