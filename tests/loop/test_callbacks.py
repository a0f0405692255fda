"""Callbacks, timers and handles: asyncio's contract of the scheduling methods."""

import asyncio
import contextvars
import gc
import logging
import time
import weakref
from typing import Any

import pytest

from covet._native import Handle, TimerHandle
from covet.loop import EventLoop, new_event_loop

Reports = list[dict[str, Any]]


def run_briefly(loop: EventLoop) -> None:
    loop.call_soon(loop.stop)
    loop.run_forever()


def test_callbacks_run_in_order_and_one_scheduled_meanwhile_waits_for_the_next_turn(loop: EventLoop) -> None:
    ran: list[str] = []

    def first() -> None:
        ran.append("first")
        loop.call_soon(ran.append, "nested")

    loop.call_soon(first)
    loop.call_soon(ran.append, "second")
    run_briefly(loop)
    assert ran == ["first", "second"]
    run_briefly(loop)
    assert ran == ["first", "second", "nested"]


def test_stop_before_the_run_still_runs_one_turn(loop: EventLoop) -> None:
    ran: list[int] = []
    loop.call_soon(ran.append, 1)
    loop.stop()
    loop.run_forever()
    assert ran == [1]


def test_timers_fire_in_order_and_not_before_their_time(loop: EventLoop) -> None:
    fired: list[tuple[str, float]] = []
    start = loop.time()

    def fire(name: str) -> None:
        fired.append((name, loop.time() - start))

    for name, delay in [("c", 0.03), ("a", 0.01), ("b", 0.02), ("now", 0), ("past", -1)]:
        loop.call_later(delay, fire, name)
    loop.call_at(start + 0.04, loop.stop)
    loop.run_forever()
    assert [name for name, _ in fired] == ["past", "now", "a", "b", "c"]
    assert [seconds >= due for (_, seconds), due in zip(fired, [0, 0, 0.01, 0.02, 0.03], strict=True)] == [True] * 5


def test_the_clock_is_time_monotonic(loop: EventLoop) -> None:
    before, now, after = time.monotonic(), loop.time(), time.monotonic()
    assert before <= now <= after


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda loop: loop.call_later(None, print), "delay must not be None"),
        (lambda loop: loop.call_at(None, print), "when cannot be None"),
    ],
)
def test_no_time_is_refused(loop: EventLoop, call: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call(loop)


@pytest.mark.parametrize("method", ["call_soon", "call_soon_threadsafe", "call_later", "call_at"])
def test_a_closed_loop_schedules_nothing(method: str) -> None:
    loop = new_event_loop()
    loop.close()
    args = [1] if method in ("call_later", "call_at") else []
    with pytest.raises(RuntimeError, match="Event loop is closed"):
        getattr(loop, method)(*args, print)
    with pytest.raises(RuntimeError, match="Event loop is closed"):
        loop.run_forever()
    loop.close()


def test_a_cancelled_callback_does_not_run_and_lets_its_arguments_go(loop: EventLoop) -> None:
    class Argument:
        pass

    argument = Argument()
    gone = weakref.ref(argument)
    handles = [loop.call_soon(print, argument), loop.call_later(0, print, argument)]
    del argument
    for handle in handles:
        assert not handle.cancelled()
        handle.cancel()
        handle.cancel()
        assert handle.cancelled()
        assert isinstance(handle, Handle)
        assert handle._callback is None
        assert handle._args is None
    assert gone() is None
    run_briefly(loop)


def test_a_callback_may_cancel_one_that_is_ready_and_itself(loop: EventLoop) -> None:
    ran: list[int] = []
    victim: asyncio.Handle

    def cancel() -> None:
        own.cancel()
        victim.cancel()

    own = loop.call_soon(cancel)
    victim = loop.call_soon(ran.append, 1)
    run_briefly(loop)
    assert ran == []


def test_cancelled_timers_do_not_pile_up(loop: EventLoop) -> None:
    async def main() -> int:
        made = []
        for _ in range(1000):
            timer = loop.call_later(3600, print)
            timer.cancel()
            made.append(weakref.ref(timer))
        await asyncio.sleep(0)
        return sum(timer() is not None for timer in made)

    # asyncio's rule: searched when they are more than half of more than a hundred.
    assert loop.run_until_complete(main()) <= 101


def test_a_cancelled_timer_at_the_head_goes_in_the_next_turn(loop: EventLoop) -> None:
    async def main() -> bool:
        timer = loop.call_later(3600, print)
        gone = weakref.ref(timer)
        timer.cancel()
        assert loop._timer_cancelled_count == 1
        del timer
        await asyncio.sleep(0)
        return gone() is None

    assert loop.run_until_complete(main())
    assert loop._timer_cancelled_count == 0


def test_timer_handles_compare_and_hash_by_their_time(loop: EventLoop) -> None:
    early, late = loop.call_at(10, print, 1), loop.call_at(20, print, 1)
    twin = loop.call_at(10, print, 1)
    assert (early.when(), late.when()) == (10, 20)
    assert early < late and early <= late and late > early and late >= early
    assert early == twin and early <= twin and early >= twin and hash(early) == hash(twin) == hash(10.0)
    assert early != late and early != 10
    twin.cancel()
    assert early != twin
    with pytest.raises(TypeError):
        _ = early < 10  # type: ignore[operator]


def test_handles_show_what_they_call(loop: EventLoop) -> None:
    handle, timer = loop.call_soon(run_briefly, loop), loop.call_at(5, run_briefly, loop)
    assert repr(handle).startswith("<Handle run_briefly(")
    assert f"at {__file__}:" in repr(handle)
    assert repr(timer).startswith("<TimerHandle when=5.0 run_briefly(")
    handle.cancel()
    timer.cancel()
    assert (repr(handle), repr(timer)) == ("<Handle cancelled>", "<TimerHandle cancelled when=5.0>")


var: contextvars.ContextVar[str] = contextvars.ContextVar("var", default="unset")


def test_a_callback_runs_in_a_copy_of_the_context_or_in_the_one_given(loop: EventLoop) -> None:
    seen: list[tuple[str, str]] = []

    def look(name: str) -> None:
        seen.append((name, var.get()))
        var.set(name)

    given = contextvars.Context()
    given.run(var.set, "given")
    var.set("outer")
    handles = [
        loop.call_soon(look, "copied"),
        loop.call_soon(look, "passed", context=given),
        loop.call_later(0, look, "later", context=given),
        loop.call_soon_threadsafe(look, "threadsafe"),
    ]
    var.set("changed")
    loop.call_later(0.001, loop.stop)
    loop.run_forever()
    assert sorted(seen) == [("copied", "outer"), ("later", "passed"), ("passed", "given"), ("threadsafe", "outer")]
    assert var.get() == "changed"
    assert handles[1].get_context() is given and handles[0].get_context()[var] == "copied"


def test_a_callback_in_an_entered_context_is_reported(loop: EventLoop, caplog: pytest.LogCaptureFixture) -> None:
    context = contextvars.Context()
    ran: list[int] = []
    loop.call_soon(ran.append, 1, context=context)
    context.run(run_briefly, loop)
    assert ran == []
    assert "is already entered" in caplog.text


def test_an_exception_goes_to_the_handler_with_asyncios_words(loop: EventLoop, reports: Reports) -> None:
    def fails() -> None:
        raise ValueError("on purpose")

    handle = loop.call_soon(fails)
    ran: list[int] = []
    loop.call_soon(ran.append, 1)
    run_briefly(loop)
    (report,) = reports
    assert str(report["message"]).startswith("Exception in callback test_an_exception_goes_")
    assert isinstance(report["exception"], ValueError)
    assert report["handle"] is handle
    assert ran == [1]


def test_a_base_exception_other_than_the_two_is_reported_as_well(loop: EventLoop, reports: Reports) -> None:
    class Odd(BaseException):
        pass

    def fails() -> None:
        raise Odd

    loop.call_soon(fails)
    run_briefly(loop)
    assert [type(report["exception"]) for report in reports] == [Odd]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("how", ["callback", "timer", "task", "exception handler"])
def test_keyboard_interrupt_and_system_exit_leave_run_forever(
    loop: EventLoop, error: type[BaseException], how: str
) -> None:
    ran: list[int] = []

    def fails(*_: object) -> None:
        raise error

    async def task() -> None:
        raise error

    def odd() -> None:
        raise ValueError

    if how == "task":
        keep = loop.create_task(task())
    elif how == "timer":
        loop.call_later(0, fails)
    elif how == "callback":
        loop.call_soon(fails)
    else:
        loop.set_exception_handler(fails)
        loop.call_soon(odd)
    loop.call_later(0.001, ran.append, 1)
    with pytest.raises(error):
        loop.run_forever()
    assert not loop.is_running()
    # What had not run yet runs next time.
    loop.call_later(0.01, loop.stop)
    loop.run_forever()
    assert ran == [1]
    if how == "task":
        assert isinstance(keep.exception(), error)


def test_debug_mode_checks_threads_and_callbacks_and_remembers_where(loop: EventLoop, reports: Reports) -> None:
    loop.set_debug(True)

    async def coroutine() -> None: ...

    bad_callbacks: list[Any] = [coroutine, 5]
    for bad in bad_callbacks:
        with pytest.raises(TypeError):
            loop.call_soon(bad)
        with pytest.raises(TypeError):
            loop.call_later(1, bad)
        with pytest.raises(TypeError):
            loop.call_soon_threadsafe(bad)

    def fails() -> None:
        raise ValueError

    handle = loop.call_soon(fails)
    assert isinstance(handle, Handle)
    assert handle._source_traceback is not None
    assert handle._source_traceback[-1].name == "test_debug_mode_checks_threads_and_callbacks_and_remembers_where"
    assert f"created at {__file__}:" in repr(handle)
    later = loop.call_later(1, fails)
    assert isinstance(later, TimerHandle)
    assert later._source_traceback is not None
    assert later._source_traceback[-1].filename == __file__
    later.cancel()
    assert "fails" in repr(later)

    async def main() -> None:
        with pytest.raises(RuntimeError, match="Non-thread-safe operation"):
            await loop.run_in_executor(None, loop.call_soon, print)

    loop.run_until_complete(main())
    assert reports[0]["source_traceback"] is handle._source_traceback


def test_debug_mode_reports_a_slow_callback(loop: EventLoop, caplog: pytest.LogCaptureFixture) -> None:
    loop.set_debug(True)
    loop.slow_callback_duration = 0.0

    def slow() -> None: ...

    with caplog.at_level(logging.WARNING, "asyncio"):
        loop.call_soon(slow)
        run_briefly(loop)
    assert any("slow() at" in record.message and "took 0.0" in record.message for record in caplog.records)


def test_debug_mode_tracks_where_a_coroutine_was_made_only_while_it_runs(loop: EventLoop) -> None:
    async def coroutine() -> None: ...

    async def main() -> object:
        made = coroutine()
        await made
        return getattr(made, "cr_origin", None)

    loop.set_debug(True)
    assert loop.run_until_complete(main())
    outside = coroutine()
    outside.close()
    assert getattr(outside, "cr_origin", "no such attribute") is None


def test_a_loop_in_a_cycle_is_collected_and_warned_about() -> None:
    def make() -> weakref.ref[EventLoop]:
        loop = new_event_loop()
        loop.call_soon(print, loop)
        loop.call_later(3600, print, loop).cancelled()
        return weakref.ref(loop)

    with pytest.warns(ResourceWarning, match="unclosed event loop"):
        gone = make()
        gc.collect()
    assert gone() is None


def test_a_loop_that_ran_is_collected_as_well() -> None:
    def make() -> weakref.ref[EventLoop]:
        loop = new_event_loop()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
        return weakref.ref(loop)

    gone = make()
    gc.collect()
    assert gone() is None


def test_a_handle_in_a_cycle_is_collected(loop: EventLoop) -> None:
    class Node:
        handle: object

    node = Node()
    node.handle = loop.call_later(3600, setattr, node, "x", 1)
    gone = weakref.ref(node)
    loop._discard()
    del node
    gc.collect()
    assert gone() is None


def test_the_loop_shows_its_state(loop: EventLoop) -> None:
    assert repr(loop) == "<EventLoop running=False closed=False debug=False>"

    async def main() -> str:
        return repr(asyncio.get_running_loop())

    assert loop.run_until_complete(main()) == "<EventLoop running=True closed=False debug=False>"


def test_the_ways_to_write_a_call(loop: EventLoop) -> None:
    """Asyncio's own way is read without parsing; the others mean the same."""
    seen: list[Any] = []
    variable = contextvars.ContextVar("variable", default="outside")
    context = contextvars.copy_context()
    context.run(variable.set, "inside")

    def note(*words: str) -> None:
        seen.append((*words, variable.get()))

    soon: Any = loop.call_soon
    soon(note)
    soon(note, "a", "b", context=context)
    soon(note, "c", context=None)
    soon(callback=note, context=context)
    soon(callback=note)
    soon(*[note, "d"], **{"con" + "text": context})
    EventLoop.call_soon(loop, note, "e").cancel()
    loop.call_soon(loop.stop)
    loop.run_forever()
    inside, outside = "inside", "outside"
    assert seen == [(outside,), ("a", "b", inside), ("c", outside), (inside,), (outside,), ("d", inside)]
    for wrong in (
        lambda: soon(),
        lambda: soon(note, other=1),
        lambda: soon(note, context=context, other=1),
        lambda: soon(context=context),
        lambda: EventLoop.call_soon(5, note),  # type: ignore[arg-type, misc]
    ):
        with pytest.raises(TypeError):
            wrong()
