from __future__ import annotations

import json
import re
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from recommender.evaluation import output, vectorizers, vectors
from recommender.evaluation.datasets import LabelledPicture, keep_readable
from recommender.evaluation.metrics import Estimate
from recommender.evaluation.run import _compare
from tests.factories import picture_bytes
from tests.html import one_line

pytestmark = pytest.mark.slow

WITHOUT = ["untrained", "imagenet"]


def _evaluate(folder: Path, *models: str, **options: Any) -> dict[str, Any]:
    call_command("evaluate_embeddings", *models, output=folder, **{"without": WITHOUT} | options)
    figures: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return figures


def _silent(what: str, done: int, total: int) -> None:
    pass


def _embed(*arguments: object) -> None:
    raise AssertionError("embedded")


def _files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*")) if folder.exists() else []


def test_a_catalogue_and_photos_become_figures_and_a_page(
    places: Path, catalogue: Path, queries: Path, photos: Path, capsys
) -> None:
    folder = places / "report"
    files = {"catalogue": catalogue, "queries": queries, "photos": photos}
    figures = _evaluate(folder, **files)
    assert _files(folder) == ["report.html", "report.json"]
    rows = {
        label: measure["rows"]["histogram"]
        for label, measure in figures["catalogue"]["measures"].items()
    }
    # The five of 10, a red shirt, are 11 to 15: two shirts, three tops; of which the first, third
    # and fifth are tops. 11, a red top, finds 10, 12, 13, 14, 15; 20 is to blue as 10 is to red.
    assert rows["base_colour"]["precision"] == [1.0, 1.0, 1.0]
    assert rows["article_type"]["precision"][0] == 0.4
    assert rows["type_and_colour"]["precision"][0] == 0.4
    shirt, top = (1 / 2 + 2 / 4) / 5, (1 / 3 + 2 / 5) / 5
    assert rows["article_type"]["average_precision"][0] == round((2 * shirt + top) / 3, 4)
    shirt, top = (1 / 2 + 2 / 4) / 2, (1 / 3 + 2 / 5) / 2
    assert rows["type_and_colour"]["average_precision"][0] == round((2 * shirt + top) / 3, 4)
    # 10 has no gender and is no query for it; nobody has a usage.
    assert figures["catalogue"]["measures"]["gender"]["queries"] == 2
    assert "usage" not in figures["catalogue"]["measures"]
    assert list(rows) == [
        "article_type",
        "sub_category",
        "base_colour",
        "gender",
        "type_and_colour",
    ]
    names = ["random", "histogram", "fashion-3"]
    assert [each["name"] for each in figures["vectorizers"]] == names
    assert list(figures["catalogue"]["measures"]["gender"]["rows"]) == names
    assert figures["photos"]["measures"]["photo_class"]["rows"]["histogram"]["precision"][0] == 1
    assert "P@5 base colour: random" in capsys.readouterr().out


def test_each_crop_shows_its_garment(places: Path, photos: Path) -> None:
    figures = _evaluate(places / "report", photos=photos, photos_only=True)
    crops = figures["crops"]["histogram"]
    means = {name: crops[name][0] for name in ("alone", "right_crop", "rough_crop", "other_crop")}
    assert means == {"alone": 1, "right_crop": 1, "rough_crop": 1, "other_crop": 0}
    assert crops["right_crop_minus_whole"][0] == round(1 - crops["whole"][0], 4)
    assert "catalogue" not in figures


@pytest.mark.parametrize(("reported", "holds"), [(0.39, True), (0.6, True), (0.61, False)])
def test_a_reported_score_holds_unless_all_of_the_interval_is_lower(
    reported: float, holds: bool
) -> None:
    measured = Estimate(0.5, 0.4, 0.6)
    rows = {name: {"precision": measured} for name in ("one", "other")}
    measures = {"photo_class": {"rows": rows}}
    scores = {"one": {"photo_class": reported, "gender": 1.0}, "missing": {"gender": 1.0}}
    assert _compare(scores, measures) == {
        "one": {"photo_class": {"reported": reported, "measured": measured, "holds": holds}}
    }


def test_reported_scores_are_shown_beside_measured_ones(
    places: Path, catalogue: Path, queries: Path
) -> None:
    """All that the network finds nearest share the query's picture, and so its colour."""
    figures = _evaluate(places / "report", catalogue=catalogue, queries=queries)
    scores = figures["catalogue"]["reported_scores"]
    assert list(scores) == ["fashion-3"]
    assert scores["fashion-3"]["base_colour"] == {
        **{"reported": 0.597, "measured": [1.0, 1.0, 1.0], "holds": True}
    }
    page = one_line((places / "report" / "report.html").read_text())
    row = '<th scope="row">fashion-3</th><td class="words">base colour</td>'
    assert f"{row}<td>0.597</td><td>1.000" in page


def test_queries_can_be_left_out_of_the_gallery(
    places: Path, catalogue: Path, queries: Path
) -> None:
    """10, a red shirt, then finds 12 to 15, two of them shirts, and something blue."""
    files = {"catalogue": catalogue, "queries": queries, "exclude_queries": True}
    figures = _evaluate(places / "report", **files)["catalogue"]
    assert (figures["queries"], figures["gallery"], figures["pictures"]) == (3, 9, 12)
    precision = figures["measures"]["base_colour"]["rows"]["histogram"]["precision"][0]
    assert precision == round((4 / 5 + 4 / 5 + 5 / 5) / 3, 4)


def test_queries_with_duplicates_are_counted_and_the_others_measured_apart(
    places: Path, catalogue: Path, queries: Path
) -> None:
    """All that are red are one file, and all that are blue; then 20 has a file of its own."""
    files = {"catalogue": catalogue, "queries": queries, "without": ["random", *WITHOUT]}
    _evaluate(places / "report", **files)
    page = one_line((places / "report" / "report.html").read_text())
    assert "3 of the queries have the same file as another id in the gallery" in page
    assert "No other queries are left." in page
    with zipfile.ZipFile(catalogue) as old, zipfile.ZipFile(places / "own.zip", "w") as new:
        for name in old.namelist():
            own = picture_bytes("navy") if name == "images/20.jpg" else old.read(name)
            new.writestr(name, own)
    figures = _evaluate(places / "report", **files | {"catalogue": places / "own.zip"})
    alone = figures["catalogue"]["without_duplicates"]
    assert (alone["duplicates"], alone["measures"]["base_colour"]["queries"]) == (2, 1)
    page = one_line((places / "report" / "report.html").read_text())
    assert "2 of the queries have the same file as another id in the gallery" in page
    assert "No other queries are left." not in page
    assert "<caption>P@5 of the other queries</caption>" in page


def test_the_report_is_self_contained(places: Path, catalogue: Path, photos: Path) -> None:
    _evaluate(places / "report", catalogue=catalogue, photos=photos)
    page = (places / "report" / "report.html").read_text()
    addresses = set(re.findall(r'(?:src|href)="([^"]{5})', page))
    assert {each for each in addresses if not each.startswith("#")} == {"data:"}
    assert "http" not in page
    assert "url(" not in page
    assert page.count("<svg") == 9
    assert page.count('<li class="example">') == 12 + 4


def test_a_second_run_writes_the_same_files_and_embeds_nothing(
    places: Path, catalogue: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"catalogue": catalogue, "photos": photos}
    _evaluate(places / "first", **files)

    for each in (vectorizers.Network, vectorizers.Histogram, vectorizers.Random):
        monkeypatch.setattr(each, "vectors", _embed)
    _evaluate(places / "second", **files)
    for name in ("report.html", "report.json"):
        first, second = (places / folder / name for folder in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()


def test_an_interrupted_run_keeps_its_vectors(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "CHUNK", 2)
    monkeypatch.setattr(vectors, "BATCH", 1)
    pictures, _ = keep_readable(
        [
            LabelledPicture(each, {}, partial(picture_bytes, each))
            for each in ("red", "lime", "blue")
        ],
        _silent,
    )
    whole = vectors.vectors_of(vectorizers.Histogram(), pictures, _silent)
    assert [row.argmax() for row in whole] == [448, 56, 7]
    embedded: list[bytes] = []

    def compute(each: vectorizers.Histogram, contents: list[bytes]) -> vectorizers.Vectors:
        embedded.extend(contents)
        return np.ones((len(contents), 512), np.float32)

    monkeypatch.setattr(vectorizers.Histogram, "vectors", compute)
    again = vectors.vectors_of(vectorizers.Histogram(), [*pictures[:2], pictures[0]], _silent)
    assert embedded == [picture_bytes("red")]
    assert np.array_equal(again[:2], whole[:2])
    assert again[2, 0] == again[2, 511]


def test_an_unavailable_baseline_is_named_in_the_report_and_on_the_terminal(
    places: Path, catalogue: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    def offline(path: Path) -> Path:
        raise OSError("no <route>")

    monkeypatch.setattr("recommender.embedding.model_store.download_imagenet", offline)
    figures = _evaluate(places / "report", catalogue=catalogue, without=["untrained"])
    reason = "Keras could not fetch the weights: no <route>"
    assert {"name": "imagenet", "missing": reason} in figures["vectorizers"]
    page = (places / "report" / "report.html").read_text()
    assert "<dt>imagenet: not available</dt>" in page
    assert "no &lt;route&gt;" in page
    assert f"imagenet is not in the report: {reason}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"queries": Path("/none.txt")}, "/none.txt cannot be read: .* one id a line"),
        ({"queries": "empty"}, "empty.txt is empty; it should hold one id a line"),
        ({"queries": "strange"}, r"1 of the 1 ids in .* no products .* catalogue: 99\. Is it"),
        ({"catalogue": Path("/none")}, "/none does not exist. Give a folder, a ZIP"),
        ({"photos": Path("/none.zip")}, "/none.zip cannot be read as a ZIP of photos"),
        ({"photos": "empty"}, "empty.txt cannot be read as a ZIP of photos"),
        ({"photos": "catalogue"}, r"holds no pictures in train/CLASS/ and validation/CLASS/. Put"),
        ({"models": ["nothing"]}, "There is no model folder 'nothing'"),
        ({"models": ["fashion-3", "fashion-3"]}, "A model is named twice"),
        ({"photos_only": True}, "There is nothing to measure: name the photos with --photos"),
        ({"seed": -1}, "--seed is -1; it must be 0 or more"),
        ({"output": "below"}, "cannot be written: .* Name another folder with --output"),
    ],
)
def test_invalid_options_are_refused_and_no_report_is_written(
    places: Path,
    catalogue: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    message: str,
) -> None:
    (places / "empty.txt").touch()
    (places / "strange.txt").write_text("99\n")
    known = {
        "empty": places / "empty.txt",
        "strange": places / "strange.txt",
        "below": places / "empty.txt" / "report",
        "catalogue": catalogue,
    }
    given = {key: known.get(str(value), value) for key, value in options.items()}
    models = given.pop("models", ["fashion-3"])
    if not given.get("photos_only"):
        given.setdefault("catalogue", catalogue)
    monkeypatch.setattr(vectorizers.Network, "vectors", _embed)
    with pytest.raises(CommandError, match=message):
        _evaluate(given.pop("output", places / "report"), *models, **given)
    assert _files(places / "report") == []


def test_photos_only_and_a_catalogue_contradict_each_other(
    places: Path, catalogue: Path, photos: Path
) -> None:
    with pytest.raises(CommandError, match="Leave out --catalogue and --queries, or --photos-only"):
        _evaluate(places / "report", catalogue=catalogue, photos=photos, photos_only=True)
    assert _files(places / "report") == []


def test_too_few_pictures_are_refused(places: Path, catalogue: Path, monkeypatch) -> None:
    monkeypatch.setattr("recommender.evaluation.datasets.K", 12)
    message = r"has 12 pictures in the gallery and 12 queries .* at least 13 and 1"
    with pytest.raises(CommandError, match=message):
        _evaluate(places / "report", catalogue=catalogue)
    assert _files(places / "report") == []


def test_a_full_disk_leaves_the_old_report(
    places: Path, catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = places / "report"
    _evaluate(folder, catalogue=catalogue)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    write = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if "html" in path.name:
            write(path, content[:100])
            raise OSError(28, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(CommandError, match=r"No space left on device. Check permissions"):
        _evaluate(folder, catalogue=catalogue, seed=2)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_an_interrupted_run_writes_no_report(
    places: Path, catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(vectorizers.Histogram, "vectors", stop)
    with pytest.raises(CommandError, match="Stopped") as stopped:
        _evaluate(places / "report", catalogue=catalogue)
    assert stopped.value.returncode == 130
    assert _files(places / "report") == []
    kept = places / "var" / "evaluation" / "vectors"
    assert [path.name.split("-")[0] for path in kept.iterdir()] == ["random"]


def test_names_are_escaped_in_plots() -> None:
    from recommender.evaluation.plots import draw_intervals

    drawn = draw_intervals("<b>", {"<i>&": Estimate(0.5, 0.4, 0.6)}, "x")
    assert "<b>" not in drawn
    assert "<i>" not in drawn
    assert "&lt;i&gt;&amp; 0.500" in drawn
    assert output.humanise("base_colour") == "base colour"
