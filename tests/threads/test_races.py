"""What several threads do at once without the GIL: no crash, and each answer is right or a clean error."""

import asyncio
import gc
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

import covet.loop
from covet.json import DecodeError, EncodeError, Encoder, decode, encode
from tests.threads.interpreters import without_gil
from tests.wire.connection import Connection
from tests.wire.server_process import running

pytestmark = [without_gil, pytest.mark.timeout(180)]

DOCUMENTS = 300
"""That each writing thread writes."""
CALLS = 5_000
"""That each of the calling threads makes."""


@dataclass
class Thing:
    number: int
    name: str
    tags: list[Any]
    more: dict[str, Any]


@contextmanager
def meanwhile(*work: Callable[[int], object]) -> Iterator[None]:
    """Each on a thread of its own, over and over with 1, 2, 3, ..., until the block ends; what one raises is raised."""
    over = threading.Event()

    def repeat(each: Callable[[int], object]) -> None:
        turn = 0
        while not over.is_set():
            turn += 1
            each(turn)

    with ThreadPoolExecutor(len(work)) as pool:
        running = [pool.submit(repeat, each) for each in work]
        try:
            yield
        finally:
            over.set()
        for each in running:
            each.result()


def test_containers_that_others_change_while_they_are_written() -> None:
    texts: list[Any] = [f"text é {number}" for number in range(200)]
    entries: dict[str, Any] = {f"key {number}": f"välue {number}" for number in range(100)}
    thing = Thing(1, "näme", texts, entries)
    encoder = Encoder(Thing)

    def change_list(turn: int) -> None:
        texts.append(f"nëw {turn}")
        texts[turn % len(texts)] = f"ünother {turn}" * 3 if turn % 5 else [turn]
        if len(texts) > 300:
            del texts[50:250]
        if turn % 50 == 0:
            texts[:] = [f"frësh {number} {turn}" for number in range(100)]

    def change_dict(turn: int) -> None:
        entries[f"k{turn % 400}"] = f"dïct {turn}" * 2
        entries.pop(f"k{(turn * 7) % 400}", None)
        if turn % 500 == 0:
            entries.clear()
            entries.update({f"z{number}": [number, f"ö{number}"] for number in range(30)})

    def change_object(turn: int) -> None:
        thing.number, thing.name = turn, f"nämé {turn}"
        thing.tags = texts if turn % 2 else [turn, str(turn)]
        thing.more = entries if turn % 3 else {"a": turn}

    def write(make: Callable[[], bytes]) -> tuple[int, int]:
        """How many documents were right, and how many were refused."""
        right = refused = 0
        while right < DOCUMENTS:
            try:
                document = make()
            except EncodeError as error:
                assert "changed size while it was encoded" in str(error)
                refused += 1
                continue
            json.loads(document)
            decode(document)  # which refuses a key that comes twice
            right += 1
        return right, refused

    makes: list[Callable[[], bytes]] = [
        lambda: encode(texts),
        lambda: encode(entries),
        lambda: encode([entries, texts, thing]),
        lambda: encoder.encode(thing),
    ]
    with (
        meanwhile(change_list, change_dict, change_object, lambda _: gc.collect()),
        ThreadPoolExecutor(len(makes)) as pool,
    ):
        assert [right for right, _ in pool.map(write, makes)] == [DOCUMENTS] * len(makes)


def test_one_text_is_made_into_utf8_by_several() -> None:
    """A `str` makes its UTF-8 once, under a lock of its own, for which a writer of a dict may have to wait."""
    with ThreadPoolExecutor(4) as pool:
        for turn in range(300):
            text = f"é{turn}" * 500
            shared = {"a": text, "b": [text]}
            together = threading.Barrier(4)

            def write(_: int, shared: dict[str, Any] = shared, together: threading.Barrier = together) -> bytes:
                together.wait()
                return encode(shared)

            assert set(pool.map(write, range(4))) == {encode(shared)}


def test_decoding_on_several_threads() -> None:
    rows = json.dumps([{"id": n, f"name{n % 900}": [n, str(n)]} for n in range(1000)]).encode()
    with meanwhile(lambda _: gc.collect()), ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda _: decode(rows) == json.loads(rows), range(40)))
        with pytest.raises(DecodeError):
            decode(rows[:-1])


def test_callbacks_from_eight_threads() -> None:
    """Each runs once, in the order of its thread; those that were cancelled before they ran do not run twice."""

    async def main() -> list[list[int]]:
        loop = asyncio.get_running_loop()
        got: list[list[int]] = [[] for _ in range(8)]
        done = asyncio.Event()

        def take(thread: int, number: int) -> None:
            got[thread].append(number)

        def give(thread: int) -> None:
            for number in range(CALLS):
                loop.call_soon_threadsafe(take, thread, number)
                loop.call_soon_threadsafe(take, thread, -1).cancel()

        def give_all() -> None:
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(give, range(8)))
            loop.call_soon_threadsafe(done.set)

        giving = threading.Thread(target=give_all)
        giving.start()
        while not done.is_set():
            gc.collect()
            await asyncio.sleep(0)
        giving.join()
        return got

    for numbers in covet.loop.run(main()):
        assert [number for number in numbers if number >= 0] == list(range(CALLS))


def test_a_loop_that_rests_is_woken_by_any_thread() -> None:
    async def main() -> int:
        loop = asyncio.get_running_loop()
        turns = 2_000
        waiting: asyncio.Queue[int] = asyncio.Queue()

        def answer() -> None:
            for number in range(turns):
                woken = threading.Event()
                loop.call_soon_threadsafe(waiting.put_nowait, number)
                loop.call_soon_threadsafe(woken.set)
                assert woken.wait(20)

        answering = threading.Thread(target=answer)
        answering.start()
        total = 0
        for _ in range(turns):
            await waiting.get()
            total += 1
        await asyncio.to_thread(answering.join)  # which waits for a last callback
        return total

    assert covet.loop.run(main()) == 2_000


def test_collections_while_the_server_parks_and_works() -> None:
    """A collection stops all threads: those that are parked must not be waited for, those that work must stop soon."""
    with running("tests.threads.app:main", "--workers", "1", "--threads", "2") as server:

        def ask_on_one_connection(path: str) -> int:
            with Connection(server.port) as connection:
                return sum(connection.ask("GET", path).status == 200 for _ in range(400))

        paths = ["/where", "/collect", "/pool", "/where", "/sleep/0.001", "/pool"]
        with ThreadPoolExecutor(len(paths)) as pool:
            assert list(pool.map(ask_on_one_connection, paths)) == [400] * len(paths)
        server.stop()


def test_a_killed_process_leaves_its_clients_to_the_next() -> None:
    with running("tests.threads.app:main", "--workers", "1", "--threads", "2") as server:
        (first,) = server.workers()
        os.kill(first, signal.SIGKILL)
        server.wait_for(r"worker \d+ serves")
        with Connection(server.port) as connection:
            assert connection.ask("GET", "/where").status == 200
