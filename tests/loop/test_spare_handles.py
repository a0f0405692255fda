"""Handles that were run are used again, where nobody can tell."""

import contextvars
import gc
import sys
import sysconfig
import weakref
from typing import Any

import pytest

from covet._native import Handle
from covet.loop import EventLoop, new_event_loop

uses_again = pytest.mark.skipif(
    bool(sysconfig.get_config_var("Py_GIL_DISABLED")), reason="threads without a lock share handles: none is used again"
)


def run_briefly(loop: EventLoop) -> None:
    loop.call_soon(loop.stop)
    loop.run_forever()


def handles_of(loop: EventLoop) -> list[Handle]:
    return [each for each in gc.get_objects() if type(each) is Handle and each._loop is loop]


@uses_again
def test_calls_of_a_later_turn_use_the_handles_of_an_earlier_one(loop: EventLoop) -> None:
    ran: list[int] = []
    for number in range(100):
        loop.call_soon(ran.append, number)
    run_briefly(loop)
    known = {id(each) for each in handles_of(loop)}
    for number in range(100):
        loop.call_soon(ran.append, number)
    assert {id(each) for each in handles_of(loop)} == known
    run_briefly(loop)
    assert ran == [*range(100), *range(100)]


def test_what_a_call_held_is_free_after_it(loop: EventLoop) -> None:
    class Thing:
        def method(self, _other: object) -> None:
            pass

    thing, other, variable = Thing(), Thing(), contextvars.ContextVar("variable", default=Thing())
    context = contextvars.copy_context()
    context.run(variable.set, kept := Thing())
    gone = [weakref.ref(thing), weakref.ref(other), weakref.ref(kept)]
    loop.call_soon(thing.method, other, context=context)
    del thing, other, kept, context
    run_briefly(loop)
    assert [each() for each in gone] == [None] * 3


def test_a_handle_that_somebody_has_stays_what_it_was(loop: EventLoop) -> None:
    ran: list[str] = []
    kept = loop.call_soon(ran.append, "kept")
    run_briefly(loop)
    others = [loop.call_soon(ran.append, f"other {number}") for number in range(3)]
    assert kept not in others
    assert (kept._callback, kept._args) == (ran.append, ("kept",))
    assert isinstance(kept.get_context(), contextvars.Context)
    kept.cancel()
    run_briefly(loop)
    assert ran == ["kept", "other 0", "other 1", "other 2"]
    assert not any(each.cancelled() for each in others)


def test_a_handle_to_which_there_is_a_weak_reference_is_not_used_again(loop: EventLoop) -> None:
    died: list[Any] = []
    weak = weakref.ref(loop.call_soon(int), died.append)
    run_briefly(loop)
    assert weak() is None
    assert died == [weak]


def test_a_handle_that_a_debugger_found_is_not_used_again(loop: EventLoop) -> None:
    found: list[Handle] = []

    def find() -> None:
        found.extend(handles_of(loop))

    loop.call_soon(int)
    run_briefly(loop)
    loop.call_soon(find)
    run_briefly(loop)
    assert find in [each._callback for each in found]
    again = [loop.call_soon(int) for _ in range(10)]
    assert not any(each in again for each in found)
    run_briefly(loop)


def test_a_cancelled_handle_that_is_used_again_is_not_cancelled(loop: EventLoop) -> None:
    ran: list[int] = []
    for _ in range(10):
        loop.call_soon(ran.append, 0).cancel()
    run_briefly(loop)
    handles = [loop.call_soon(ran.append, 1) for _ in range(10)]
    assert not any(each.cancelled() for each in handles)
    run_briefly(loop)
    assert ran == [1] * 10


def test_a_callback_that_fails_is_named_in_its_report(loop: EventLoop) -> None:
    reports: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _loop, context: reports.append(context))

    def fails() -> None:
        raise ValueError("no")

    for _ in range(2):
        loop.call_soon(fails)
        run_briefly(loop)
    assert ["fails" in repr(report["handle"]) for report in reports] == [True, True]
    assert reports[0]["handle"] is not reports[1]["handle"]


def test_debug_mode_knows_where_a_call_that_uses_a_handle_again_was_made(loop: EventLoop) -> None:
    loop.call_soon(int)
    run_briefly(loop)
    loop.set_debug(True)
    handle = loop.call_soon(int)
    assert handle._source_traceback is not None
    run_briefly(loop)
    loop.set_debug(False)
    assert loop.call_soon(int)._source_traceback is None
    run_briefly(loop)


@uses_again
def test_a_great_turn_does_not_leave_all_its_handles(loop: EventLoop) -> None:
    for _ in range(5_000):
        loop.call_soon(int)
    run_briefly(loop)
    assert 1_000 <= len(handles_of(loop)) <= 1_100


def test_a_closed_loop_keeps_none_and_dies_with_its_last_reference() -> None:
    gc.collect()
    gc.disable()
    try:
        loop = new_event_loop()
        for _ in range(10):
            loop.call_soon(int)
        run_briefly(loop)
        loop.close()
        assert handles_of(loop) == []
        assert sys.getrefcount(loop) <= 2
    finally:
        gc.enable()
