"""Rolling back in the background: killed, stopped, and during a sale."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import File
from django.db import connection, transaction
from django.db.models import F
from django.test import Client

from shop.catalogue.models import Product, Variant
from shop.imports.jobs import rollback, uploads
from shop.imports.models import Upload, UploadChange
from tests.factories import make_category, make_product
from tests.locks import wait_until_a_lock_blocks
from tests.shop.imports.conftest import SOLD_HEADER, UploadFolder, act, sold_row

pytestmark = pytest.mark.django_db


def five_products(
    make_folder: Any, upload_folder: UploadFolder, monkeypatch: pytest.MonkeyPatch
) -> Upload:
    make_category("Apparel", "Topwear", "Tshirts")
    monkeypatch.setattr(rollback, "PRODUCTS_PER_TRANSACTION", 2)
    return upload_folder(
        make_folder(*(sold_row(number) for number in range(1, 6)), header=SOLD_HEADER)
    )


def left() -> list[str | None]:
    return list(Product.objects.order_by("pk").values_list("external_id", flat=True))


def test_a_killed_rollback_continues_with_the_last_remaining_change(
    client: Client, make_folder: Any, upload_folder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = five_products(make_folder, upload_folder, monkeypatch)
    Product.objects.filter(external_id="5").update(name="Edited")
    client.post(f"{upload.get_absolute_url()}roll-back/")
    roll_back, calls = rollback._roll_back, []

    def die(changes: list[UploadChange]) -> list[str]:
        calls.append(len(changes))
        if len(calls) == 2:
            roll_back(changes)
            raise MemoryError("killed")
        return roll_back(changes)

    monkeypatch.setattr(rollback, "_roll_back", die)
    with pytest.raises(MemoryError):
        uploads.run(upload.pk)
    upload.refresh_from_db()
    assert (upload.state, upload.undone, left()) == ("undoing", 2, ["1", "2", "3", "5"])
    uploads.run(upload.pk)
    upload.refresh_from_db()
    assert (upload.state, upload.undone, left()) == ("undone", 5, ["5"])
    assert (calls, upload.warnings) == (
        [2, 2, 2, 1],
        ["“Edited” was not rolled back: it has been changed since."],
    )


def test_a_rollback_can_be_stopped_and_resumed(
    client: Client, make_folder: Any, upload_folder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = five_products(make_folder, upload_folder, monkeypatch)
    roll_back = rollback._roll_back

    def press_stop(changes: list[UploadChange]) -> list[str]:
        uploads.request_stop(upload)
        return roll_back(changes)

    monkeypatch.setattr(rollback, "_roll_back", press_stop)
    upload = act(client, upload, "roll-back")
    assert (upload.state, upload.undone, left()) == ("done", 2, ["1", "2", "3"])
    monkeypatch.setattr(rollback, "_roll_back", roll_back)
    upload = act(client, upload, "roll-back")
    assert (upload.state, upload.undone, left()) == ("undone", 5, [])


@pytest.mark.django_db(transaction=True)
def test_a_sale_and_a_rollback_of_one_product_never_deadlock(tmp_path: Path) -> None:
    """Both lock the variant first: the rollback waits and holds nothing that the sale needs."""
    coat = make_product(name="Coat", price=Decimal("10.00"), stock=5)
    variant = coat.variants.get()
    path = tmp_path / "table.csv"
    path.write_text(f"sku,price,stock\n{variant.sku},12.00,9\n")
    with path.open("rb") as table:
        upload = uploads.create_upload(File(table, "table.csv"), None, User.objects.create())
    uploads.start(upload, Upload.State.RUNNING, from_states=(Upload.State.CHECKED,))
    uploads.run(upload.pk)
    upload.refresh_from_db()
    uploads.start(upload, Upload.State.ROLLING_BACK, from_states=(Upload.State.DONE,))
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Variant.objects.select_for_update().get(pk=variant.pk)
            coming = pool.submit(_run_alone, upload.pk)
            wait_until_a_lock_blocks()
            Variant.objects.filter(pk=variant.pk).update(stock=F("stock") - 1)
        coming.result()
    upload.refresh_from_db()
    assert (upload.state, upload.warnings) == ("undone", [])
    coat.refresh_from_db()
    assert (coat.price, coat.stock) == (Decimal("10.00"), 4)


def _run_alone(pk: int) -> None:
    try:
        uploads.run(pk)
    finally:
        connection.close()
