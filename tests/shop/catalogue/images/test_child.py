"""A picture can kill only the process that decodes it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from PIL import Image

from shop.catalogue.images import child
from shop.catalogue.images.pictures import PictureError, read_picture
from tests.factories import picture_bytes
from tests.shop.catalogue.images.crafted import saved, scans

pytestmark = pytest.mark.slow

TOO_LONG = "This image takes too long to read"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Collect the exit statuses of children."""
    statuses: list[int] = []
    run = subprocess.run

    def recorded(*args: Any, **options: Any) -> Any:
        done = run(*args, **options)
        statuses.append(done.returncode)
        return done

    monkeypatch.setattr(subprocess, "run", recorded)
    return statuses


@pytest.mark.parametrize(
    ("data", "children"),
    [
        (picture_bytes(size=(2400, 2400)), []),
        (picture_bytes(kind="PNG"), []),
        (picture_bytes(kind="WEBP"), []),
        (picture_bytes(kind="BMP"), []),
        (picture_bytes(kind="GIF"), [0]),
        (picture_bytes(kind="TIFF"), [0]),
        (picture_bytes(kind="AVIF"), [0]),
        (picture_bytes(kind="HEIF"), [0]),
        (saved(Image.new("L", (5000, 4000)), "PNG"), [0]),
        (scans(100, (2500, 2000)), []),
        (scans(100, (3000, 3000)), [0]),
    ],
    ids=[
        *("JPEG", "PNG", "WebP", "BMP", "GIF", "TIFF", "AVIF", "HEIF"),
        *("20 million pixels", "many scans", "many scans of more pixels"),
    ],
)
def test_slow_pictures_are_read_by_a_child(
    started: list[int], data: bytes, children: list[int]
) -> None:
    picture = read_picture(data, max_side=300)
    assert max(picture.image.size) <= 300
    assert picture.image.mode == "RGB"
    assert started == children


def test_a_child_has_the_limits_of_the_site(settings: Any, started: list[int]) -> None:
    settings.PICTURE_MAX_PIXELS = 4000
    with pytest.raises(PictureError, match="60 × 80 pixels; at most 0 million"):
        read_picture(picture_bytes(kind="GIF"))
    with pytest.raises(PictureError, match="damaged or incomplete"):
        read_picture(picture_bytes(kind="TIFF", size=(30, 40))[:-3000])
    assert started == [child.REFUSED, child.REFUSED]


@pytest.mark.parametrize(
    "ends",
    [
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 1))\nwhile True: pass",
        "while True: pass",
    ],
    ids=["killed", "out of processor time", "out of time"],
)
def test_a_child_that_dies_refuses_the_picture_and_the_next_one_is_read(
    monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    data, run = picture_bytes(kind="GIF"), subprocess.run

    def other(command: list[str], **options: Any) -> Any:
        return run([sys.executable, "-c", ends], **options)

    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "run", other)
        patch.setattr(child, "SECONDS", 3)
        with pytest.raises(PictureError, match=TOO_LONG):
            read_picture(data)
    assert read_picture(data).image.size == (60, 80)


@pytest.mark.parametrize(
    ("work", "ends"),
    [("bytearray(child.MAX_BYTES)", {child.REFUSED}), ("exec('while True: pass')", {-9, -24})],
    ids=["memory", "processor time"],
)
def test_a_child_limits_itself(work: str, ends: set[int]) -> None:
    code = (
        "from shop.catalogue.images import child\n"
        "child.CPU_SECONDS = 1\n"
        f"child._convert = lambda *_: {work}\n"
        "child.main(100, 100)"
    )
    done = subprocess.run([sys.executable, "-c", code], input=b"", cwd=child.ROOT)
    assert done.returncode in ends


def test_a_child_gets_no_secrets_in_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    variables: list[str] = []
    run = subprocess.run

    def recorded(*args: Any, **options: Any) -> Any:
        variables.extend(options["env"])
        return run(*args, **options)

    monkeypatch.setattr(subprocess, "run", recorded)
    read_picture(picture_bytes(kind="GIF"))
    assert variables == ["OPENBLAS_NUM_THREADS", "PYTHONWARNINGS"]
