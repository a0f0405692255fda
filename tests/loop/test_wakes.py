"""What must wake a loop that sleeps: other threads, descriptors, nearer timers, signals' cousins.

A lost wake-up shows as a time-out of the whole test, which the suite limits.
"""

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from covet.loop import EventLoop, run

Then = Callable[..., Callable[..., None]]


def test_a_nearer_timer_scheduled_while_the_loop_waits_for_a_far_one(loop: EventLoop, then_stop: Then) -> None:
    fired: list[str] = []
    loop.call_later(3600, fired.append, "far")
    loop.call_later(0.001, lambda: loop.call_later(0.001, then_stop(fired.append, "near")))
    loop.run_forever()
    assert fired == ["near"]


def test_call_soon_threadsafe_from_many_threads(loop: EventLoop) -> None:
    threads, calls = 8, 500
    seen: dict[int, list[int]] = {number: [] for number in range(threads)}

    def arrive(number: int, call: int) -> None:
        seen[number].append(call)
        if sum(map(len, seen.values())) == threads * calls:
            loop.stop()

    def send(number: int) -> None:
        for call in range(calls):
            loop.call_soon_threadsafe(arrive, number, call)

    senders = [threading.Thread(target=send, args=(number,)) for number in range(threads)]
    for sender in senders:
        loop.call_soon(sender.start)
    loop.run_forever()
    for sender in senders:
        sender.join()
    assert all(arrived == list(range(calls)) for arrived in seen.values())


def test_one_thread_and_the_loop_play_ping_pong(loop: EventLoop) -> None:
    """Each wake-up meets a loop that has just gone to sleep: one that is lost ends the game."""
    rounds = 1000
    ball = threading.Semaphore(0)

    def player() -> None:
        for number in range(rounds):
            loop.call_soon_threadsafe(ball.release if number < rounds - 1 else loop.stop)
            if number < rounds - 1:
                ball.acquire()

    thread = threading.Thread(target=player)
    loop.call_soon(thread.start)
    loop.run_forever()
    thread.join()


def test_run_in_executor_returns_values_and_exceptions() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(4) as pool:
            results = await asyncio.gather(*[loop.run_in_executor(pool, pow, 2, power) for power in range(200)])
        assert results == [2**power for power in range(200)]
        try:
            await loop.run_in_executor(None, int, "no number")
        except ValueError:
            assert await asyncio.to_thread(threading.get_ident) != threading.get_ident()

    run(main())


def test_other_python_threads_run_while_the_loop_sleeps(loop: EventLoop) -> None:
    """The interpreter is free while the loop is parked: the thread needs no help to get on."""
    counted: list[int] = []

    def count() -> None:
        counted.extend(range(100_000))
        loop.call_soon_threadsafe(loop.stop)

    loop.call_soon(threading.Thread(target=count).start)
    loop.run_forever()
    assert len(counted) == 100_000


def test_a_reader_is_called_until_the_data_is_read(loop: EventLoop) -> None:
    """The selector is level-triggered though the runtime sees edges only: a nested epoll must not lose the rest."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        got = bytearray()

        def read_one() -> None:
            got.extend(ours.recv(1))
            if len(got) == 10:
                loop.remove_reader(ours)
                loop.stop()

        loop.add_reader(ours, read_one)
        theirs.send(b"0123456789")
        loop.run_forever()
        assert got == b"0123456789"


def test_data_that_was_there_before_the_run_is_seen(loop: EventLoop, then_stop: Then) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        loop.add_reader(ours, then_stop(ours.recv, 1))
        for _ in range(3):
            theirs.send(b"x")
            loop.run_forever()


def test_a_descriptor_that_is_ready_while_another_is_served(loop: EventLoop) -> None:
    """A new edge between the selector's answer and the callbacks is not swallowed."""
    pairs = [socket.socketpair() for _ in range(3)]
    served: list[int] = []

    def serve(number: int) -> None:
        pairs[number][0].recv(1)
        served.append(number)
        if number + 1 < len(pairs):
            pairs[number + 1][1].send(b"x")
        else:
            loop.stop()

    for number, (ours, _) in enumerate(pairs):
        ours.setblocking(False)
        loop.add_reader(ours, serve, number)
    for _ in range(50):
        served.clear()
        pairs[0][1].send(b"x")
        loop.run_forever()
        assert served == [0, 1, 2]
    for pair in pairs:
        loop.remove_reader(pair[0])
        for end in pair:
            end.close()


def test_a_writer_is_called_while_there_is_room(loop: EventLoop) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        calls: list[int] = []

        def write() -> None:
            calls.append(1)
            if len(calls) == 5:
                loop.remove_writer(ours)
                loop.call_soon(loop.stop)

        loop.add_writer(ours, write)
        loop.run_forever()
        assert len(calls) == 5


def test_a_busy_loop_still_serves_descriptors_and_timers(loop: EventLoop) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        seen: set[str] = set()

        def spin() -> None:
            if seen == {"read", "timer"}:
                loop.stop()
            else:
                loop.call_soon(spin)

        def read() -> None:
            ours.recv(1)
            seen.add("read")

        loop.add_reader(ours, read)
        loop.call_later(0.01, seen.add, "timer")
        loop.call_later(0.001, theirs.send, b"x")
        loop.call_soon(spin)
        loop.run_forever()
        loop.remove_reader(ours)


def test_a_handle_cancelled_between_the_event_and_its_turn_does_not_run(loop: EventLoop) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        ran: list[int] = []
        loop.add_reader(ours, ran.append, 1)
        theirs.send(b"x")
        loop.call_soon(loop.remove_reader, ours)
        loop.call_soon(loop.stop)
        loop.run_forever()
        assert ran == []


def test_idle_loops_do_not_spin(loop: EventLoop) -> None:
    """A sleeping loop costs no processor time, even after descriptors and cancelled timers."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        loop.add_reader(ours, ours.recv, 1)
        theirs.send(b"x")
        loop.call_later(0.05, print).cancel()
        loop.call_later(0.3, loop.stop)
        before = os.times()
        loop.run_forever()
        after = os.times()
        loop.remove_reader(ours)
    assert (after.user - before.user) + (after.system - before.system) < 0.15
