"""Search continuously, and check each result against the model that was active then."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import cycle
from pathlib import Path

PATIENCE_SECONDS = 30
# Pauses, to leave the worker some of the CPU.
PAUSE_SECONDS = 0.05
CARD = re.compile(r'data-product-id="(\d+)"')


@dataclass(frozen=True)
class Answer:
    """Holds the results for ``subject``; the times are of the monotonic clock."""

    kind: str
    subject: str
    began: float
    ended: float
    five: tuple[int, ...]


@dataclass(frozen=True)
class Flip:
    """Holds two times between which the model became active."""

    model: str
    began: float
    ended: float


class _Unix(HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=PATIENCE_SECONDS)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


@dataclass
class Searchers:
    """Runs threads that search through a web server's socket until ``stop``."""

    web: Path
    answers: list[Answer] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    longest_wait: float = 0.0
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def ask(self, path: str, body: object = None, *, expected: int = 200) -> str:
        connection = _Unix(self.web)
        data = None if body is None else json.dumps(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            connection.request("GET" if body is None else "POST", path, data, headers)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        assert response.status == expected, f"{path}: {response.status} {text[-2000:]}"
        return text

    def start(self, search: Callable[[], None]) -> None:
        def run() -> None:
            while not self._stopping.is_set():
                try:
                    search()
                except Exception as error:  # because any error is a failure
                    self.wrong.append(f"{search}: {error!r}")
                time.sleep(PAUSE_SECONDS)

        self._threads.append(threading.Thread(target=run))
        self._threads[-1].start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def pages(self, slugs: dict[int, str]) -> Callable[[], None]:
        """Request each product's page in turn."""
        keys = cycle(slugs)

        def search() -> None:
            key = next(keys)
            began = time.monotonic()
            page = self.ask(f"/products/{slugs[key]}/")
            strip = page.split('data-block="similar"')[1].split("</section>")[0]
            self._record("page", f"product {key}", began, CARD.findall(strip))

        return search

    def programs(self, ids: list[int]) -> Callable[[], None]:
        """Request each product's similar items from the API in turn."""
        keys = cycle(ids)

        def search() -> None:
            key = next(keys)
            began = time.monotonic()
            found = json.loads(self.ask(f"/api/v1/products/{key}/similar/"))
            self._record("API", f"product {key}", began, [one["id"] for one in found])

        return search

    def new_photos(self, photos: dict[str, bytes]) -> Callable[[], None]:
        """Send a photo through the API and read the page of its results."""
        subjects = cycle(photos)

        def search() -> None:
            subject = next(subjects)
            self._results("new photo", subject, self.send(photos[subject]))

        return search

    def old_photos(self, sent: dict[str, str]) -> Callable[[], None]:
        """Request the results of photos that were sent before."""
        subjects = cycle(sent)

        def search() -> None:
            subject = next(subjects)
            self._results("old photo", subject, sent[subject])

        return search

    def send(self, photo: bytes) -> str:
        """Upload a photo and return its id."""
        body = {"photo": b64encode(photo).decode()}
        return str(json.loads(self.ask("/api/v1/image-searches/", body, expected=201))["id"])

    def _results(self, kind: str, subject: str, photo: str) -> None:
        """Record the results, polling like a browser until the worker has finished."""
        first = time.monotonic()
        while True:
            began = time.monotonic()
            page = self.ask(f"/photo-search/{photo}/")
            if 'data-state="waiting"' not in page:
                break
            assert time.monotonic() - first < PATIENCE_SECONDS, f"photo {photo} waits for ever"
        self.longest_wait = max(self.longest_wait, time.monotonic() - first)
        assert 'data-state="ready"' in page, page[-2000:]
        results = page.split('data-block="photo"')[1].split("</section>")[0]
        self._record(kind, subject, began, CARD.findall(results))

    def _record(self, kind: str, subject: str, began: float, found: list[str] | list[int]) -> None:
        five = tuple(int(pk) for pk in found)
        self.answers.append(Answer(kind, subject, began, time.monotonic(), five))


def wrong_results(
    answers: list[Answer], flips: list[Flip], fives: dict[str, dict[str, list[int]]]
) -> list[str]:
    """Return the wrong results; ``fives[model][subject]`` is right while the model is active."""
    ends = [flip.ended for flip in flips[1:]] + [float("inf")]
    wrong = []
    for answer in answers:
        served = [
            flip.model
            for flip, end in zip(flips, ends, strict=True)
            if flip.began <= answer.ended and answer.began <= end
        ]
        if not any(fives[model][answer.subject] == list(answer.five) for model in served):
            known = [m for m in fives if fives[m][answer.subject] == list(answer.five)]
            wrong.append(f"{answer}: {served} served, this is {known or 'of none'}")
    return wrong
