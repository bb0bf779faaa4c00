from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from recommender.garments.letterbox import Pixels
from recommender.training.augmentation import augment, find_background, move, replace_background


@pytest.fixture
def shirt() -> Pixels:
    """Draw a navy square with a white square in it, on white."""
    image = Image.new("RGB", (48, 48), "white")
    ImageDraw.Draw(image).rectangle((12, 12, 35, 35), fill="navy")
    ImageDraw.Draw(image).rectangle((20, 20, 27, 27), fill="white")
    return np.asarray(image)


@pytest.mark.parametrize("seed", range(20))
def test_shape_and_type_stay(shirt: Pixels, seed: int) -> None:
    made = augment(shirt, np.random.default_rng(seed))
    assert made.shape == (48, 48, 3)
    assert made.dtype == np.uint8


def test_the_same_seed_makes_the_same_picture_and_another_makes_another(shirt: Pixels) -> None:
    first, again, other = (augment(shirt, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_black_and_white_do_not_overflow() -> None:
    for value in (0, 255):
        flat = np.full((32, 32, 3), value, np.uint8)
        made = [augment(flat, np.random.default_rng(seed)) for seed in range(20)]
        if value == 0:
            # Whatever comes in from outside is white; the middle of black stays dark.
            assert max(int(each[12:20, 12:20].max()) for each in made) <= 20
        assert all(each.dtype == np.uint8 for each in made)


def test_the_background_is_near_white_up_to_an_edge(shirt: Pixels) -> None:
    background = find_background(shirt)
    assert background.sum() == 48 * 48 - 24 * 24
    assert not background[12:36, 12:36].any()


def test_a_new_background_leaves_the_product_and_the_white_in_it(shirt: Pixels) -> None:
    made = replace_background(shirt, np.random.default_rng(1))
    assert (made[12:36, 12:36] == shirt[12:36, 12:36]).all()
    assert (made[:12] != 255).any(axis=2).mean() > 0.95


def test_a_background_that_is_not_white_stays() -> None:
    street = np.random.default_rng(1).integers(0, 200, (48, 48, 3), dtype=np.uint8)
    assert (replace_background(street, np.random.default_rng(2)) == street).all()


def test_a_moved_picture_keeps_its_product_in_sight(shirt: Pixels) -> None:
    for seed in range(20):
        dark = (move(shirt, np.random.default_rng(seed)).max(axis=2) < 160).mean()
        assert 0.1 < dark < 0.45, f"seed {seed}"


def test_about_half_of_the_pictures_are_mirrored() -> None:
    half = np.zeros((32, 32, 3), np.uint8)
    half[:, 16:] = 200
    moved = (move(half, np.random.default_rng(seed))[8:24] for seed in range(100))
    mirrored = sum(int(each[:, 12].mean() > each[:, 20].mean()) for each in moved)
    assert 35 <= mirrored <= 65
