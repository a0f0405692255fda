"""asyncio's own programs on the loop: tasks, timeouts, groups, generators, the runner."""

import asyncio
import contextvars
import gc
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from covet.loop import EventLoop, new_event_loop, run

Reports = list[dict[str, Any]]


def test_run_returns_the_result_and_closes_the_loop() -> None:
    async def main() -> EventLoop:
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, EventLoop) and loop.is_running() and not loop.get_debug()
        return loop

    assert run(main()).is_closed()


def test_run_passes_debug_and_exceptions_on() -> None:
    async def main() -> None:
        assert asyncio.get_running_loop().get_debug()
        raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        run(main(), debug=True)


def test_run_inside_a_running_loop_is_refused() -> None:
    async def main() -> None:
        other = new_event_loop()
        coroutine = asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="another loop is running"):
            other.run_until_complete(coroutine)
        with pytest.raises(RuntimeError, match="already running"):
            asyncio.get_running_loop().run_forever()
        coroutine.close()
        other.close()
        # Refused, and this loop still runs.
        await asyncio.sleep(0)

    run(main())


def test_run_under_a_running_loop_is_refused_before_it_makes_one(recwarn: pytest.WarningsRecorder) -> None:
    async def main() -> None:
        coroutine = asyncio.sleep(0)
        with pytest.raises(RuntimeError, match=r"^covet\.loop\.run\(\) cannot be called from a running event loop$"):
            run(coroutine)
        coroutine.close()
        gc.collect()

    run(main())
    assert not recwarn.list


def test_a_second_drive_on_the_thread_is_refused_even_behind_asyncios_back(loop: EventLoop) -> None:
    async def main() -> None:
        other = new_event_loop()
        asyncio._set_running_loop(None)
        try:
            with pytest.raises(RuntimeError, match="drives a covet.loop already"):
                other.run_forever()
        finally:
            asyncio._set_running_loop(loop)
            other.close()
        await asyncio.sleep(0)

    loop.run_until_complete(main())


def test_tasks_take_turns() -> None:
    trace: list[str] = []

    async def worker(name: str) -> str:
        for step in range(3):
            trace.append(f"{name}{step}")
            await asyncio.sleep(0)
        return name

    async def main() -> list[str]:
        return list(await asyncio.gather(worker("a"), worker("b")))

    assert run(main()) == ["a", "b"]
    assert trace == ["a0", "b0", "a1", "b1", "a2", "b2"]


def test_a_timeout_cancels_what_it_guards() -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        async with asyncio.timeout(60) as scope:
            await asyncio.sleep(0)
        assert not scope.expired()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 0.01)

    run(main())


def test_a_task_group_cancels_the_others_when_one_fails() -> None:
    cancelled: list[str] = []

    async def waits(name: str) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(name)
            raise

    async def fails() -> None:
        await asyncio.sleep(0)
        raise ValueError

    async def main() -> None:
        with pytest.raises(ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                group.create_task(waits("a"))
                group.create_task(waits("b"))
                group.create_task(fails())

    run(main())
    assert sorted(cancelled) == ["a", "b"]


var: contextvars.ContextVar[int] = contextvars.ContextVar("var", default=0)


def test_each_task_has_a_context_of_its_own() -> None:
    async def child(value: int) -> int:
        var.set(value)
        await asyncio.sleep(0)
        return var.get()

    async def main() -> tuple[list[int], int]:
        var.set(7)
        return await asyncio.gather(*map(child, range(3))), var.get()

    assert run(main()) == ([0, 1, 2], 7)


def test_a_lost_exception_is_reported_when_the_task_is_collected(loop: EventLoop, reports: Reports) -> None:
    async def fails() -> None:
        raise ValueError

    async def main() -> None:
        loop.create_task(fails())
        await asyncio.sleep(0.001)
        gc.collect()

    loop.run_until_complete(main())
    assert [report["message"] for report in reports] == ["Task exception was never retrieved"]


def test_an_async_generator_left_half_way_is_closed() -> None:
    closed: list[str] = []

    async def numbers(name: str) -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(0)
            closed.append(name)

    async def main() -> None:
        async for _ in numbers("collected"):
            break
        gc.collect()
        await asyncio.sleep(0.01)
        assert closed == ["collected"]
        kept.append(numbers("shut down"))
        await anext(kept[0])

    kept: list[Any] = []
    hooks = sys.get_asyncgen_hooks()
    run(main())
    assert closed == ["collected", "shut down"]
    assert sys.get_asyncgen_hooks() == hooks


def test_a_future_stopped_before_it_is_done_is_an_error(loop: EventLoop) -> None:
    loop.call_soon(loop.stop)
    with pytest.raises(RuntimeError, match="stopped before Future completed"):
        loop.run_until_complete(loop.create_future())


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks are new in 3.12")
class TestEagerTasks:
    def test_one_that_ends_at_once_leaves_nothing_on_the_loop(self, loop: EventLoop) -> None:
        async def answers() -> int:
            return 7

        scheduled: list[object] = []

        def start() -> None:
            loop.call_soon = lambda *args, **words: scheduled.append(args)  # type: ignore[assignment, method-assign]
            task = asyncio.Task(answers(), loop=loop, eager_start=True)
            del loop.call_soon
            assert task.done() and task.result() == 7
            loop.stop()

        loop.call_soon(start)
        loop.run_forever()
        assert scheduled == []

    def test_the_factory_of_eager_tasks_works(self, loop: EventLoop) -> None:
        loop.set_task_factory(asyncio.eager_task_factory)

        async def child() -> asyncio.Task[Any] | None:
            return asyncio.current_task()

        async def main() -> bool:
            task = asyncio.create_task(child())
            return task.done() and await task is task and asyncio.current_task() is not task

        assert loop.run_until_complete(main())


def test_debug_mode_that_begins_while_tasks_wait(loop: EventLoop, reports: Reports) -> None:
    async def one() -> str:
        await asyncio.sleep(0)
        return "done"

    async def main() -> list[str]:
        tasks = [asyncio.ensure_future(one()) for _ in range(3)]
        loop.set_debug(True)
        return await asyncio.gather(*tasks)

    assert loop.run_until_complete(main()) == ["done"] * 3
    assert not reports


def test_a_step_that_cannot_be_made_is_reported_with_a_handle(loop: EventLoop, reports: Reports) -> None:
    context = contextvars.copy_context()

    callback: list[Any] = []

    class Probe:
        def get_debug(self) -> bool:
            return False

        def call_soon(self, step: Any, *_: object, context: Any = None) -> None:
            callback.append(step)

    coroutine = asyncio.sleep(0)
    task = asyncio.Task(coroutine, loop=Probe())  # type: ignore[arg-type]
    assert loop.call_soon(callback[0], "too much", context=context) is None, "a step needs no handle"
    loop.call_soon(loop.stop)
    loop.run_forever()
    (report,) = reports
    assert isinstance(report["exception"], TypeError) and "Exception in callback" in report["message"]
    assert report["handle"]._callback is callback[0]
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    coroutine.close()
