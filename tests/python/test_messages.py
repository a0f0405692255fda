"""What the server says on standard error arrives whole, or not at all where nobody is there."""

import io
import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from typing import TextIO

import pytest

from covet._messages import pass_on, say
from tests.faults.possessions import unread, until

LONG = "x" * 1_000_000
"""More than any pipe holds."""


class Listener:
    """The other end of standard error, read by a thread as soon as it is told to."""

    def __init__(self, *, buffered: bool) -> None:
        self.reader, self.writer = os.pipe()
        self.heard = b""
        raw = open(self.writer, "wb", buffering=-1 if buffered else 0)  # noqa: SIM115 - closed in `end`
        self.stream: TextIO = io.TextIOWrapper(raw, "utf-8", "backslashreplace", write_through=not buffered)
        self._begin = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        self._begin.wait()
        while piece := os.read(self.reader, 65536):
            self.heard += piece

    def begin(self) -> None:
        """Read from now on."""
        self._begin.set()

    def until_full(self) -> None:
        """Until who writes has to wait."""
        fill = select.poll()
        fill.register(self.writer, select.POLLOUT)
        until(lambda: not fill.poll(0) and unread(self.reader) > 0, "the pipe is full")

    def end(self) -> str:
        """All that was said."""
        self.begin()
        self.stream.close()
        self._thread.join()
        os.close(self.reader)
        return self.heard.decode()


@pytest.fixture(params=[False, True], ids=["unbuffered", "buffered"])
def listener(request: pytest.FixtureRequest) -> Iterator[Listener]:
    """With a stream as Python opens standard error: PYTHONUNBUFFERED leaves the buffer out."""
    made = Listener(buffered=request.param)
    yield made
    if not made.stream.closed:
        made.end()


def test_a_signal_cuts_no_message(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write into a full pipe ends early when a signal is handled: a supervisor's child may end at any time."""
    monkeypatch.setattr(sys, "stderr", listener.stream)
    handled = threading.Event()
    before = signal.signal(signal.SIGUSR1, lambda *_: handled.set())

    def interrupt() -> None:
        listener.until_full()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
        handled.wait()
        listener.begin()

    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    try:
        say(LONG, "a line\n")
    finally:
        interrupting.join()
        signal.signal(signal.SIGUSR1, before)
    assert listener.end() == f"covet: {LONG}\na line\n"


def test_a_pipe_that_does_not_wait_cuts_no_message(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who shares standard error with us may have made it non-blocking for all."""
    monkeypatch.setattr(sys, "stderr", listener.stream)
    os.set_blocking(listener.writer, False)

    def listen_late() -> None:
        listener.until_full()
        listener.begin()

    late = threading.Thread(target=listen_late)
    late.start()
    say(LONG)
    late.join()
    say("the next")
    assert listener.end() == f"covet: {LONG}\ncovet: the next\n"


def test_nobody_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left to be written at exit either, which would make another exit code."""
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", buffering=1) as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        say("into the void")
    monkeypatch.setattr(sys, "stderr", None)
    say("into nothing")


def test_a_stream_that_only_takes_text(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = io.StringIO()
    monkeypatch.setattr(sys, "stderr", taken)
    pass_on("as it is\n")
    assert taken.getvalue() == "as it is\n"


def test_what_the_encoding_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    with open(writer, "w", encoding="ascii") as stream, open(reader, "rb") as told:
        monkeypatch.setattr(sys, "stderr", stream)
        say("gr\u00fcn")
        assert told.readline() == b"covet: gr\\xfcn\n"
