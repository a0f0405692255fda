"""Signals: whatever handler Python has, a signal ends the park, on whichever thread it lands."""

import asyncio
import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from covet.loop import EventLoop, run

Then = Callable[..., Callable[..., None]]

pytestmark = pytest.mark.usefixtures("restored_signals")


def signal_soon(number: int) -> None:
    """Let the kernel send this process a signal once the loop sleeps."""
    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), number))
    signal.setitimer(signal.ITIMER_REAL, 0.01)


@contextlib.contextmanager
def signal_on_another_thread(number: int) -> Iterator[None]:
    """Send a signal to a Python thread that is not the main one, once the loop sleeps."""
    done = threading.Event()
    idle = threading.Thread(target=done.wait)
    idle.start()
    assert idle.ident is not None
    timer = threading.Timer(0.01, signal.pthread_kill, (idle.ident, number))
    timer.start()
    yield
    timer.join()
    done.set()
    idle.join()


def test_a_plain_signal_handler_ends_the_park(loop: EventLoop, then_stop: Then) -> None:
    hits: list[int] = []
    signal.signal(signal.SIGALRM, then_stop(hits.append, 1))
    for _ in range(10):
        signal.setitimer(signal.ITIMER_REAL, 0.005)
        loop.run_forever()
    assert hits == [1] * 10


def test_a_signal_that_lands_on_another_thread_ends_the_park(loop: EventLoop, then_stop: Then) -> None:
    hits: list[int] = []
    signal.signal(signal.SIGUSR1, then_stop(hits.append, 1))
    for _ in range(10):
        with signal_on_another_thread(signal.SIGUSR1):
            loop.run_forever()
    assert hits == [1] * 10


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError])
def test_a_handler_that_raises_leaves_run_forever(loop: EventLoop, error: type[BaseException]) -> None:
    def handler(*_: object) -> None:
        raise error

    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    with pytest.raises(error):
        loop.run_forever()
    loop.run_until_complete(asyncio.sleep(0))


def test_keyboard_interrupt_cancels_the_main_task_of_run() -> None:
    cancelled: list[int] = []

    async def main() -> None:
        signal_soon(signal.SIGINT)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(1)
            raise

    with pytest.raises(KeyboardInterrupt):
        run(main())
    assert cancelled == [1]


def test_keyboard_interrupt_ends_a_busy_loop(loop: EventLoop) -> None:
    def spin() -> None:
        loop.call_soon(spin)

    loop.call_soon(spin)
    signal_soon(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        loop.run_forever()


def test_asyncios_signal_handlers_work_and_leave_the_plain_ones_working(loop: EventLoop, then_stop: Then) -> None:
    seen: list[str] = []
    signal.signal(signal.SIGUSR2, then_stop(seen.append, "plain"))
    loop.add_signal_handler(signal.SIGUSR1, then_stop(seen.append, "asyncio"))
    signal_soon(signal.SIGUSR1)
    loop.run_forever()

    def remove() -> None:
        assert loop.remove_signal_handler(signal.SIGUSR1)
        assert not loop.remove_signal_handler(signal.SIGUSR1)

    for _ in range(10):
        loop.add_signal_handler(signal.SIGUSR1, print)
        loop.call_soon(remove)
        with signal_on_another_thread(signal.SIGUSR2):
            loop.run_forever()
    assert seen == ["asyncio"] + ["plain"] * 10


def test_the_wakeup_descriptor_is_only_borrowed(loop: EventLoop) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        signal.set_wakeup_fd(ours.fileno())
        loop.run_until_complete(asyncio.sleep(0))
        assert signal.set_wakeup_fd(-1) == ours.fileno()

    async def look() -> int:
        descriptor = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(descriptor)
        return descriptor

    assert loop.run_until_complete(look()) == loop._csock.fileno()
    assert signal.set_wakeup_fd(-1) == -1
