"""The loop's stream transport: what asyncio's does, its frequent half in Rust.

Here are the words and the rare paths: the start and the end of a connection, reports to the loop's exception
handler, the repr, the warning about a transport that was never closed. Reading, writing and flow control are
`covet._native.StreamTransport`'s.
"""

import asyncio
import logging
import socket
import warnings
from asyncio import constants, transports, trsock
from typing import Any

from covet._native import StreamTransport
from covet._sockets import send_at_once

__all__ = ["SocketTransport", "transport_of"]

_logger = logging.getLogger("asyncio")


class SocketTransport(StreamTransport):
    """A connected stream socket of `covet.loop`, as a protocol or a stream sees it."""

    max_size = 256 * 1024
    _start_tls_compatible = True
    _sendfile_compatible: Any = constants._SendfileMode.TRY_NATIVE

    _empty_waiter: asyncio.Future[None] | None = None

    @property  # type: ignore[misc]
    def __class__(self) -> type:  # pyright: ignore[reportIncompatibleMethodOverride]
        """`isinstance` finds asyncio's class, whose instances have another layout than a native one."""
        return transports._FlowControlMixin

    def __repr__(self) -> str:
        words = ["SocketTransport"]
        if self._is_over:
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

    def _warn_unclosed(self, _warn: Any = warnings.warn) -> None:
        """Called before it is freed without having been closed."""
        _warn(f"unclosed transport {self!r}", ResourceWarning, source=self)

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

    def _fail_empty_waiter(self) -> None:
        waiter = self._empty_waiter
        if waiter is not None and not waiter.done():
            waiter.set_exception(ConnectionError("Connection is closed by peer"))

    def _make_socket(self, descriptor: int, is_ipv4: bool, proto: int) -> socket.socket:
        """The Python socket of a descriptor that had none."""
        sock = socket.socket(_family(is_ipv4), socket.SOCK_STREAM, proto, fileno=descriptor)
        sock.setblocking(False)
        return sock

    def _make_socket_info(self) -> trsock.TransportSocket:
        sock = self._sock
        if sock is None:
            # Asked for after the end: it is known to be closed.
            is_ipv4, proto = self._kind()
            sock = socket.socket(_family(is_ipv4), socket.SOCK_STREAM, proto)
            sock.close()
        return trsock.TransportSocket(sock)

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


def transport_of(  # noqa: PLR0913 - asyncio's signature
    event_loop: Any,
    sock: socket.socket,
    protocol: Any,
    waiter: asyncio.Future[None] | None,
    extra: dict[str, Any] | None,
    server: Any,
) -> SocketTransport:
    """The transport of a Python socket."""
    described = _described(sock, extra)
    send_at_once(sock)
    return SocketTransport(event_loop, sock, protocol, waiter, described, server)


def _family(is_ipv4: bool) -> socket.AddressFamily:
    return socket.AF_INET if is_ipv4 else socket.AF_INET6


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
