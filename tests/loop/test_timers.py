"""When timers run: not before their time, and not much after it."""

import asyncio
import sys

import pytest

from covet.loop import EventLoop

TIMES = 100


async def lateness(delay: float) -> list[float]:
    """Seconds past its end of each sleep of `delay`, the least first."""
    loop = asyncio.get_running_loop()
    late = []
    for _ in range(TIMES):
        end = loop.time() + delay
        await asyncio.sleep(delay)
        late.append(loop.time() - end)
    return sorted(late)


@pytest.mark.skipif(sys.platform != "linux", reason="the timers of other systems count in milliseconds")
@pytest.mark.parametrize("delay", [0.0005, 0.001, 0.003])
def test_a_sleep_is_as_long_as_it_says_and_not_rounded_up(loop: EventLoop, delay: float) -> None:
    late = loop.run_until_complete(lateness(delay))
    assert late[0] >= 0
    assert late[TIMES // 10] < 0.0005, "one in ten at least must be on time, however busy the machine is"


def test_many_timers_run_in_the_order_of_their_times(loop: EventLoop) -> None:
    async def main() -> list[float]:
        ran: list[float] = []
        done = loop.create_future()
        start = loop.time()
        for number in range(500):
            when = start + 0.002 + (number * 37 % 500) * 1e-5
            loop.call_at(when, ran.append, when)
        loop.call_at(start + 0.01, done.set_result, None)
        await done
        return ran

    ran = loop.run_until_complete(main())
    assert len(ran) == 500
    assert ran == sorted(ran)


def test_an_earlier_timer_is_not_kept_waiting_by_a_later_one(loop: EventLoop) -> None:
    async def main() -> float:
        later = loop.call_later(60, loop.stop)
        start = loop.time()
        for _ in range(20):
            await loop.run_in_executor(None, int)  # the loop rests, and nothing but the later timer is to come
            await asyncio.sleep(0.0005)
        later.cancel()
        return loop.time() - start

    assert loop.run_until_complete(main()) < 5
