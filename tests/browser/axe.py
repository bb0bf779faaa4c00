"""Look for faults of accessibility in a page at several widths, light and dark."""

from __future__ import annotations

import os
from itertools import product

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

# Each width, scheme and language appears; ``make axe`` looks at every combination.
MODES = {"en": [(375, "light"), (1440, "dark")], "de": [(375, "dark"), (768, "light")]}
if os.environ.get("AXE") == "all":
    MODES = {language: list(product((375, 768, 1440), ("light", "dark"))) for language in MODES}
OPTIONS = {"resultTypes": ["violations"]}


def choose_language(page: Page, shop: str, language: str) -> None:
    page.context.add_cookies([{"name": "django_language", "value": language, "url": shop}])


def serious(page: Page, language: str) -> list[tuple[str, str, int, str, list[str]]]:
    """Return the serious and critical violations of the page in each mode of the language."""
    found = []
    for width, scheme in MODES[language]:
        page.set_viewport_size({"width": width, "height": 812})
        # A dialog that is still fading in has too little contrast.
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        found += [
            (page.url, scheme, width, violation["id"], [n["target"] for n in violation["nodes"]])
            for violation in Axe().run(page, options=OPTIONS).response["violations"]
            if violation["impact"] in {"serious", "critical"}
        ]
    return found
