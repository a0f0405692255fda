"""Pauses before a crashed worker is tried again, without processes; with them in `test_supervisor`."""

import os
import select
import signal
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from covet._crew import FIRST_DELAY, LAST_DELAY, Crew
from covet._policy import Policy
from covet._processes import Worker
from covet.listeners import Sockets

pytestmark = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="the system has no memory files")


NOW = 1000.0
"""Always."""


def crash(crew: Crew, served: float | None = None) -> float:
    """The pause after a crash of its one worker, which was ready for so many seconds; None: never."""
    (place,) = crew.places
    reader, writer = os.pipe()
    os.close(writer)
    place.worker = Worker(1, reader, crew.board.take())
    place.worker.ready_since = None if served is None else NOW - served
    assert crew.ended(1, 9) is not None
    assert place.is_empty
    assert place.due is not None
    return round(place.due - NOW, 3)


@pytest.fixture
def crew(monkeypatch: pytest.MonkeyPatch) -> Iterator[Crew]:
    monkeypatch.setattr("covet._crew.time", SimpleNamespace(monotonic=lambda: NOW))
    made = Crew("none", [], Sockets(), Policy(1, {}), select.poll())
    yield made
    os.close(made.board.fd)


def test_pauses_double_up_to_the_last(crew: Crew) -> None:
    pauses = [crash(crew) for _ in range(9)]
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]
    assert (pauses[0], pauses[-1]) == (FIRST_DELAY, LAST_DELAY)
    assert not crew.has_given_up
    crash(crew)
    assert crew.has_given_up


def test_who_has_served_a_while_starts_over(crew: Crew) -> None:
    assert [crash(crew) for _ in range(3)] == [0.1, 0.2, 0.4]
    assert crash(crew, LAST_DELAY / 2) == 0.8
    assert crash(crew, LAST_DELAY * 2) == 0.1


class Told(Worker):
    """Keeps the signals that it is sent."""

    def __init__(self, pid: int, pipe: int, slot: int) -> None:
        super().__init__(pid, pipe, slot)
        self.signals: list[signal.Signals] = []

    def send(self, number: int) -> None:
        self.signals.append(signal.Signals(number))


@pytest.mark.parametrize("is_ending", [False, True])
def test_a_successor_that_gets_ready_in_a_drain_ends_nobody_twice(crew: Crew, is_ending: bool) -> None:
    """A second SIGTERM would cut what the worker before it still answers."""
    (place,) = crew.places
    pipes = [os.pipe(), os.pipe()]
    old, new = (Told(number, pipes[number][0], crew.board.take()) for number in range(2))
    old.ready_since = NOW
    place.worker, place.successor = old, new
    if is_ending:
        crew.end()
    os.write(pipes[1][1], b"ready")
    crew.hear(new.pipe)
    assert old.signals == [signal.SIGTERM]
    assert new.signals == [signal.SIGTERM] * is_ending
    assert (crew.leaving, place.worker) == ([old], new)
    for pair in pipes:
        for fd in pair:
            os.close(fd)
