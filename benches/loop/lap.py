"""One lap: a workload on a loop, in this process: `python -m benches.loop.lap LOOP WORKLOAD OPERATIONS`.

Prints the seconds that its operations took, as JSON: of the process (`cpu`) and of the clock (`wall`).
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import sys
import time
from typing import TYPE_CHECKING, Any

from benches.loop.workloads import WORKLOADS, Workload

if TYPE_CHECKING:
    from collections.abc import Callable


def factory(loop: str) -> Callable[[], Any]:
    """What makes a loop of this name."""
    if loop == "asyncio":
        return asyncio.SelectorEventLoop
    module = importlib.import_module({"covet": "covet.loop"}.get(loop, loop))
    made: Callable[[], Any] = module.new_event_loop
    return made


async def timed(workload: Workload, operations: int) -> dict[str, float]:
    """Seconds of `operations`, after some that are not timed."""
    async with workload.prepare() as run:
        await run(max(operations // 10, 10) // 10 * 10 if operations < 10_000 else operations // 10)
        gc.collect()
        gc.disable()
        cpu, wall = time.process_time(), time.perf_counter()
        await run(operations)
        return {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}


def main() -> None:
    """Run the lap and print it."""
    loop, name, operations = sys.argv[1:]
    workload = next(each for each in WORKLOADS if each.name == name)
    with asyncio.Runner(loop_factory=factory(loop)) as runner:
        print(json.dumps(runner.run(timed(workload, int(operations)))))


if __name__ == "__main__":
    main()
