from __future__ import annotations

import io
from collections.abc import Iterator
from threading import Event

import pytest
from django.db import OperationalError

from demo import progress
from demo.progress import Progress, follow_embedding


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """Advances by half a second on each wait, without waiting."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


class Waits(Event):
    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        self.clock.now += timeout or 0
        return self.is_set()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def _counting_down(clock: Clock, seconds: int) -> Iterator[tuple[int, int]]:
    end = clock.now + seconds
    while clock.now < end:
        yield round(end - clock.now), 30
    yield 0, 30


def test_a_terminal_shows_one_changing_line(clock: Clock) -> None:
    out, counts = Terminal(), _counting_down(clock, 1)
    follow_embedding(Waits(clock), Progress(out), lambda: next(counts))
    shown = out.getvalue()
    assert shown.count("\n") == 1
    assert shown.endswith("All 30 pictures are searchable.\n")
    assert "29 of 30 pictures are searchable …" in shown


def test_a_pipe_gets_a_line_every_ten_seconds(clock: Clock) -> None:
    out, counts = io.StringIO(), _counting_down(clock, 25)
    follow_embedding(Waits(clock), Progress(out), lambda: next(counts))
    assert out.getvalue().splitlines() == [
        "  5 of 30 pictures are searchable …",
        "  15 of 30 pictures are searchable …",
        "  25 of 30 pictures are searchable …",
        "  All 30 pictures are searchable.",
    ]


@pytest.mark.django_db
def test_progress_waits_for_a_lost_database(clock: Clock) -> None:
    answers = iter([OperationalError(), (3, 30), (0, 30)])

    def count() -> tuple[int, int]:
        answer = next(answers)
        if isinstance(answer, OperationalError):
            raise answer
        return answer

    out = Terminal()
    follow_embedding(Waits(clock), Progress(out), count)
    assert "The database is down; restarting it …" in out.getvalue()
    assert out.getvalue().endswith("All 30 pictures are searchable.\n")
