"""A function that was judged by what its names meant runs in the pool once one of them means something else."""

import asyncio
import builtins
import threading
from typing import Any

import pytest

from covet import Covet, Server
from tests.wire.answers import take_answer
from tests.wire.loop_client import run
from tests.wire.server_process import PATIENCE

PREFIX = "a"
main = Covet()


@main.get("/")
def judged(text: str) -> Any:
    return [abs(1), PREFIX + text]


def is_in_the_pool(_: object = None) -> bool:
    """What a name is made to mean."""
    return threading.current_thread() is not threading.main_thread()


class Adds:
    """What is made a text's stead."""

    def __add__(self, _: object) -> bool:
        return is_in_the_pool()


CHANGES: dict[str, tuple[dict[str, Any], str, object, list[Any]]] = {
    "a global that shadows a builtin": (globals(), "abs", is_in_the_pool, [True, "ab"]),
    "a global with another value": (globals(), "PREFIX", Adds(), [1, True]),
    "another builtin": (builtins.__dict__, "abs", is_in_the_pool, [True, "ab"]),
}


async def asked(*changes: Any) -> list[Any]:
    """Answers before, and after each of the changes, which are callables."""
    answers = []
    async with asyncio.timeout(PATIENCE), Server(main, port=0) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
        for change in (lambda: None, *changes):
            change()
            writer.write(b"GET /?text=b HTTP/1.1\r\nHost: localhost\r\n\r\n")
            received = bytearray()
            while (answer := take_answer(received)) is None:
                received += await reader.read(65536)
            answers.append(answer.json())
        writer.close()
        await writer.wait_closed()
    return answers


@pytest.mark.parametrize("what", CHANGES)
def test_change_is_noticed(what: str) -> None:
    namespace, name, meaning, expected = CHANGES[what]
    with pytest.MonkeyPatch.context() as patch:
        answers = run(asked(lambda: patch.setitem(namespace, name, meaning), patch.undo))
    assert answers == [[1, "ab"], expected, [1, "ab"]]
