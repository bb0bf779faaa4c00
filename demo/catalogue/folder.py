"""Write the demo catalogue as a folder in the importer's layout, completely or not at all."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from tempfile import mkdtemp

from demo.catalogue.products import DemoProduct, demo_products
from demo.catalogue.rendering import jpeg, photograph

VERSION = "5"
STAMP = ".demo-catalogue"
WORKERS = os.cpu_count() or 2
CHUNK = 5
HEADER = (
    *("id", "gender", "masterCategory", "subCategory", "articleType"),
    *("baseColour", "season", "year", "usage", "productDisplayName"),
    *("brand", "price", "currency", "description", "stock", "sku", "size"),
)


def write_demo_catalogue(folder: Path, products: Sequence[DemoProduct] | None = None) -> int:
    """Draw the catalogue into the folder unless this version is in it; return the product count.

    Raises ``FileExistsError`` if the folder holds anything but a demo catalogue.
    """
    chosen = demo_products() if products is None else products
    stamp = f"{VERSION} {len(chosen)}\n"
    if _stamp(folder) == stamp:
        return len(chosen)
    if folder.exists() and not _stamp(folder) and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} is not a demo catalogue; name another folder.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        new = work / "new"
        (new / "images").mkdir(parents=True)
        _write_table(new / "styles.csv", chosen)
        _write_pictures(new / "images", chosen)
        (new / STAMP).write_text(stamp)
        if folder.exists():
            folder.rename(work / "old")
        new.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return len(chosen)


def _stamp(folder: Path) -> str:
    file = folder / STAMP
    return file.read_text() if file.is_file() else ""


def _write_table(path: Path, products: Sequence[DemoProduct]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for product in products:
            writer.writerows(product.rows())


def _write_pictures(images: Path, products: Sequence[DemoProduct]) -> None:
    if len(products) < 12:
        for product in products:
            draw_pictures(images, product)
        return
    # The workers are spawned, because forking a process with threads can hang.
    pool = ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn"))
    try:
        # The chunks are small, because an interrupted pool still finishes the chunks it has begun.
        chunks = [products[start : start + CHUNK] for start in range(0, len(products), CHUNK)]
        list(pool.map(_draw_all, repeat(images), chunks))
    finally:
        pool.shutdown(cancel_futures=True)


def _draw_all(images: Path, products: Sequence[DemoProduct]) -> None:
    for product in products:
        draw_pictures(images, product)


def draw_pictures(images: Path, product: DemoProduct) -> None:
    """Write the product's images: ID.jpg and, if the product has a close-up, ID-2.jpg."""
    sheet = product.sheet()
    for number, view in enumerate(product.views, 1):
        name = f"{product.id}.jpg" if number == 1 else f"{product.id}-{number}.jpg"
        (images / name).write_bytes(jpeg(photograph(sheet, view)))
