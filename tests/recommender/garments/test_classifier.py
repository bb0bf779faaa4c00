from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from recommender.garments import classifier
from recommender.garments.classifier import classify_garments, garments, shows_nothing


def test_each_image_has_a_probability_for_each_garment() -> None:
    pictures = [Image.new("RGB", (60, 80), "white"), Image.new("RGB", (300, 200), "navy")]
    found = classify_garments(pictures)
    assert found is not None
    assert found.shape == (2, len(garments()))
    assert found.sum(axis=1) == pytest.approx([1, 1], abs=1e-3)


def test_without_openvino_nothing_is_classified(monkeypatch: pytest.MonkeyPatch) -> None:
    classifier._network.cache_clear()
    monkeypatch.setattr(classifier, "find_spec", lambda name: None)
    try:
        assert classify_garments([Image.new("RGB", (60, 80))]) is None
    finally:
        classifier._network.cache_clear()


@pytest.mark.parametrize(
    ("picture", "nothing"),
    [
        (Image.new("RGB", (60, 80), "white"), True),
        (Image.new("RGB", (60, 80), (5, 5, 5)), True),
        (Image.effect_noise((60, 80), 60), False),
        (Image.effect_noise((60, 23), 60), True),
    ],
    ids=["blank", "nearly black", "something", "too small"],
)
def test_an_image_that_shows_nothing_is_detected(picture: Image.Image, nothing: bool) -> None:
    assert bool(shows_nothing(picture.convert("RGB"))) is nothing


def test_a_damaged_network_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    classifier._network.cache_clear()
    damaged = {**classifier.manifest(), "sha256": "0" * 64}
    monkeypatch.setattr(classifier, "manifest", lambda: damaged)
    try:
        assert classify_garments([Image.fromarray(np.zeros((60, 80, 3), np.uint8))]) is None
    finally:
        classifier._network.cache_clear()
