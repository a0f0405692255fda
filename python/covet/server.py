"""The engine inside a running asyncio program.

Owns the listening sockets and the lifespan of an embedded server; the engine is behind `covet._serving`.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import warnings
from collections.abc import Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self, final

from covet import listeners
from covet._server_thread import ServerThread
from covet._serving import Serving
from covet.app import Covet
from covet.config import Seconds, StrPath, seconds
from covet.errors import ConfigurationError
from covet.lifespan import around
from covet.settings import ServerSettings

__all__ = ["Server"]


@final
class Server:
    """`async with` starts the lifespan and listens; leaving drains.

    It runs on the event loop that runs: `covet.loop`, asyncio's own, uvloop, or any other that can watch descriptors.
    """

    _serving: Serving | None = None

    def __init__(  # noqa: PLR0913 - one keyword for each way to listen
        self,
        app: Covet,
        *,
        host: str = "127.0.0.1",
        port: int = 8000,
        uds: StrPath | None = None,
        fd: int | None = None,
        sockets: Sequence[socket.socket] = (),
        signals: Sequence[signal.Signals] = (),
        settings: ServerSettings | None = None,
    ) -> None:
        """Serve at `host` and `port` (0 takes a free one), or instead of them at one of `uds`, `fd` and `sockets`.

        `fd` and `sockets` are listening sockets (a descriptor; objects) of which duplicates are taken: they stay the
        caller's. `signals` drain the server, a second one at once; by default no signal handler is installed.
        `settings` None: the defaults.
        A mistake: ConfigurationError; in use: OSError, at `async with`.
        """
        if not isinstance(app, Covet):
            raise ConfigurationError(f"Server got {app!r}: give it a Covet application")
        if not isinstance(port, int) or not 0 <= port <= 65535:
            raise ConfigurationError(f"port is {port!r}: write an int from 0 to 65535")
        given = [name for name, value in (("uds", uds), ("fd", fd), ("sockets", sockets or None)) if value is not None]
        if len(given) > 1:
            raise ConfigurationError(f"{' and '.join(given)} are both given: give one")
        self._app = app
        self._host, self._port = host, port
        self._uds, self._fds = uds, [one.fileno() for one in sockets] if fd is None else [fd]
        self._signals = tuple(signals)
        self._handled: list[signal.Signals] = []
        self._settings = settings or ServerSettings()
        self._listeners: list[socket.socket] = []
        self._url = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._draining: asyncio.Task[None] | None = None
        self._closed: asyncio.Event | None = None
        self._exit = AsyncExitStack()

    def __repr__(self) -> str:
        return f"<covet.Server {self._url or 'not listening'}>"

    def __del__(self) -> None:
        if self._serving is None:
            return
        warnings.warn(f"unclosed {self!r}: leave its `async with`", ResourceWarning, stacklevel=2, source=self)
        self._close_listeners()
        with contextlib.suppress(RuntimeError):  # collected on another thread: the loop drops the engine
            self._serving.close()

    @property
    def url(self) -> str:
        """Where it listens, as http://127.0.0.1:8000. Before `async with`: RuntimeError."""
        if not self._url:
            raise RuntimeError("the server does not listen yet: use `async with server`")
        return self._url

    @property
    def is_draining(self) -> bool:
        """Whether it drains or has drained. Before `async with`: False."""
        return self._draining is not None or (self._serving is not None and self._serving.is_draining)

    @property
    def connections(self) -> int:
        """Open connections. Before `async with` and after a drain: 0."""
        return 0 if self._serving is None else self._serving.connections

    def thread(self) -> ServerThread:
        """Serve on a thread of its own, beside a synchronous program: `with Server(app).thread() as server`."""
        return ServerThread(self)

    async def __aenter__(self) -> Self:
        """Bind, start the lifespan, accept. A second time, or on a loop that cannot drive it: ConfigurationError."""
        if self._closed is not None:
            raise ConfigurationError("this server was started before: make another one")
        self._loop = asyncio.get_running_loop()
        serving = Serving(self._app, self._settings)
        try:
            self._listeners = self._listen()
            self._closed = asyncio.Event()
            await self._exit.enter_async_context(around(self._app.lifespan, self._app))
            serving.start([listener.fileno() for listener in self._listeners])
            self._serving = serving
            self._url = listeners.url_of(self._listeners[0])
            for number in self._signals:
                self._loop.add_signal_handler(number, self._signalled)
                self._handled.append(number)
        except BaseException:
            self._serving, self._url = None, ""
            self._forget_signals()
            self._close_listeners()
            serving.close()
            await self._exit.__aexit__(*sys.exc_info())
            raise
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None, /
    ) -> None:
        """Drain, then end the lifespan. Cancelled meanwhile: what still runs is cut at once."""
        try:
            await self._drained()
        finally:
            self._forget_signals()
            await self._exit.__aexit__(exc_type, exc, tb)

    async def serve(self) -> None:
        """Until `stop` or `drain` is called, a signal in `signals` comes, or the task is cancelled."""
        await self.wait_closed()

    async def drain(self, timeout: Seconds | None = None) -> None:
        """Stop accepting, finish what runs, abort the rest after `timeout` seconds. Again: waits for the first.

        None: the setting `drain_timeout`.
        """
        await asyncio.shield(self._begin_drain(timeout))

    def stop(self, timeout: Seconds | None = None) -> None:
        """Begin to drain and return at once, for a handler, whose own request is among those waited for."""
        self._begin_drain(timeout)

    async def wait_closed(self) -> None:
        """Until a drain has ended."""
        if self._closed is None:
            raise RuntimeError("the server does not run: use `async with server`")
        await self._closed.wait()

    def _listen(self) -> list[socket.socket]:
        if self._fds:
            adopted = list[socket.socket]()
            try:
                adopted.extend(map(listeners.adopt, self._fds))
            except OSError:
                for listener in adopted:
                    listener.close()
                raise
            return adopted
        if self._uds is not None:
            return [listeners.listen_unix(os.fspath(self._uds), self._settings.backlog)]
        return listeners.listen([self._host], self._port, self._settings.backlog)

    def _begin_drain(self, timeout: Seconds | None) -> asyncio.Task[None]:
        """The one drain, begun if it was not."""
        limit = self._settings.drain_timeout if timeout is None else seconds(timeout, "timeout")
        if self._draining is None:
            if self._serving is None or self._loop is None:
                raise RuntimeError("the server does not run: use `async with server`")
            self._draining = self._loop.create_task(self._drain(self._serving, limit))
        return self._draining

    async def _drain(self, serving: Serving, limit: float) -> None:
        try:
            self._close_listeners()
            await serving.drain(limit)
        finally:
            self._serving = None
            if self._closed is not None:
                self._closed.set()

    async def _drained(self) -> None:
        """Drain to the end, whatever is cancelled."""
        draining = self._begin_drain(None)
        try:
            await asyncio.shield(draining)
        except asyncio.CancelledError:
            if not draining.done():
                draining.cancel()
                await asyncio.wait([draining])
                raise
            if not draining.cancelled():
                raise

    def _signalled(self) -> None:
        """The first signal drains, the second cuts."""
        if self._draining is None:
            self.stop()
        else:
            self._draining.cancel()

    def _forget_signals(self) -> None:
        """Take our handlers away."""
        while self._handled and self._loop is not None:
            self._loop.remove_signal_handler(self._handled.pop())

    def _close_listeners(self) -> None:
        """Close our copies; the engine keeps its own until it has accepted what waits."""
        for listener in self._listeners:
            if self._uds is not None:
                listeners.remove_unix(listener)
            elif not self._fds:
                listeners.refuse_new(listener)
            listener.close()
        self._listeners = []
