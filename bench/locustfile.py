"""What a shopper does, for locust: ``bench/pages.py`` starts it and says where to go.

Every request names its kind in the header X-Kind, which gunicorn writes into its access log beside
the time it took. With each page come the pictures that this browser has not seen yet and that are
on its first screen, and what the page itself asks for.
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

PLACES = json.loads(Path(os.environ["BENCH_PLACES"]).read_text())
THINK = json.loads(os.environ["BENCH_THINK"])
# Only the first so many of the product pages.
ALONE = int(os.environ.get("BENCH_ALONE") or 0)
CLIENT = open(os.environ["BENCH_CLIENT"], "a", buffering=1)  # noqa: SIM115 - as long as locust runs
PICTURE = re.compile(r'<img\s+src="(/pictures/[^"]+)"')
PRODUCT = re.compile(r'<a href="(/products/[^"/]+/)">')
VIEWED = re.compile(r'data-viewed="(\d+)"')
RECENT = re.compile(r'hx-get="(/recently-viewed/[^"]+)"')
FIRST_SCREEN = 8
VISIT = 20
NUMBERS = itertools.count()
TURNS = itertools.count()
HTMX = {"HX-Request": "true"}


@events.request.add_listener
def _note(name: str, response_time: float, exception: Exception | None, **_rest: object) -> None:
    CLIENT.write(f"{name} {response_time:.2f} {'error' if exception else 'ok'}\n")


class Shopper(FastHttpUser):
    """Walks from page to page; after twenty of them another one comes with an empty browser."""

    wait_time = between(*THINK) if THINK else constant(0)

    def on_start(self) -> None:
        self.dice = random.Random(f"{PLACES['seed']} {next(NUMBERS)}")
        self.browser = Pool(6)
        self.arrive()

    def arrive(self) -> None:
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
            self.browser.spawn(self.get, "picture", name)
        if recent := RECENT.search(text):
            self.browser.spawn(self.get, "recently viewed", recent[1], fragment=True)
        if viewed := VIEWED.search(text):
            self.browser.spawn(self.count, viewed[1])
        self.browser.join()
        self.links = PRODUCT.findall(text) or self.links
        self.pages += 1
        if self.pages == VISIT:
            self.arrive()

    def count(self, product: str) -> None:
        data = {"event": [f"product,viewed,{product}"]}
        self.client.post("/events/", name="event", data=data, headers={"X-Kind": "event"})

    def any_of(self, name: str) -> str:
        return str(self.dice.choice(PLACES[name]))

    @task(1)
    def walk(self) -> None:
        mixed = self.dice.choices(list(MIX), list(MIX.values()))[0]
        kind = "product" if ALONE else mixed
        getattr(self, kind)()

    def home(self) -> None:
        self.open("home", "/")

    def category(self) -> None:
        self.open("listing", self.any_of("categories"))

    def everything(self) -> None:
        self.open("listing", "/products/")

    def filters(self) -> None:
        """One to three choices, as the filters' form sends them."""
        base = self.any_of("categories") if self.dice.random() < 0.7 else "/products/"
        choices = [
            f"gender={self.any_of('genders')}",
            f"colour={quote_plus(self.any_of('colours'))}",
            f"price_from={self.dice.randint(5, 40)}&price_to={self.dice.randint(45, 200)}",
        ]
        chosen = self.dice.sample(choices, self.dice.randint(1, 3))
        query = f"{base}?{'&'.join(chosen)}"
        self.open("filtered listing", query, fragment=self.dice.random() < 0.8)

    def sorted(self) -> None:
        sort = self.dice.choice(["price", "-price", "name"])
        self.open("sorted listing", f"{self.any_of('categories')}?sort={sort}")

    def deep(self) -> None:
        """Half of the way back or further through all products."""
        page = self.dice.randint(PLACES["pages"] // 2, PLACES["pages"])
        self.open("deep listing", f"/products/?page={page}")

    def words(self) -> None:
        self.open("search", f"/search/?q={quote_plus(self.any_of('words'))}")

    def mistyped(self) -> None:
        self.open("mistyped search", f"/search/?q={quote_plus(self.any_of('mistyped'))}")

    def product(self) -> None:
        if ALONE:
            path = PLACES["alone"][next(TURNS) % ALONE]
        else:
            path = self.dice.choice(self.links) if self.links else self.any_of("products")
        self.open("product", path)

    def steered(self) -> None:
        path = self.any_of("products")
        self.open("more like this", f"{path}similar/?gender={self.any_of('genders')}")

    def photo(self) -> None:
        self.open("photo results", self.any_of("photos"))


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
    "steered": 3,
    "photo": 3,
}
