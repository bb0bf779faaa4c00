"""All threads together decode a limited number of pixels at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
from PIL import Image

from shop.catalogue.images import conversion
from shop.catalogue.images.decoding import child_slot, pixel_budget
from shop.catalogue.images.pictures import PictureError, read_picture
from shop.catalogue.images.renditions import make_rendition
from shop.core.waiting import MAX_WAITERS, TooBusy, waiting_slot
from tests.factories import picture_bytes
from tests.shop.catalogue.images.crafted import saved

SIZE = (1200, 1000)  # counted twice in a WebP


class Gate:
    """Holds up the threads that decode a picture until the gate is opened."""

    def __init__(self) -> None:
        self.inside, self.most = 0, 0
        self._lock, self._opened = threading.Lock(), threading.Event()

    def wait(self) -> None:
        """Count the thread and block it until the gate is opened."""
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self._opened.wait(60)
        with self._lock:
            self.inside -= 1

    def open_when(self, count: int) -> None:
        """Open the gate once ``count`` threads are blocked and another waits for pixels."""
        end = time.monotonic() + 30
        try:
            while self.inside != count or not pixel_budget.waiting:
                assert time.monotonic() < end, f"{self.inside} are inside."
                time.sleep(0.001)
        finally:
            self._opened.set()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    gate, resizable = Gate(), conversion._resizable

    def blocked(image: Image.Image) -> Image.Image:
        gate.wait()
        return resizable(image)

    monkeypatch.setattr(conversion, "_resizable", blocked)
    return gate


def decode(gate: Gate, work: Callable[[bytes], Any], data: bytes, count: int) -> int:
    """Call ``work`` in five threads, opening the gate at ``count``; return the most at once."""
    with ThreadPoolExecutor(5) as threads:
        done = [threads.submit(work, data) for _ in range(5)]
        gate.open_when(count)
        for one in done:
            one.result()
    assert pixel_budget.in_use == 0
    return gate.most


@pytest.mark.parametrize(("kind", "at_once"), [("PNG", 4), ("WEBP", 2)])
def test_threads_together_decode_the_pixels_of_one_picture_at_most(
    gate: Gate, settings: Any, kind: str, at_once: int
) -> None:
    settings.PICTURE_MAX_PIXELS = 4 * SIZE[0] * SIZE[1]
    data = saved(Image.new("RGB", SIZE), kind)
    assert decode(gate, partial(read_picture, timeout=None), data, at_once) == at_once


def test_renditions_share_the_pixel_budget(
    gate: Gate, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PICTURE_MAX_PIXELS = 3 * SIZE[0] * SIZE[1]
    resize = Image.Image.resize

    def blocked(image: Image.Image, *args: Any, **options: Any) -> Image.Image:
        gate.wait()
        return resize(image, *args, **options)

    monkeypatch.setattr(Image.Image, "resize", blocked)
    data = picture_bytes("red", SIZE)
    assert decode(gate, lambda data: make_rendition(data, SIZE[0]), data, 3) == 3


def test_a_small_picture_does_not_wait(settings: Any) -> None:
    settings.PICTURE_MAX_PIXELS = SIZE[0] * SIZE[1]
    with pixel_budget.reserve(SIZE[0] * SIZE[1]):
        assert read_picture(picture_bytes(size=(1000, 1000))).image.size == (1000, 1000)


def test_a_broken_picture_releases_its_pixels(settings: Any) -> None:
    data = picture_bytes("red", SIZE, "PNG")
    with pytest.raises(PictureError, match="damaged or incomplete"):
        read_picture(data[: len(data) // 2])
    assert pixel_budget.in_use == 0


@pytest.mark.parametrize(("kind", "side"), [("PNG", 2000), ("HEIF", 2000), ("WEBP", 1000)])
@pytest.mark.slow
def test_formats_that_take_twice_the_memory_may_have_half_the_pixels(
    settings: Any, kind: str, side: int
) -> None:
    settings.PICTURE_MAX_PIXELS = 2_000_000
    assert read_picture(picture_bytes(size=(side, 1000), kind=kind)).image.size == (side, 1000)
    reason = rf"{side + 2} × 1000 pixels; at most {side // 1000} million are allowed"
    with pytest.raises(PictureError, match=reason):
        read_picture(picture_bytes(size=(side + 2, 1000), kind=kind))


def test_a_request_that_waits_too_long_raises_too_busy(settings: Any) -> None:
    settings.PICTURE_MAX_PIXELS = SIZE[0] * SIZE[1]
    data = picture_bytes("red", SIZE)
    with pixel_budget.reserve(SIZE[0] * SIZE[1]), pytest.raises(TooBusy):
        read_picture(data, timeout=0.01)
    assert (pixel_budget.in_use, pixel_budget.waiting) == (0, [])
    assert read_picture(data, timeout=0.01).jpeg == data


def test_waiting_for_the_child_times_out_too() -> None:
    data = picture_bytes(kind="GIF")
    with child_slot(0.01), pytest.raises(TooBusy):
        read_picture(data, timeout=0.01)
    assert read_picture(data, timeout=0.01).image.size == (60, 80)


def test_no_more_than_half_of_the_threads_wait(settings: Any) -> None:
    settings.PICTURE_MAX_PIXELS = SIZE[0] * SIZE[1]
    with ExitStack() as held:
        for _slot in range(MAX_WAITERS):
            held.enter_context(waiting_slot())
        with pytest.raises(TooBusy):
            read_picture(picture_bytes(kind="GIF"), timeout=60)
        assert read_picture(picture_bytes("red", SIZE), timeout=60).image.size == SIZE
        held.enter_context(pixel_budget.reserve(SIZE[0] * SIZE[1]))
        with pytest.raises(TooBusy):
            read_picture(picture_bytes("red", SIZE), timeout=60)
    assert (pixel_budget.in_use, pixel_budget.waiting) == (0, [])


def test_a_worker_waits_without_a_slot(settings: Any) -> None:
    settings.PICTURE_MAX_PIXELS = SIZE[0] * SIZE[1]
    with ExitStack() as held, ThreadPoolExecutor(1) as thread:
        for _slot in range(MAX_WAITERS):
            held.enter_context(waiting_slot())
        with pixel_budget.reserve(SIZE[0] * SIZE[1]):
            job = thread.submit(read_picture, picture_bytes("red", SIZE), timeout=None)
            while not pixel_budget.waiting:
                time.sleep(0.001)
        assert job.result().image.size == SIZE
