"""How connections of the loop begin: the frequent cases without a detour.

An address that is a number needs no looking up and is the only one to try; a connection that was accepted needs no
task of its own. Everything else (names, TLS, local addresses, debug mode) is the standard library's code.
"""

import asyncio
import contextvars
import errno
import socket
import sys
import types
from asyncio import base_events, constants, trsock
from collections.abc import Callable, Generator
from typing import Any

from covet._native import BareSocket, Listener
from covet._sockets import INTERNET, SocketOperations, number_of_family
from covet._transports import SocketTransport

__all__ = ["Connections"]

# Tests and programs replace its `socket` module: what it does then is the standard library's own code.
_base_events: Any = base_events
_NONE_THERE = (BlockingIOError, InterruptedError)
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

Factory = Callable[[], asyncio.BaseProtocol]


class Connections(SocketOperations):
    """`create_connection`, and what `create_server` does with those who come."""

    _make_socket_transport: Callable[..., SocketTransport]
    _listening: dict[int, tuple[Listener, tuple[Any, ...]]]
    _remove_reader: Callable[[int], bool]
    call_exception_handler: Callable[[dict[str, Any]], None]

    async def create_connection(
        self, protocol_factory: Factory, host: Any = None, port: Any = None, **options: Any
    ) -> tuple[Any, Any]:
        """Connect to an address; return the transport and the protocol, which was told."""
        sock = (
            None if options or self._debug or _base_events.socket is not socket else BareSocket.connecting(host, port)
        )
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
        making = (protocol_factory, SocketTransport, server)
        descriptor = sock.fileno()
        listener = Listener(self, sock, (descriptor, sock.proto), making, backlog)
        self._listening[descriptor] = (listener, (protocol_factory, sock, sslcontext, server, backlog, *timeouts))
        listener.start()

    def _stop_serving(self, sock: socket.socket) -> None:
        """Accept no more, and close the listening socket."""
        known = self._listening.get(sock.fileno())
        if known is not None and known[1][1] is sock:
            self._stop_listening(sock.fileno())
            sock.close()
        else:
            above: Any = super()
            above._stop_serving(sock)

    def _stop_listening(self, descriptor: int) -> None:
        listener, _ = self._listening.pop(descriptor)
        listener.stop()

    def _accept_failed(self, descriptor: int, error: OSError) -> None:
        """Report it, as asyncio does; where something has run out, accept again after a while."""
        _, arguments = self._listening[descriptor]
        sock = arguments[1]
        if sock.fileno() != descriptor:
            # Closed by somebody else: nobody comes any more.
            self._stop_listening(descriptor)
            return
        exhausted = error.errno in _EXHAUSTED
        words = "out of system resource" if exhausted else "failed"
        self.call_exception_handler(
            {"message": f"socket.accept() {words}", "exception": error, "socket": trsock.TransportSocket(sock)}
        )
        if exhausted:
            self._stop_listening(descriptor)
            self.call_later(constants.ACCEPT_RETRY_DELAY, self._start_serving, *arguments)

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
                self._rest_from_accepting(sock, error)
                self.call_later(constants.ACCEPT_RETRY_DELAY, self._start_serving, *again)
                return
            connection.setblocking(False)
            # What the factory sets in its context is this connection's alone.
            contextvars.copy_context().run(self._begin, connection, address, protocol_factory, server)

    def _rest_from_accepting(self, sock: socket.socket, error: OSError) -> None:
        """Report once that something ran out; the socket stays readable, so it is not watched for a while."""
        self.call_exception_handler(
            {
                "message": "socket.accept() out of system resource",
                "exception": error,
                "socket": trsock.TransportSocket(sock),
            }
        )
        self._remove_reader(sock.fileno())

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
