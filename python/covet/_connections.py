"""How connections of the loop begin: the frequent cases without a detour.

An address that is a number needs no looking up and is the only one to try; a connection that was accepted needs no
task of its own. Everything else (names, TLS, local addresses, debug mode) is the standard library's code.
"""

import asyncio
import contextvars
import errno
import socket
import types
from asyncio import base_events, constants, trsock
from collections.abc import Callable, Generator
from typing import Any

from covet._sockets import SocketOperations, is_number, number_of_family
from covet._transports import SocketTransport

__all__ = ["Connections"]

# Its `socket` module is asked for at each use, as the standard library's own code does.
_base_events: Any = base_events
_NONE_THERE = (BlockingIOError, InterruptedError)
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_EVERYWHERE = "0.0.0.0"  # noqa: S104 - it is compared with, not bound
"""Who connects to it reaches the host itself: the peer has another address."""

Factory = Callable[[], asyncio.BaseProtocol]


class Connections(SocketOperations):
    """`create_connection`, and what `create_server` does with those who come."""

    _make_socket_transport: Callable[..., SocketTransport]
    _start_serving: Callable[..., None]
    _remove_reader: Callable[[int], bool]
    call_exception_handler: Callable[[dict[str, Any]], None]

    async def create_connection(
        self, protocol_factory: Factory, host: Any = None, port: Any = None, **options: Any
    ) -> tuple[Any, Any]:
        """Connect to an address; return the transport and the protocol, which was told."""
        if options or self._debug or not is_number(host, port):
            above: Any = super()
            made: tuple[Any, Any] = await above.create_connection(protocol_factory, host, port, **options)
            return made
        sockets = _base_events.socket
        sock = sockets.socket(family=sockets.AF_INET, type=sockets.SOCK_STREAM, proto=sockets.IPPROTO_TCP)
        address = (host, port)
        try:
            sock.setblocking(False)
            await self.sock_connect(sock, address)
            protocol = protocol_factory()
            known = None if host == _EVERYWHERE else {"peername": address}
            transport = self._make_socket_transport(sock, protocol, extra=known)
        except BaseException:
            sock.close()
            raise
        try:
            # What the transport scheduled comes first: the protocol knows it then.
            await _next_turn()
        except BaseException:
            transport.close()
            raise
        return transport, protocol

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


@types.coroutine
def _next_turn() -> Generator[None]:
    """Let what is scheduled run."""
    yield
