from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import polib
import pytest
from django.conf import settings
from django.core import mail
from django.test import Client
from django.utils import translation
from django.utils.translation.template import templatize

from shop.orders.emails import queue_order_email
from tests.factories import make_image, make_order, make_product

PO = Path(settings.BASE_DIR) / "locale" / "de" / "LC_MESSAGES" / "django.po"
PLACEHOLDER = re.compile(r"%\(\w+\)\w|%s|%%")


def _forms(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) or [entry.msgstr]


def test_every_message_is_translated_with_its_placeholders() -> None:
    wrong = [
        entry.msgid
        for entry in polib.pofile(str(PO))
        if not entry.obsolete
        for text in _forms(entry)
        if not text or entry.fuzzy or set(PLACEHOLDER.findall(text)) != _placeholders(entry)
    ]
    assert wrong == []


def _placeholders(entry: polib.POEntry) -> set[str]:
    return set(PLACEHOLDER.findall(entry.msgid))


def test_the_compiled_catalogue_matches_the_source() -> None:
    written = {
        (entry.msgctxt, entry.msgid): _forms(entry)
        for entry in polib.pofile(str(PO))
        if not entry.obsolete
    }
    compiled = polib.mofile(str(PO.with_suffix(".mo")))
    assert {(entry.msgctxt, entry.msgid): _forms(entry) for entry in compiled} == written


def test_no_message_is_missing_in_the_catalogue(tmp_path: Path) -> None:
    """Run ``manage.py makemessages -l de --no-location`` and translate when this fails."""
    roots = [Path(settings.BASE_DIR) / name for name in ("config", "recommender", "shop")]
    sources = [str(path) for root in roots for path in root.rglob("*.py")]
    for number, path in enumerate((Path(settings.BASE_DIR) / "templates").rglob("*.*")):
        calls = tmp_path / f"{number}.py"  # of gettext, as makemessages writes them
        calls.write_text(templatize(path.read_text(), origin=str(path)))
        sources.append(str(calls))
    words = ("gettext", "gettext_lazy", "ngettext:1,2", "_", "pgettext:1c,2")
    keywords = [f"--keyword={word}" for word in words]
    target = tmp_path / "all.po"
    command = ["xgettext", "-L", "Python", "--from-code=UTF-8", *keywords, "-o", str(target)]
    subprocess.run([*command, *sources], check=True, capture_output=True)
    known = {entry.msgid for entry in polib.pofile(str(PO)) if not entry.obsolete}
    found = {entry.msgid for entry in polib.pofile(str(target))}
    assert found - known == set()


@pytest.fixture
def german(client: Client, db: Any) -> Client:
    client.post("/i18n/setlang/", {"language": "de", "next": "/"})
    return client


def test_german_pages_format_prices_for_germany(german: Client) -> None:
    product = make_product(name="Blaues Hemd", price="1234.50")
    make_image(product)
    page = german.get(product.get_absolute_url()).content.decode()
    assert '<html lang="de">' in page
    assert "1.234,50\xa0€" in page
    assert "In den Warenkorb" in page
    assert 'aria-label="Schließen"' in page
    german.post("/cart/add/", {"variant": product.variants.get().pk})
    assert "wurde in den Warenkorb gelegt" in german.get("/cart/").content.decode()
    login = german.get("/account/login/").content.decode()
    assert "Anmeld" in login


def test_a_german_browser_gets_german_pages(client: Client, db: Any) -> None:
    page = client.get("/", headers={"Accept-Language": "de-AT,de;q=0.9"}).content.decode()
    assert '<html lang="de">' in page


def test_emails_are_in_the_buyers_language(db: Any) -> None:
    with translation.override("de"):
        order = make_order()
    queue_order_email(order, "placed")
    (message,) = mail.outbox
    assert message.subject == f"Ihre Bestellung {order.number}"
    assert "Vielen Dank für Ihre Bestellung" in message.body
