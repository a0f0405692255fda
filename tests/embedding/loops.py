"""The event loops that a server can be embedded in, by name, and an application to serve."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import uvloop

from covet import Covet, Server
from covet.loop import new_event_loop
from tests.wire.connection import ask
from tests.wire.server_process import PATIENCE

T = TypeVar("T")


class Overriding(asyncio.SelectorEventLoop):
    """A stock loop with a method of its own, which must still be called."""

    soon = 0

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> Any:  # type: ignore[override]
        self.soon += 1
        return super().call_soon(callback, *args, context=context)


LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "covet": new_event_loop,
    "asyncio": asyncio.SelectorEventLoop,
    "uvloop": uvloop.new_event_loop,
    "asyncio without descriptor": lambda: asyncio.SelectorEventLoop(selectors.SelectSelector()),
    "asyncio overridden": Overriding,
}


def run_on(name: str, main: Coroutine[Any, Any, T], *, debug: bool = False, patience: float = PATIENCE) -> T:
    """Run `main` on a new loop of the kind called `name`, within so many seconds."""

    async def bounded() -> T:
        async with asyncio.timeout(patience):
            return await main

    with asyncio.Runner(loop_factory=LOOPS[name], debug=debug) as runner:
        return runner.run(bounded())


def port_of(server: Server) -> int:
    return int(server.url.rpartition(":")[2])


async def get(server: Server, target: str = "/") -> str:
    """The body of an answer, fetched by a thread."""
    answer = await asyncio.to_thread(ask, port_of(server), "GET", target)
    assert answer.status == 200, answer
    return answer.body.decode()


def make_app() -> Covet:
    """Handlers of every kind."""
    app = Covet()

    @app.get("/")
    def inline() -> str:
        return "inline"

    @app.get("/pool", blocking=True)
    def pool() -> str:
        return "pool"

    @app.get("/turn")
    async def turn() -> str:
        await asyncio.sleep(0)
        return "turn"

    @app.get("/timer")
    async def timer() -> str:
        await asyncio.sleep(0.001)
        return "timer"

    @app.get("/thread")
    async def thread() -> str:
        return await asyncio.to_thread(lambda: "thread")

    return app


TARGETS = {"/": "inline", "/pool": "pool", "/turn": "turn", "/timer": "timer", "/thread": "thread"}
