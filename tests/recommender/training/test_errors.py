"""Test the errors of a training run."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from recommender.embedding.model_store import download_imagenet
from tests.factories import picture_bytes

from .conftest import DEMO

TINY = {"size": 32, "epochs": 1, "batch": 8, "catalogue": DEMO}


def _train(name: str = "new", source: str = "untrained", **options) -> None:
    call_command("train_embedder", name, source=source, **TINY | options)


def _left(places: Path) -> list[str]:
    return sorted(str(path.relative_to(places)) for path in places.rglob("*") if path.is_file())


def _catalogue(path: Path, pictures: list[bytes], types: tuple[str, ...]) -> Path:
    """Write a ZIP of products that have these article types in turn."""
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(
        [
            "id",
            "gender",
            "masterCategory",
            "subCategory",
            "articleType",
            "baseColour",
            "season",
            "year",
            "usage",
            "productDisplayName",
        ]
    )
    with zipfile.ZipFile(path, "w") as archive:
        for number, content in enumerate(pictures):
            kind = types[number % len(types)]
            rows.writerow([number, "", "Apparel", "Topwear", kind, "", "", "", "", "Thing"])
            archive.writestr(f"images/{number}.jpg", content)
        archive.writestr("styles.csv", table.getvalue())
    return path


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 16}, "--size is 16; it must be from 32 to 512 pixels"),
        ({"size": 1024}, "--size is 1024; it must be from 32 to 512 pixels"),
        ({"epochs": 0}, "--epochs is 0; it must be 1 or more"),
        ({"batch": 1}, "--batch is 1; it must be 2 or more"),
        ({"patience": 0}, "--patience is 0; it must be 1 or more"),
        ({"limit": 0}, "--limit is 0; it must be 1 or more"),
        ({"seed": -1}, "--seed is -1; it must be 0 or more"),
        ({"learning_rate": 0.0}, "--learning-rate is 0; it must be above 0"),
        ({"learning_rate": float("nan")}, "--learning-rate is nan; it must be above 0"),
        ({"frozen_epochs": 1}, "--frozen-epochs is 1 of 1; it must be less than --epochs"),
        ({"frozen_epochs": -1}, "--frozen-epochs is -1 of 1"),
        ({"name": "Spring Model"}, "'Spring Model' cannot name a model"),
        ({"name": "../out"}, "'../out' cannot name a model"),
        ({"name": "fashion-3"}, "There is a model 'fashion-3' already; choose another name"),
        ({"name": "imagenet"}, "There is a model 'imagenet' already"),
        ({"source": "nothing"}, "There is no model folder 'nothing' in .* --from"),
        ({"catalogue": Path("/none")}, "/none does not exist. Give a folder, a ZIP"),
        ({"limit": 19}, "at least 20 products .* there are 19 \\(0 damaged\\)"),
        ({"exclude": Path("/none")}, "/none cannot be read"),
    ],
)
def test_invalid_options_are_refused_and_nothing_is_written(
    places: Path, options: dict, message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        _train(**options)
    assert _left(places) == []
    assert not (places / "training" / "new").exists()


def test_one_category_is_not_enough(places: Path, tmp_path_factory) -> None:
    folder = tmp_path_factory.mktemp("catalogue")
    pictures = [picture_bytes(f"hsl({14 * number}, 100%, 50%)") for number in range(25)]
    path = _catalogue(folder / "one.zip", pictures, ("Shirts",))
    with pytest.raises(CommandError, match=r"All products are in one category, Shirts"):
        _train(catalogue=path)
    assert _left(places) == []


def test_one_picture_of_them_all_is_not_enough(places: Path, tmp_path_factory) -> None:
    folder = tmp_path_factory.mktemp("catalogue")
    path = _catalogue(folder / "same.zip", [picture_bytes()] * 25, ("Shirts", "Tops"))
    with pytest.raises(CommandError, match=r"Almost all products share one picture"):
        _train(catalogue=path)
    assert _left(places) == []


def test_damaged_pictures_do_not_count(places: Path, tmp_path_factory) -> None:
    folder = tmp_path_factory.mktemp("catalogue")
    pictures = [picture_bytes()] * 15 + [b"\xff\xd8 torn"] * 10
    path = _catalogue(folder / "torn.zip", pictures, ("Shirts", "Tops"))
    with pytest.raises(CommandError, match=r"there are 15 \(10 damaged\)"):
        _train(catalogue=path)
    assert _left(places) == []


def test_an_empty_shop_is_refused(places: Path, db: None) -> None:
    with pytest.raises(CommandError, match=r"at least 20 products .* there are 0 \(0 damaged\)"):
        _train(catalogue=None)
    assert _left(places) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty; it should hold one id a line"),
        ("1\n2\n", "None of the 2 ids to exclude is in the catalogue"),
    ],
)
def test_a_file_of_ids_must_fit(places: Path, content: str, message: str) -> None:
    (places / "ids.txt").write_text(content)
    with pytest.raises(CommandError, match=message):
        _train(exclude=places / "ids.txt")
    assert _left(places) == ["ids.txt"]


@pytest.mark.parametrize("folder", ["models", "training"])
def test_a_folder_that_cannot_be_written_is_reported_at_once(places: Path, folder: str) -> None:
    (places / folder).write_text("in the way")
    with pytest.raises(CommandError, match=r"Check permissions and free space under VAR_DIR"):
        _train()
    assert _left(places) == [folder]


def test_an_unfinished_run_is_not_started_again(places: Path) -> None:
    (places / "training" / "new").mkdir(parents=True)
    with pytest.raises(
        CommandError, match=r"an unfinished run. Continue it with --resume, or remove"
    ):
        _train()


def test_only_an_unfinished_run_is_resumed(places: Path) -> None:
    with pytest.raises(CommandError, match=r"There is no unfinished run 'new'"):
        call_command("train_embedder", "new", resume=True)


def test_a_damaged_run_is_reported_as_damaged(places: Path) -> None:
    (places / "training" / "new").mkdir(parents=True)
    (places / "training" / "new" / "options.json").write_text("{")
    with pytest.raises(CommandError, match=r"is damaged: .* Remove it, train again"):
        call_command("train_embedder", "new", resume=True)


def test_imagenet_without_internet_says_what_failed(places: Path, monkeypatch) -> None:
    def fail(path: Path) -> Path:
        raise OSError("URL fetch failure")

    monkeypatch.setattr("recommender.embedding.model_store.download_imagenet", fail)
    assert download_imagenet is not fail
    with pytest.raises(CommandError, match=r"could not fetch the ImageNet weights: URL fetch fail"):
        _train(source="imagenet")
