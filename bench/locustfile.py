"""Simulate a shopper for Locust, which ``bench/pages.py`` starts with the addresses to visit.

Every request carries its kind, such as ``product``, in the header X-Kind, which gunicorn writes
into its access log beside the response time. After each page the shopper loads the pictures on its
first screen that are not in the browser cache yet, and sends the requests of the page's scripts.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import re
from pathlib import Path
from urllib.parse import quote_plus

from gevent.pool import Pool
from locust import FastHttpUser, between, constant, events, task

TARGETS = json.loads(Path(os.environ["BENCH_TARGETS"]).read_text())
THINK_SECONDS = json.loads(os.environ["BENCH_THINK"])
# If not 0, shoppers visit only the first ALONE product pages of the list, one after the other.
ALONE = int(os.environ.get("BENCH_ALONE") or 0)
CLIENT = open(os.environ["BENCH_CLIENT"], "a", buffering=1)  # noqa: SIM115 - until Locust ends
PICTURE = re.compile(r'<img\s+src="(/pictures/[^"]+)"')
PRODUCT = re.compile(r'<a href="(/products/[^"/]+/)">')
VIEWED = re.compile(r'data-viewed="(\d+)"')
RECENT = re.compile(r'hx-get="(/recently-viewed/[^"]+)"')
FIRST_SCREEN = 8
PAGES_OF_A_VISIT = 20
NUMBERS = itertools.count()
TURNS = itertools.count()
HTMX = {"HX-Request": "true"}


@events.request.add_listener
def _log(name: str, response_time: float, exception: Exception | None, **_rest: object) -> None:
    CLIENT.write(f"{name} {response_time:.2f} {'error' if exception else 'ok'}\n")


class Shopper(FastHttpUser):
    """Visits page after page; after every twenty pages, empties the browser's cache and cookies."""

    wait_time = between(*THINK_SECONDS) if THINK_SECONDS else constant(0)

    def on_start(self) -> None:
        self.rng = random.Random(f"{TARGETS['seed']} {next(NUMBERS)}")
        self.connections = Pool(6)
        self.clear_browser()

    def clear_browser(self) -> None:
        self.client.client.cookiejar.clear()
        self.seen: set[str] = set()
        self.links: list[str] = []
        self.pages = 0

    def get(self, kind: str, path: str, *, fragment: bool = False) -> str:
        headers = {"X-Kind": kind, "Accept-Encoding": "gzip", **(HTMX if fragment else {})}
        return str(self.client.get(path, name=kind, headers=headers).text or "")

    def open(self, kind: str, path: str, *, fragment: bool = False) -> None:
        text = self.get(kind, path, fragment=fragment)
        new = [name for name in dict.fromkeys(PICTURE.findall(text)) if name not in self.seen]
        for name in new[:FIRST_SCREEN]:
            self.seen.add(name)
            self.connections.spawn(self.get, "picture", name)
        if recent := RECENT.search(text):
            self.connections.spawn(self.get, "recently viewed", recent[1], fragment=True)
        if viewed := VIEWED.search(text):
            self.connections.spawn(self.count, viewed[1])
        self.connections.join()
        self.links = PRODUCT.findall(text) or self.links
        self.pages += 1
        if self.pages == PAGES_OF_A_VISIT:
            self.clear_browser()

    def count(self, product: str) -> None:
        data = {"event": [f"product,viewed,{product}"]}
        self.client.post("/events/", name="event", data=data, headers={"X-Kind": "event"})

    def choose(self, name: str) -> str:
        return str(self.rng.choice(TARGETS[name]))

    @task(1)
    def visit_page(self) -> None:
        mixed = self.rng.choices(list(MIX), list(MIX.values()))[0]
        kind = "product" if ALONE else mixed
        getattr(self, kind)()

    def home(self) -> None:
        self.open("home", "/")

    def category(self) -> None:
        self.open("listing", self.choose("categories"))

    def everything(self) -> None:
        self.open("listing", "/products/")

    def filters(self) -> None:
        """Open a list of products with one to three filters, as the filter form would."""
        base = self.choose("categories") if self.rng.random() < 0.7 else "/products/"
        choices = [
            f"gender={self.choose('genders')}",
            f"colour={quote_plus(self.choose('colours'))}",
            f"price_from={self.rng.randint(5, 40)}&price_to={self.rng.randint(45, 200)}",
        ]
        chosen = self.rng.sample(choices, self.rng.randint(1, 3))
        query = f"{base}?{'&'.join(chosen)}"
        self.open("filtered listing", query, fragment=self.rng.random() < 0.8)

    def sorted(self) -> None:
        sort = self.rng.choice(["price", "-price", "name"])
        self.open("sorted listing", f"{self.choose('categories')}?sort={sort}")

    def deep(self) -> None:
        """Open a page from the second half of the list of all products."""
        page = self.rng.randint(TARGETS["pages"] // 2, TARGETS["pages"])
        self.open("deep listing", f"/products/?page={page}")

    def words(self) -> None:
        self.open("search", f"/search/?q={quote_plus(self.choose('words'))}")

    def mistyped(self) -> None:
        self.open("mistyped search", f"/search/?q={quote_plus(self.choose('mistyped'))}")

    def product(self) -> None:
        if ALONE:
            path = TARGETS["alone"][next(TURNS) % ALONE]
        else:
            path = self.rng.choice(self.links) if self.links else self.choose("products")
        self.open("product", path)

    def refine(self) -> None:
        path = self.choose("products")
        self.open("more like this", f"{path}similar/?gender={self.choose('genders')}")

    def photo(self) -> None:
        self.open("photo results", self.choose("photos"))


# How many of 100 opened pages are of each kind.
MIX = {
    "home": 6,
    "category": 16,
    "everything": 4,
    "filters": 16,
    "sorted": 4,
    "deep": 3,
    "words": 11,
    "mistyped": 4,
    "product": 30,
    "refine": 3,
    "photo": 3,
}
