"""The drain, in its numbers: readiness off at once, a delay, `Connection: close`, a quiet moment, a deadline, exit 0."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator

import pytest

from covet import Covet, Server
from covet import loop as covet_loop
from tests.faults.possessions import until
from tests.wire.connection import Connection, ask, request
from tests.wire.server_process import ServerProcess, running

APP = "tests.faults.app:main"
DELAY = 1.0


@pytest.fixture(params=["0", "2"])
def delayed(request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    """In this process or under a supervisor, with a delay."""
    with running(APP, "--workers", request.param, "--drain-delay", str(DELAY), "--drain-quiet", "0.1") as server:
        yield server


def is_ready(server: ServerProcess, path: str = "/ready") -> bool:
    """What a load balancer would be told, on a new connection."""
    return ask(server.port, "GET", path).body == b"true"


def test_readiness_goes_first_and_everything_else_goes_on(delayed: ServerProcess) -> None:
    with Connection(delayed.port) as kept:
        assert kept.ask("GET", "/ready").body == b"true"
        assert is_ready(delayed, "/ready-in-the-pool")
        began = time.monotonic()
        delayed.signal(signal.SIGTERM)
        until(lambda: not is_ready(delayed), "readiness is off, and a new connection was accepted to say so")
        assert not is_ready(delayed, "/ready-in-the-pool")
        answer = kept.ask("GET", "/ready")
        assert (answer.body, answer.closes) == (b"false", False)
        while not kept.ask("GET", "/ready").closes:
            pass
        assert time.monotonic() - began >= DELAY - 0.01, "connections are told after the delay"
    assert delayed.end() == 0
    assert time.monotonic() - began < DELAY + 20


def test_a_second_signal_ends_the_delay() -> None:
    for workers in ("0", "2"):
        with (
            running(APP, "--workers", workers, "--drain-delay", "600") as server,
            Connection(server.port) as kept,
        ):
            server.signal(signal.SIGTERM)
            until(lambda: kept.ask("GET", "/ready").body == b"false", "readiness is off")
            working = Connection(server.port)
            working.send(request("GET", "/sleep/0.3"))
            assert kept.ask("GET", "/ready").body == b"false"
            server.signal(signal.SIGTERM)
            answer = working.next_answer()
            assert answer.body == b"slept", "what works is finished"
            kept.socket.close()
            working.socket.close()
            assert server.end() == 0


@pytest.mark.parametrize("workers", ["0", "2"])
def test_without_a_delay_readiness_goes_with_the_drain(workers: str) -> None:
    with (
        running(APP, "--workers", workers, "--drain-quiet", "600") as server,
        Connection(server.port) as kept,
        Connection(server.port) as other,
    ):
        assert other.ask("GET", "/ready").body == b"true"
        assert kept.ask("GET", "/ready").body == b"true"
        server.signal(signal.SIGTERM)
        while not (answer := kept.ask("GET", "/ready")).closes:
            assert answer.body in (b"true", b"false")
        assert answer.body == b"false"
        other.send(request("GET", "/ready"))
        assert other.next_answer().closes
        assert server.end() == 0, "as soon as nothing is left, whatever the bounds are"


@pytest.mark.parametrize("workers", ["0", "2"])
def test_the_deadline_cuts_and_the_exit_is_well(workers: str) -> None:
    flags = ("--workers", workers, "--drain-timeout", "0.3", "--worker-timeout", "none")
    with running(APP, *flags) as server, Connection(server.port) as working:
        working.send(request("GET", "/sleep/600"))
        with Connection(server.port) as other:
            other.ask("GET", "/ready")
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        assert working.rest() == b"", "no answer at all"
        assert time.monotonic() - began >= 0.29
        assert server.end() == 0
        server.wait_for("cut 1 unfinished request\n")


def test_a_replaced_worker_is_not_ready_either() -> None:
    """For those connections that it still has."""
    with running(APP, "--drain-quiet", "600") as server, Connection(server.port) as kept:
        assert kept.ask("GET", "/ready").body == b"true"
        server.signal(signal.SIGHUP)
        server.wait_for("covet: replaced\n")
        kept.send(request("GET", "/ready"))
        answer = kept.next_answer()
        assert (answer.body, answer.closes) in [(b"false", True), (b"true", False)]
        while not answer.closes:
            answer = kept.ask("GET", "/ready")
        assert answer.body == b"false"
        assert is_ready(server), "the one that has followed is"
        server.stop()


def test_an_embedded_server_says_so() -> None:
    app = Covet()

    async def main() -> list[bool]:
        server = Server(app, port=0)
        seen = [server.is_draining]
        async with server:
            seen += [server.is_draining, app.is_draining]
            await asyncio.wait_for(server.drain(), 20)
            seen += [server.is_draining, app.is_draining]
        return seen

    assert covet_loop.run(main()) == [False, False, False, True, True]


@pytest.mark.skipif(not hasattr(os, "login_tty"), reason="no terminals here")
@pytest.mark.parametrize("ignored", [False, True])
def test_a_terminal_that_hangs_up(ignored: bool) -> None:  # noqa: FBT001 - a table's column
    """Ends the server, as it ends programs; not where the signal was ignored at the start, as nohup has it."""
    import fcntl
    import termios

    master, slave = os.openpty()

    def in_terminal() -> None:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        if ignored:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with running(APP, preexec_fn=in_terminal, pass_fds=[slave]) as server:
        os.close(slave)
        os.close(master)
        if ignored:
            server.wait_for("covet: replaced\n")
            until(lambda: is_ready(server), "ready again: the worker that leaves may have answered once more")
            server.stop()
        else:
            server.wait_for("draining; a second signal ends at once\n")
            assert server.end() == 0
