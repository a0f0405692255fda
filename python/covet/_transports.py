"""The loop's stream transport: what asyncio's does, its frequent half in Rust.

Here are the words and the rare paths: the start and the end of a connection, reports to the loop's exception
handler, the repr, the warning about a transport that was never closed. Reading, writing and flow control are
`covet._native.StreamTransport`'s.
"""

import asyncio
import logging
import socket
import sys
import warnings
from asyncio import constants, futures, transports, trsock
from typing import Any

from covet._native import StreamTransport
from covet._sockets import send_at_once

__all__ = ["SocketTransport"]

_logger = logging.getLogger("asyncio")

# Since 3.13 a server knows its transports, before it only counted them.
_SERVER_KNOWS_CLIENTS = sys.version_info >= (3, 13)


class SocketTransport(StreamTransport):
    """A connected stream socket of `covet.loop`, as a protocol or a stream sees it."""

    max_size = 256 * 1024
    _start_tls_compatible = True
    _sendfile_compatible: Any = constants._SendfileMode.TRY_NATIVE

    # The constructor may fail before it has a socket.
    _sock: socket.socket | None = None
    _server: Any = None
    _empty_waiter: asyncio.Future[None] | None = None

    def __init__(  # noqa: PLR0913 - asyncio's signature
        self,
        event_loop: Any,
        sock: socket.socket,
        protocol: Any,
        waiter: asyncio.Future[None] | None = None,
        extra: dict[str, Any] | None = None,
        server: Any = None,
    ) -> None:
        super().__init__()
        self._extra = _described(sock, extra)
        self._sock = sock
        if server is not None:
            self._server = server
            server._attach(*self._as_client())
        event_loop._transports[self._sock_fd] = self
        send_at_once(sock)
        event_loop.call_soon(protocol.connection_made, self)
        event_loop.call_soon(self._start)
        if waiter is not None:
            event_loop.call_soon(futures._set_result_unless_cancelled, waiter, None)  # type: ignore[attr-defined]

    @property  # type: ignore[misc]
    def __class__(self) -> type:  # pyright: ignore[reportIncompatibleMethodOverride]
        """`isinstance` finds asyncio's class, whose instances have another layout than a native one."""
        return transports._FlowControlMixin

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """`socket`, `sockname`, `peername`, or what a layer above added."""
        return self._extra.get(name, default)

    def __repr__(self) -> str:
        words = ["SocketTransport"]
        if self._sock is None:
            words.append("closed")
        elif self.is_closing():
            words.append("closing")
        words.append(f"fd={self._sock_fd}")
        event_loop = self._loop
        if event_loop is not None and not event_loop.is_closed():
            words.append(f"read={'polling' if self.is_reading() else 'idle'}")
            size = self.get_write_buffer_size()
            words.append(f"write=<{'polling' if size else 'idle'}, bufsize={size}>")
        return f"<{' '.join(words)}>"

    def __del__(self, _warn: Any = warnings.warn) -> None:
        if self._sock is not None:
            _warn(f"unclosed transport {self!r}", ResourceWarning, source=self)
            self._give_up()

    def _fatal_error(self, exc: BaseException, message: str = "Fatal error on transport") -> None:
        """Report `exc`, unless it is the network's, and end the connection."""
        event_loop = self._loop
        if event_loop is None:
            return
        if isinstance(exc, OSError):
            if event_loop.get_debug():
                _logger.debug("%r: %s", self, message, exc_info=exc)
        else:
            event_loop.call_exception_handler(
                {"message": message, "exception": exc, "transport": self, "protocol": self._protocol}
            )
        waiter = self._empty_waiter
        self._force_close(exc)
        if waiter is not None and not waiter.done():
            waiter.set_exception(exc)

    def _call_connection_lost(self, exc: BaseException | None) -> None:
        protocol, waiter = self._protocol, self._empty_waiter
        try:
            if protocol is not None:
                protocol.connection_lost(exc)
        finally:
            self._give_up()
            if waiter is not None and not waiter.done():
                waiter.set_exception(ConnectionError("Connection is closed by peer"))

    def _give_up(self) -> None:
        """Close the socket and forget everybody."""
        sock, self._sock = self._sock, None
        self._end(sock is not None and sock.fileno() == self._sock_fd)
        if sock is not None:
            sock.close()
        server, self._server = self._server, None
        if server is not None:
            server._detach(*self._as_client())

    def _as_client(self) -> tuple[Any, ...]:
        return (self,) if _SERVER_KNOWS_CLIENTS else ()

    def _pause_protocol(self) -> None:
        self._tell_protocol("pause_writing")

    def _resume_protocol(self) -> None:
        self._tell_protocol("resume_writing")

    def _tell_protocol(self, method: str) -> None:
        protocol, event_loop = self._protocol, self._loop
        if protocol is None or event_loop is None:
            return
        try:
            getattr(protocol, method)()
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as exc:
            event_loop.call_exception_handler(
                {
                    "message": f"protocol.{method}() failed",
                    "exception": exc,
                    "transport": self,
                    "protocol": protocol,
                }
            )

    def _make_empty_waiter(self) -> asyncio.Future[None]:
        """For `sendfile`: no writes from now on; a future that is done when what was written is sent."""
        if self._empty_waiter is not None:
            raise RuntimeError("Empty waiter is already set")
        event_loop: Any = self._loop
        waiter: asyncio.Future[None] = event_loop.create_future()
        self._empty_waiter = waiter
        if self._seal(True):
            self._tell_sent()
        return waiter

    def _reset_empty_waiter(self) -> None:
        self._empty_waiter = None
        self._seal(False)

    def _tell_sent(self) -> None:
        if self._empty_waiter is not None and not self._empty_waiter.done():
            self._empty_waiter.set_result(None)

    def _warn_of_lost_writes(self) -> None:
        _logger.warning("socket.send() raised exception.")

    def _say(self, line: str) -> None:
        _logger.debug(line, self)

    def _read_ready(self) -> None:
        """What a report of a slow callback names; the runtime reads by itself."""


def _described(sock: socket.socket, extra: dict[str, Any] | None) -> dict[str, Any]:
    """What `get_extra_info` answers, also after the socket was closed."""
    extra = {} if extra is None else extra
    extra["socket"] = trsock.TransportSocket(sock)
    try:
        extra["sockname"] = sock.getsockname()
    except OSError:
        extra["sockname"] = None
    if "peername" not in extra:
        try:
            extra["peername"] = sock.getpeername()
        except OSError:
            extra["peername"] = None
    return extra
