"""asyncio's set of the tasks that live: what the loop does about its cost changes nothing of what is seen of it."""

import asyncio
import gc
import subprocess
import sys
import weakref
from typing import Any

import pytest

from covet.loop import EventLoop

native: Any = pytest.importorskip("_asyncio")
registry: Any = getattr(native, "_scheduled_tasks", getattr(native, "_all_tasks", None))
pytestmark = pytest.mark.skipif(type(registry) is not weakref.WeakSet, reason="asyncio counts its tasks in C")


def run_apart(code: str) -> str:
    """What a program prints that has not made a loop of ours yet."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_task_costs_no_python_frame(loop: EventLoop) -> None:
    seen: list[str] = []

    def watch(frame: Any, event: str, _argument: object) -> None:
        if event == "call":
            seen.append(frame.f_code.co_filename)

    async def nothing() -> None:
        pass

    async def main() -> None:
        sys.setprofile(watch)
        try:
            await loop.create_task(nothing())
        finally:
            sys.setprofile(None)

    loop.run_until_complete(main())
    assert __file__ in seen
    assert not any("_weakrefset" in file for file in seen)


def test_tasks_are_known_while_they_live(loop: EventLoop) -> None:
    async def main() -> None:
        event = asyncio.Event()
        tasks = {loop.create_task(event.wait()) for _ in range(100)}
        assert asyncio.all_tasks() - tasks == {asyncio.current_task()}
        assert tasks <= set(registry)
        assert all(task in registry for task in tasks)
        event.set()
        await asyncio.gather(*tasks)
        count = len(registry)
        tasks.clear()
        await asyncio.sleep(0)
        gc.collect()
        assert len(registry) <= count - 100

    loop.run_until_complete(main())


def test_tasks_that_die_during_an_iteration_are_forgotten_after_it(loop: EventLoop) -> None:
    async def nothing() -> None:
        pass

    async def main() -> None:
        tasks = [loop.create_task(nothing()) for _ in range(50)]
        await asyncio.gather(*tasks)
        await asyncio.sleep(0)
        gc.collect()
        before = len(registry.data)
        iterating = iter(registry)
        next(iterating)
        tasks.clear()
        gc.collect()
        assert len(registry.data) == before, "who iterates finds no hole"
        assert len(registry._pending_removals) >= 49
        assert len(registry) <= before - 49
        await loop.create_task(nothing())
        assert not registry._pending_removals, "the next task clears up, as the class does"
        assert len(registry.data) <= before - 48
        iterating.close()

    loop.run_until_complete(main())


def test_what_was_there_before_the_first_loop_stays_there() -> None:
    code = """
import asyncio, gc
async def wait(event):
    await event.wait()
async def main(registry, before):
    from covet.loop import new_event_loop
    event = asyncio.Event()
    old = asyncio.create_task(wait(event))
    await asyncio.sleep(0)
    known = len(registry)
    new_event_loop().close()
    assert "add" in vars(registry) and "add" not in before
    new = asyncio.create_task(wait(event))
    assert asyncio.all_tasks() == {old, new, asyncio.current_task()}
    event.set()
    await asyncio.gather(old, new)
    del old, new
    gc.collect()
    await asyncio.sleep(0)
    print(known, len(registry))
import _asyncio
registry = getattr(_asyncio, "_scheduled_tasks", None)
registry = _asyncio._all_tasks if registry is None else registry
asyncio.run(main(registry, dict(vars(registry))))
"""
    assert run_apart(code) == "2 1"


@pytest.mark.parametrize(
    "changed",
    [
        "weakref.WeakSet.add = lambda self, item, add=weakref.WeakSet.add: add(self, item)",
        "registry.add = lambda item, add=registry.add: add(item)",
        "registry._pending_removals = type('Own', (list,), {})()",
    ],
)
def test_a_set_that_somebody_changed_is_left_alone(changed: str) -> None:
    code = f"""
import asyncio, weakref, _asyncio
registry = getattr(_asyncio, "_scheduled_tasks", None)
registry = _asyncio._all_tasks if registry is None else registry
{changed}
before = vars(registry).get("add")
from covet.loop import run
async def main():
    return len(asyncio.all_tasks())
print(run(main()), vars(registry).get("add") is before)
"""
    assert run_apart(code) == "1 True"


def test_many_tasks_leave_nothing(loop: EventLoop) -> None:
    async def nothing() -> None:
        await asyncio.sleep(0)

    async def main() -> None:
        gc.collect()
        before = len(registry.data)
        for _ in range(20):
            await asyncio.gather(*[nothing() for _ in range(500)])
        await asyncio.sleep(0)
        gc.collect()
        assert len(registry.data) <= before + 1

    loop.run_until_complete(main())


@pytest.mark.usefixtures("loop")
def test_what_cannot_be_referred_to_weakly_is_refused() -> None:
    with pytest.raises(TypeError, match="weak reference"):
        registry.add(1)
