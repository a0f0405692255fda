"""How connections of the loop begin: the frequent cases without a detour.

An address that is a number needs no looking up and is the only one to try; a connection that was accepted needs no
task of its own. Where it is TCP without TLS, connecting and accepting are native, and no Python socket is made.
Everything else (names, TLS, local addresses, debug mode) is the standard library's code.
"""

import asyncio
import contextvars
import errno
import logging
import socket
import sys
import types
from asyncio import base_events, constants, trsock
from collections.abc import Callable, Generator
from typing import Any, NamedTuple

from covet._native import BareSocket, Listener
from covet._sockets import INTERNET, SocketOperations, number_of_family
from covet._transports import SocketTransport

__all__ = ["Connections"]

# Tests and programs replace its `socket` module: what it does then is the standard library's own code.
_base_events: Any = base_events
_logger = logging.getLogger("asyncio")
_NONE_THERE = (BlockingIOError, InterruptedError)
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

Factory = Callable[[], asyncio.BaseProtocol]


class Serving(NamedTuple):
    """A listening socket that is accepted from natively."""

    listener: Listener
    sock: socket.socket
    arguments: tuple[Any, ...]
    """Those of `_start_serving`."""


class Connections(SocketOperations):
    """`create_connection`, and what `create_server` does with those who come."""

    _make_socket_transport: Callable[..., SocketTransport]
    _listening: dict[int, Serving]
    _remove_reader: Callable[[int], bool]
    call_exception_handler: Callable[[dict[str, Any]], None]

    async def create_connection(
        self, protocol_factory: Factory, host: Any = None, port: Any = None, **options: Any
    ) -> tuple[Any, Any]:
        """Connect to an address; return the transport and the protocol, which was told."""
        is_frequent = not options and not self._debug and _base_events.socket is socket
        sock = BareSocket.connecting(host, port) if is_frequent else None
        if sock is None:
            above: Any = super()
            made: tuple[Any, Any] = await above.create_connection(protocol_factory, host, port, **options)
            return made
        try:
            await sock.until_connected(self)
            sock.check()
            protocol = protocol_factory()
            transport = SocketTransport(self, sock, protocol)
        except BaseException:
            sock.close(self)
            raise
        try:
            # What the transport scheduled comes first: the protocol knows it then.
            await _next_turn()
        except BaseException:
            transport.close()
            raise
        return transport, protocol

    def _start_serving(
        self,
        protocol_factory: Factory,
        sock: socket.socket,
        sslcontext: Any = None,
        server: Any = None,
        backlog: int = 100,
        *timeouts: Any,
    ) -> None:
        """Accept those who come to a listening socket: natively, where it is a plain one of the internet's."""
        if sslcontext is not None or self._debug or not _is_plain(sock):
            above: Any = super()
            above._start_serving(protocol_factory, sock, sslcontext, server, backlog, *timeouts)
            return
        listener = Listener(self, sock, (protocol_factory, SocketTransport, server), backlog)
        arguments = (protocol_factory, sock, sslcontext, server, backlog, *timeouts)
        self._listening[sock.fileno()] = Serving(listener, sock, arguments)
        listener.start()

    def _stop_serving(self, sock: socket.socket) -> None:
        """Accept no more, and close the listening socket."""
        serving = self._listening.get(sock.fileno())
        if serving is not None and serving.sock is sock:
            self._stop_listening(sock.fileno())
            sock.close()
        else:
            above: Any = super()
            above._stop_serving(sock)

    def _stop_listening(self, descriptor: int) -> None:
        self._listening.pop(descriptor).listener.stop()

    def _accept_failed(self, descriptor: int, error: OSError) -> None:
        """`accept` of a socket that is accepted from natively failed."""
        serving = self._listening[descriptor]
        if serving.sock.fileno() != descriptor:
            # Closed by somebody else: nobody comes any more.
            self._stop_listening(descriptor)
        elif error.errno in _EXHAUSTED:
            self._stop_listening(descriptor)
            self._rest_from_accepting(error, serving.arguments)
        else:
            self._report_accept("failed", error, serving.sock)

    def _say_accepted(self, server: Any, transport: Any) -> None:
        """In debug mode, asyncio's line about a connection that was accepted natively."""
        peer, sock = transport.get_extra_info("peername"), transport.get_extra_info("socket")
        _logger.debug("%r got a new connection from %r: %r", server, peer, sock)

    def _accepting_failed(self, error: BaseException) -> None:
        self.call_exception_handler({"message": "Accepting a connection failed", "exception": error})

    def _accept_connection(  # noqa: PLR0913, PLR0917 - asyncio's signature
        self,
        protocol_factory: Factory,
        sock: socket.socket,
        sslcontext: Any = None,
        server: Any = None,
        backlog: int = 100,
        ssl_handshake_timeout: float | None = constants.SSL_HANDSHAKE_TIMEOUT,
        ssl_shutdown_timeout: float | None = constants.SSL_SHUTDOWN_TIMEOUT,
    ) -> None:
        """Take those who wait; the listening socket is readable."""
        again = (protocol_factory, sock, sslcontext, server, backlog, ssl_handshake_timeout, ssl_shutdown_timeout)
        if sslcontext is not None or self._debug:
            above: Any = super()
            above._accept_connection(*again)
            return
        accept = _accept(sock)
        for _ in range(backlog + 1):  # `listen(0)` lets one wait
            try:
                connection, address = accept()
            except _NONE_THERE:
                return
            except ConnectionAbortedError:
                continue
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    raise
                # It stays readable.
                self._remove_reader(sock.fileno())
                self._rest_from_accepting(error, again)
                return
            connection.setblocking(False)
            # What the factory sets in its context is this connection's alone.
            contextvars.copy_context().run(self._begin, connection, address, protocol_factory, server)

    def _rest_from_accepting(self, error: OSError, arguments: tuple[Any, ...]) -> None:
        """Report that something ran out, and accept again after a while."""
        self._report_accept("out of system resource", error, arguments[1])
        self.call_later(constants.ACCEPT_RETRY_DELAY, self._serve_again, *arguments)

    def _serve_again(self, protocol_factory: Factory, sock: socket.socket, *others: Any) -> None:
        """Accept again, unless the server was closed meanwhile."""
        if sock.fileno() >= 0:
            self._start_serving(protocol_factory, sock, *others)

    def _report_accept(self, what: str, error: OSError, sock: socket.socket) -> None:
        """Report a failure of `accept` in asyncio's words."""
        self.call_exception_handler(
            {"message": f"socket.accept() {what}", "exception": error, "socket": trsock.TransportSocket(sock)}
        )

    def _begin(self, sock: socket.socket, address: Any, protocol_factory: Factory, server: Any) -> None:
        """Give an accepted connection its protocol."""
        try:
            self._make_socket_transport(sock, protocol_factory(), extra={"peername": address}, server=server)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException:
            sock.close()


def _accept(listening: socket.socket) -> Callable[[], tuple[socket.socket, Any]]:
    """`listening.accept`; of a plain socket without asking for its kind each time, which makes members of enums."""
    if type(listening) is not socket.socket:
        return listening.accept
    plain: Any = listening
    kind = (number_of_family(plain), socket.SOCK_STREAM, plain.proto)

    def accept() -> tuple[socket.socket, Any]:
        descriptor, address = plain._accept()
        return socket.socket(*kind, fileno=descriptor), address

    return accept


def _is_plain(sock: socket.socket) -> bool:
    return (
        sys.platform == "linux"
        and type(sock) is socket.socket
        and sock.fileno() >= 0
        and sock.type == socket.SOCK_STREAM
        and sock.family in INTERNET
    )


@types.coroutine
def _next_turn() -> Generator[None]:
    """Let what is scheduled run."""
    yield
