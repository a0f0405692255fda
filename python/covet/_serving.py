"""One application on one engine: start, drain, abort. What the worker and the embedded `Server` share.

Knows the engine and what drives it; nothing of signals, processes or command lines.
"""

import asyncio
import logging
import mmap
from typing import Final

from covet._compile import compile_files, compile_routes, with_debug
from covet._drivers import Driver, attach
from covet._native import Engine
from covet.app import Covet
from covet.settings import ServerSettings

_logger: Final = logging.getLogger("covet.server")
_STOPS: Final = 0
"""Byte of the board that is not 0 once the supervisor is going to stop."""


class Serving:
    """An application's engine. Made: routes are compiled; mistakes in them are ConfigurationError."""

    def __init__(self, app: Covet, settings: ServerSettings) -> None:
        settings = with_debug(settings, debug=app.debug)
        app.close_routes()
        plans = [compiled.plan for compiled in compile_routes(app, settings)]
        self._engine = Engine(app, plans, list(compile_files(app)), settings)
        self._driver: Driver | None = None
        self._announced = False
        self._board: mmap.mmap | None = None
        app.watch_drain(lambda: self.is_draining)
        self.stuck = 0
        """After `drain`: handlers that still run in the pool; no thread can be stopped."""

    def share(self, board: int, slot: int, slots: int, beat: float) -> None:
        """Use the memory file that all workers map; beat in our slot of it every `beat` seconds."""
        self._engine.share(board, slot, slots, beat)
        self._board = mmap.mmap(board, _STOPS + 1, access=mmap.ACCESS_READ)

    def announce_drain(self) -> None:
        """Readiness off, although connections are accepted still."""
        self._announced = True

    def reopen_log(self) -> None:
        """Open the access log's file anew: somebody moved it aside."""
        self._engine.reopen_log()

    def start(self, listeners: list[int]) -> None:
        """Accept on these listening sockets, of which the engine takes duplicates, from the running loop."""
        loop = asyncio.get_running_loop()
        self._driver = attach(loop)
        try:
            self._engine.start(loop, listeners)
        except BaseException:
            self.close()
            raise

    async def drain(self, seconds: float) -> None:
        """Stop accepting, finish what runs, abort the rest after `seconds`; returns when nothing is left.

        Cancelled: aborts the rest at once. Handlers that are cut are cancelled, their clients get no answer.
        """
        loop = asyncio.get_running_loop()
        done = loop.create_future()

        def finish() -> None:
            if not done.done():
                done.set_result(None)

        self._announced = True
        self._engine.drain(seconds, finish)
        try:
            await asyncio.shield(done)
        except asyncio.CancelledError:
            self._engine.abort()
            await done
            raise
        finally:
            if cut := self._engine.cut:
                _logger.warning("cut %d unfinished request%s", cut, "" if cut == 1 else "s")
            self.stuck = self._engine.busy
            self.close()

    def close(self) -> None:
        """Let go of everything; after a start that failed."""
        self._engine.close()
        driver, self._driver = self._driver, None
        if driver is not None:
            driver.release()

    @property
    def is_draining(self) -> bool:
        """Whether it is going to stop: no traffic should be sent here any more."""
        return self._announced or (self._board is not None and self._board[_STOPS] != 0)

    @property
    def connections(self) -> int:
        """Open connections."""
        return self._engine.connections
