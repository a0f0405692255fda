"""What `call_soon_threadsafe` returns: a handle that another thread may cancel at any moment."""

import asyncio
import sys
import threading
from typing import Any

import pytest

from covet.loop import EventLoop, new_event_loop

PATIENCE = 20
MOMENT = 0.1

waits_for_callbacks = pytest.mark.skipif(sys.version_info < (3, 14), reason="asyncio's cancel() waits since 3.14")


def run_briefly(loop: EventLoop) -> None:
    loop.call_soon(loop.stop)
    loop.run_forever()


def cancelled_while_it_runs(loop: asyncio.AbstractEventLoop) -> tuple[asyncio.Handle, bool]:
    """The handle of a callback that another thread cancels meanwhile; whether `cancel()` returned before its end."""
    given: list[asyncio.Handle] = []
    runs, cancels, returned = threading.Event(), threading.Event(), threading.Event()
    early: list[bool] = []

    def callback() -> None:
        runs.set()
        assert cancels.wait(PATIENCE)
        early.append(returned.wait(MOMENT))

    def cancel() -> None:
        given.append(loop.call_soon_threadsafe(callback))
        assert runs.wait(PATIENCE)
        cancels.set()
        given[0].cancel()
        returned.set()
        loop.call_soon_threadsafe(loop.stop)

    thread = threading.Thread(target=cancel)
    thread.start()
    loop.run_forever()
    thread.join()
    return given[0], early[0]


@waits_for_callbacks
def test_a_cancel_from_another_thread_waits_for_a_callback_that_runs(loop: EventLoop) -> None:
    handle, early = cancelled_while_it_runs(loop)
    assert not early
    assert handle.cancelled()


def test_one_that_was_cancelled_does_not_run(loop: EventLoop) -> None:
    ran: list[int] = []
    first = loop.call_soon_threadsafe(ran.append, 1)
    loop.call_soon_threadsafe(ran.append, 2)
    thread = threading.Thread(target=first.cancel)
    thread.start()
    thread.join()
    run_briefly(loop)
    assert ran == [2]


def test_a_callback_cancels_itself(loop: EventLoop) -> None:
    handles: list[asyncio.Handle] = []
    seen: list[bool] = []

    def callback() -> None:
        handles[0].cancel()
        seen.append(handles[0].cancelled())

    handles.append(loop.call_soon_threadsafe(callback))
    run_briefly(loop)
    assert seen == [True]


def test_a_failure_is_reported_with_the_handle(loop: EventLoop, reports: list[dict[str, Any]]) -> None:
    def fails() -> None:
        raise ValueError("on purpose")

    handle = loop.call_soon_threadsafe(fails)
    run_briefly(loop)
    assert [report["handle"] for report in reports] == [handle]
    assert str(reports[0]["exception"]) == "on purpose"
    assert "fails" in reports[0]["message"]


def test_what_must_end_the_loop_does(loop: EventLoop) -> None:
    def leaves() -> None:
        raise SystemExit(3)

    loop.call_soon_threadsafe(leaves)
    with pytest.raises(SystemExit):
        loop.run_forever()


def test_debug_mode_remembers_who_called(loop: EventLoop) -> None:
    loop.set_debug(True)
    handle: Any = loop.call_soon_threadsafe(print)
    assert handle._source_traceback[-1].name == "test_debug_mode_remembers_who_called"
    assert f"created at {__file__}:" in repr(handle)
    handle.cancel()
    assert "print" in repr(handle)
    run_briefly(loop)


def test_a_closed_loop_refuses() -> None:
    closed = new_event_loop()
    closed.close()
    with pytest.raises(RuntimeError, match="Event loop is closed"):
        closed.call_soon_threadsafe(print)
