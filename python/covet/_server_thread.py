"""A server on a thread of its own, beside a program that is not asynchronous.

Knows that a server is an async context manager with a URL; the thread runs covet's event loop.
"""

import asyncio
import threading
from concurrent.futures import Future
from types import TracebackType
from typing import Protocol, Self, final

from covet.loop import new_event_loop


class Embedded(Protocol):
    """What the thread needs of a server."""

    @property
    def url(self) -> str: ...
    def stop(self) -> None: ...
    async def wait_closed(self) -> None: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None, /
    ) -> None: ...


@final
class ServerThread:
    """`with` starts the server on a thread of its own and returns once it listens; leaving drains and joins."""

    def __init__(self, server: Embedded) -> None:
        self._server = server
        self._thread: threading.Thread | None = None
        self._started: Future[asyncio.AbstractEventLoop] = Future()
        self._error: BaseException | None = None

    @property
    def url(self) -> str:
        """Where it listens, as http://127.0.0.1:8000. Before `with`: RuntimeError."""
        return self._server.url

    def stop(self) -> None:
        """Begin to drain, from any thread. Once more: nothing."""
        if self._started.done() and self._started.exception() is None:
            loop = self._started.result()
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._server.stop)

    def __enter__(self) -> Self:
        """Start. What prevents it (a port in use, a lifespan that fails) is raised here."""
        if self._thread is not None:
            raise RuntimeError("this thread was started before: make another server")
        self._thread = threading.Thread(target=self._run, name="covet-server")
        self._thread.start()
        try:
            self._started.result()
        except BaseException:
            self.stop()
            self._thread.join()
            raise
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None, /
    ) -> None:
        """Drain and wait for the thread. What the lifespan raised at its end is raised here."""
        self.stop()
        if self._thread is not None:
            self._thread.join()
        if self._error is not None and exc is None:
            raise self._error

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=new_event_loop) as runner:
                runner.run(self._serve())
        except BaseException as error:
            if self._started.done():
                self._error = error
            else:
                self._started.set_exception(error)

    async def _serve(self) -> None:
        async with self._server:
            self._started.set_result(asyncio.get_running_loop())
            await self._server.wait_closed()
