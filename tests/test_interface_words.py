"""Texts that shoppers or staff stumbled over stay out of the interface."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
SOURCES = (
    *("templates/**/*.html", "templates/**/*.txt", "static/js/*.js"),
    *("shop/**/*.py", "recommender/**/*.py", "backoffice/**/*.py"),
)
OLD_TEXTS = (
    # Cart, checkout and orders
    "Put into the cart",
    "Take out",
    "Take it out",
    "To the checkout",
    "To the shop",
    "Where to",
    "of which tax",
    "There is nothing in it yet",
    "There is no voucher with this code",
    "Place the order and pay",
    "Invoice to print",
    "We write again when",
    "has left our house",
    "Nothing is to be paid",
    "hat unser Haus verlassen",
    # Catalogue and search
    "Tell me when it is back",
    "More like this, but",
    "More that looks like it",
    "More that goes with it",
    "You looked at",
    "too few people",
    "nobody is free",
    "looked at yet",
    "has been looked at",
    "Search with a part",
    "Or at once with",
    "With the words",
    "Nothing has all of these words",
    "The shelves are still empty",
    "Do not count me",
    "opens nothing any more",
    # Staff
    "Pictures parked",
    "Keep it for good",
    "Undo all of it",
    "So it would be",
    "– not read –",
    "How recommendations do",
    "Note that the invoice was paid",
    # API
    "Only JSON is spoken here",
    "You have it already",
)


def _texts() -> Iterator[tuple[str, str]]:
    """Yield the name and the text, on one line, of each file or message that people read."""
    for pattern in SOURCES:
        for path in ROOT.glob(pattern):
            yield str(path.relative_to(ROOT)), " ".join(path.read_text().split())
    for file in ROOT.glob("locale/*/LC_MESSAGES/*.po"):
        for entry in polib.pofile(str(file)):
            if not entry.obsolete:
                forms = [entry.msgid, entry.msgid_plural, entry.msgstr]
                yield entry.msgid, " ".join([*forms, *entry.msgstr_plural.values()])


@pytest.fixture(scope="module")
def texts() -> list[tuple[str, str]]:
    return list(_texts())


@pytest.mark.parametrize("old", OLD_TEXTS)
def test_an_old_text_does_not_come_back(old: str, texts: list[tuple[str, str]]) -> None:
    found = re.compile(rf"(?<!\w){re.escape(old)}(?!\w)")
    assert [name for name, text in texts if found.search(text)] == []
