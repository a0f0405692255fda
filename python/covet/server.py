"""The engine inside a running asyncio program.

Owns the listening socket and the lifespan of an embedded server; the engine is behind `covet._serving`.
"""

import asyncio
import os
import socket
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self, final

from covet import listeners
from covet._serving import Serving, running_loop
from covet.app import Covet
from covet.config import Seconds, StrPath, seconds
from covet.errors import ConfigurationError
from covet.lifespan import around
from covet.settings import ServerSettings

__all__ = ["Server"]


@final
class Server:
    """`async with` starts the lifespan and listens; leaving drains. Runs on `covet.loop`."""

    def __init__(  # noqa: PLR0913 - one keyword for each word
        self,
        app: Covet,
        *,
        host: str = "127.0.0.1",
        port: int = 8000,
        uds: StrPath | None = None,
        fd: int | None = None,
        settings: ServerSettings | None = None,
    ) -> None:
        """`port` 0 takes a free one; `uds` or `fd` (a listening socket's descriptor) instead of host and port.

        `settings` None: the defaults. A mistake: ConfigurationError; in use: OSError, at `async with`.
        """
        if not isinstance(app, Covet):
            raise ConfigurationError(f"Server got {app!r}: give it a Covet application")
        if not isinstance(port, int) or not 0 <= port <= 65535:
            raise ConfigurationError(f"port is {port!r}: write an int from 0 to 65535")
        if uds is not None and fd is not None:
            raise ConfigurationError("uds and fd are both given: give one")
        self._app = app
        self._host, self._port = host, port
        self._uds, self._fd = uds, fd
        self._settings = settings or ServerSettings()
        self._listeners: list[socket.socket] = []
        self._url = ""
        self._serving: Serving | None = None
        self._draining: asyncio.Task[None] | None = None
        self._closed: asyncio.Event | None = None
        self._exit = AsyncExitStack()

    @property
    def url(self) -> str:
        """Where it listens, as http://127.0.0.1:8000. Before `async with`: RuntimeError."""
        if not self._url:
            raise RuntimeError("the server does not listen yet: use `async with server`")
        return self._url

    @property
    def is_draining(self) -> bool:
        """Whether it drains or has drained. Before `async with`: False."""
        return self._serving is not None and self._serving.is_draining

    @property
    def connections(self) -> int:
        """Open connections. Before `async with`: 0."""
        return 0 if self._serving is None else self._serving.connections

    async def __aenter__(self) -> Self:
        """Bind, start the lifespan, accept. A second time, or another loop than covet's: ConfigurationError."""
        if self._closed is not None:
            raise ConfigurationError("this server was started before: make another one")
        running_loop()
        self._closed = asyncio.Event()
        self._serving = Serving(self._app, self._settings)
        self._listeners = self._listen()
        self._url = listeners.url_of(self._listeners[0])
        try:
            await self._exit.enter_async_context(around(self._app.lifespan, self._app))
            self._serving.start([listener.fileno() for listener in self._listeners])
        except BaseException:
            self._close_listeners()
            self._serving.close()
            raise
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None, /
    ) -> None:
        """Drain, then end the lifespan."""
        try:
            await self.drain()
        finally:
            await self._exit.__aexit__(exc_type, exc, tb)

    async def serve(self) -> None:
        """Until `drain` is called or the task is cancelled."""
        await self.wait_closed()

    async def drain(self, timeout: Seconds | None = None) -> None:
        """Stop accepting, finish what runs, abort the rest after `timeout` seconds. Again: waits for the first.

        None: the setting `drain_timeout`.
        """
        limit = self._settings.drain_timeout if timeout is None else seconds(timeout, "timeout")
        if self._serving is None:
            raise RuntimeError("the server does not run: use `async with server`")
        if self._draining is None:
            self._draining = asyncio.get_running_loop().create_task(self._drain(self._serving, limit))
        await asyncio.shield(self._draining)

    async def wait_closed(self) -> None:
        """Until a drain has ended."""
        if self._closed is None:
            raise RuntimeError("the server does not run: use `async with server`")
        await self._closed.wait()

    def _listen(self) -> list[socket.socket]:
        if self._fd is not None:
            return [listeners.adopt(self._fd)]
        if self._uds is not None:
            return [listeners.listen_unix(os.fspath(self._uds), self._settings.backlog)]
        return listeners.listen([self._host], self._port, self._settings.backlog)

    async def _drain(self, serving: Serving, limit: float) -> None:
        """The one drain."""
        self._close_listeners()
        await serving.drain(limit)
        if self._closed is not None:
            self._closed.set()

    def _close_listeners(self) -> None:
        """Close our copies; the engine keeps its own until it has accepted what waits."""
        for listener in self._listeners:
            if self._uds is not None:
                listeners.remove_unix(listener)
            elif self._fd is None:
                listeners.refuse_new(listener)
            listener.close()
