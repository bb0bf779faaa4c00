from __future__ import annotations

from dataclasses import replace

import numpy as np

from recommender.evaluation.datasets import Dataset, LabelledPicture
from recommender.evaluation.measuring import (
    by_class,
    confusions,
    count_right,
    find_five,
    measure,
    measure_spread,
    measure_without_duplicates,
    worst_queries,
)
from recommender.evaluation.metrics import average_precisions, estimate, precisions

HITS = np.array([[1, 0, 1, 0, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1], [0, 1, 0, 0, 0]], dtype=bool)


def test_precision_is_the_share_of_the_five() -> None:
    assert precisions(HITS).tolist() == [0.4, 0.0, 1.0, 0.2]


def test_average_precision_divides_by_what_could_be_found() -> None:
    """(1/1 + 2/3) / 5; nothing; all; (1/2) / 1, as only one has the label."""
    found = average_precisions(HITS, np.array([9, 0, 5, 1]))
    assert found.round(6).tolist() == [0.333333, 0.0, 1.0, 0.5]


def test_an_interval_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    values = np.random.default_rng(4).random(50)
    first = estimate(values, 1)
    assert estimate(values, 1) == first
    assert estimate(values, 2)[1:] != first[1:]
    assert estimate(values, 2).value == first.value == round(float(values.mean()), 4)


def test_an_interval_is_close_to_that_of_the_binomial_distribution() -> None:
    """20 of 100: 0.2 ± 1.96 · √(0.2 · 0.8 / 100) is 0.1216 to 0.2784."""
    values = np.repeat([1.0, 0.0], [20, 80])
    found = estimate(values, 1)
    assert (found.value, round(found.low, 2), round(found.high, 2)) == (0.2, 0.12, 0.28)


def test_an_interval_of_one_value_is_that_value() -> None:
    assert estimate(np.array([0.6]), 1) == (0.6, 0.6, 0.6)


def _line(places: list[float], labels: str, queries: list[int]) -> tuple[Dataset, np.ndarray]:
    """Return pictures on a circle at these angles, with a letter each as label, "-" for none."""
    pictures = [
        LabelledPicture(str(row), {"kind": letter.replace("-", "")}, bytes)
        for row, letter in enumerate(labels)
    ]
    rows = (np.array(queries), np.arange(len(places)))
    dataset = Dataset("line", "here", pictures, *rows, ("kind",), [])
    angles = np.array(places) / 10
    return dataset, np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_the_five_are_the_nearest_and_not_the_query() -> None:
    dataset, vectors = _line([0, 1, 2.1, 3.3, 4.6, 6, 7.5, 9.1], "aabbabab", [0, 7])
    assert find_five(vectors, dataset).tolist() == [[1, 2, 3, 4, 5], [6, 5, 4, 3, 2]]


def test_seven_equal_pictures_find_five_others_in_the_order_of_their_ids() -> None:
    dataset, vectors = _line([1] * 7, "aaaaaaa", [0, 3, 6])
    assert find_five(vectors, dataset).tolist() == [
        [1, 2, 3, 4, 5],
        [0, 1, 2, 4, 5],
        [0, 1, 2, 3, 4],
    ]


def test_figures_leave_out_queries_without_a_label_and_count_such_neighbours_as_wrong() -> None:
    dataset, vectors = _line([0, 1, 2.1, 3.3, 4.6, 6, 7.5, 9.1], "aa-babab", [0, 2, 7])
    found = {"one": find_five(vectors, dataset)}
    kind = measure(dataset, found, 1, "one")["kind"]
    row = kind["rows"]["one"]
    # 0 finds a - b a b: 2 of 5; 7 finds a b a b -: 2 of 5. Two others have the first's label
    # beside those found at most: a is 4 times in the gallery, b 3 times.
    assert (kind["queries"], kind["classes"], kind["without_relevant"]) == (2, 2, 0)
    assert row["precision"].value == 0.4
    first, second = (1 + 2 / 4) / 3, (1 / 2 + 2 / 4) / 2
    assert row["average_precision"].value == round((first + second) / 2, 4)
    assert row["minus_one"] == (0, 0, 0)
    assert count_right(dataset, "kind", found["one"]) == [0, 0, 2, 0, 0, 0]


def test_the_difference_of_two_rows_is_taken_query_by_query() -> None:
    dataset, vectors = _line([0, 1, 2, 3, 4, 5.5, 20, 21], "aaaaaabb", [0, 1])
    good = find_five(vectors, dataset)
    bad = np.array([[6, 7, 1, 2, 3], [6, 7, 0, 2, 3]])
    rows = measure(dataset, {"good": good, "bad": bad}, 1, "good")["kind"]["rows"]
    assert rows["bad"]["minus_good"] == (-0.4, -0.4, -0.4)


def test_queries_whose_file_the_gallery_has_twice_are_left_out() -> None:
    """0 and 7 are one file, of which 7 is no query; so are 1 and 2, which both are queries."""
    dataset, vectors = _line([0, 1, 2.1, 3.3, 4.6, 6, 7.5, 9.1], "aabbabab", [0, 1, 2])
    files = ["same", "two", "two", "3", "4", "5", "6", "same"]
    named = zip(dataset.pictures, files, strict=True)
    pictures = [replace(picture, sha256=file) for picture, file in named]
    dataset = replace(dataset, pictures=pictures)
    found = {"one": find_five(vectors, dataset)}
    alone = measure_without_duplicates(dataset, found, 1, "one")
    fewer = replace(dataset, queries=np.array([1, 2]))
    rows = {"one": find_five(vectors, fewer)}
    assert alone == {"duplicates": 1, "measures": measure(fewer, rows, 1, "one")}
    assert alone["measures"]["kind"]["queries"] == 2
    # Where no query has a copy there is nothing to add, and where each has one nothing is left.
    assert measure_without_duplicates(fewer, rows, 1, "one") == {"duplicates": 0, "measures": {}}
    first = replace(dataset, queries=np.array([0]))
    rows = {"one": find_five(vectors, first)}
    assert measure_without_duplicates(first, rows, 1, "one") == {"duplicates": 1, "measures": {}}


def test_classes_confusions_and_the_worst_come_worst_first() -> None:
    dataset, _vectors = _line([0, 1, 2, 3, 4, 5, 6, 7], "aaaabbbb", list(range(8)))
    found = np.array([[1, 2, 3, 4, 5]] * 4 + [[0, 1, 2, 3, 4]] * 4)
    assert by_class(dataset, "kind", found) == [
        {"class": "b", "queries": 4, "gallery": 4, "precision": 0.2},
        {"class": "a", "queries": 4, "gallery": 4, "precision": 0.6},
    ]
    assert confusions(dataset, "kind", found) == [
        {"wanted": "b", "found": "a", "neighbours": 16},
        {"wanted": "a", "found": "b", "neighbours": 8},
    ]
    worst = worst_queries(dataset, "kind", found)
    assert [each["query"] for each in worst] == [4, 5, 6, 7, 0, 1, 2, 3]
    assert worst[0]["found"] == [0, 1, 2, 3, 4]


def test_spread_is_the_mean_distance_of_two_of_the_five() -> None:
    dataset, _vectors = _line([0] * 6, "aabbca", [0])
    seen = np.eye(6, dtype=np.float32)
    found = {"one": np.array([[1, 2, 3, 4, 5]]), "same": np.array([[1, 1, 1, 1, 1]])}
    spread = measure_spread(dataset, found, seen, 1)
    assert spread["one"]["spread"].value == round(2**0.5, 4)
    assert spread["one"]["distinct_by_kind"].value == 3
    assert spread["same"]["spread"].value == 0
    assert spread["same"]["distinct_by_kind"].value == 1
