"""Staff upload a catalogue and follow its import by a real worker."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.db import connection
from playwright.sync_api import Page, expect

from shop.catalogue.models import Product
from tests.shop.imports.conftest import HEADER, picture, row

pytestmark = pytest.mark.browser


@pytest.fixture
def upload_worker(transactional_db: None) -> Iterator[None]:
    """Run a Celery worker for the queue ``uploads`` on the test's database."""
    database = connection.settings_dict["NAME"]
    program = (
        "from django.conf import settings;"
        f"settings.DATABASES['default']['NAME'] = {database!r};"
        "from config.celery import app;"
        "app.worker_main(['worker', '-Q', 'uploads', '-P', 'solo', '-l', 'WARNING',"
        "'--without-gossip', '--without-mingle'])"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    process = subprocess.Popen([sys.executable, "-c", program], env=environment)
    yield
    process.terminate()
    deadline = time.monotonic() + 15
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.wait()


def test_a_catalogue_is_uploaded_previewed_imported_and_rolled_back(
    page: Page, shop: str, upload_worker: None, tmp_path: Path
) -> None:
    User.objects.create_superuser("staff", "staff@example.com", "correct-horse-7")
    before = Product.objects.count()
    archive = tmp_path / "new.zip"
    with zipfile.ZipFile(archive, "w") as file:
        rows = [row(number, f"Nike Men Shirt {number}") for number in range(1, 41)]
        rows.append(row(98).replace("Men", "long" * 20, 1))
        file.writestr("styles.csv", "\n".join([HEADER, *rows, row(99, "No image")]))
        for number in range(1, 41):
            file.writestr(f"images/{number}.jpg", picture("red", size=(20 + number, 30)))
    page.goto(f"{shop}/admin/imports/upload/new/")
    page.fill("#id_login", "staff")
    page.fill("#id_password", "correct-horse-7")
    page.keyboard.press("Enter")
    page.set_input_files("#id_table", archive)
    page.get_by_role("button", name="Upload and preview").click()
    expect(page.get_by_role("region", name="First rows")).to_contain_text("Nike Men Shirt 1")
    page.get_by_role("button", name="Check all rows").click()
    expect(page.locator("[data-count=imported]")).to_have_text("40", timeout=60_000)
    expect(page.get_by_text("There is no image 99.jpg.")).to_be_visible()
    assert Product.objects.count() == before
    page.set_viewport_size({"width": 375, "height": 800})
    errors = page.get_by_role("region", name="Rejected rows and warnings")
    assert errors.evaluate("box => box.scrollWidth <= box.clientWidth")
    page.set_viewport_size({"width": 1280, "height": 720})
    serious = [
        (violation["id"], violation["nodes"][0]["target"])
        for violation in Axe().run(page, context="#main, main").response["violations"]
        if violation["impact"] in {"serious", "critical"}
    ]
    assert serious == []
    page.get_by_role("button", name="Import 40 rows").click()
    expect(page.locator("[data-state=done]")).to_be_visible(timeout=60_000)
    assert Product.objects.count() == before + 40
    page.get_by_role("button", name="Roll back").click()
    expect(page.locator("[data-state=undone]")).to_be_visible(timeout=60_000)
    assert Product.objects.count() == before
