"""The loop's `sock_*` operations: tried first, and where that would block, tried again when the socket is ready.

The waiting is native (`Scheduler._when_ready`); of a plain `sock_recv` and `sock_sendall` so is the system call.
"""

import _socket
import asyncio
import socket
import ssl
from asyncio import base_events
from collections.abc import Callable
from typing import Any

from covet._native import Scheduler

__all__ = ["INTERNET", "SocketOperations", "is_number", "number_of_family", "send_at_once"]

_ensure_not_tls: Callable[[socket.socket], None] = base_events._check_ssl_socket  # type: ignore[attr-defined]
_BLOCKED = (BlockingIOError, InterruptedError)
_set_nodelay: Callable[[Any], None] = base_events._set_nodelay  # type: ignore[attr-defined]
_Member = Callable[[socket.socket], int]
_family: _Member = _socket.socket.family.__get__
_type: _Member = _socket.socket.type.__get__
_proto: _Member = _socket.socket.proto.__get__
INTERNET = (socket.AF_INET, socket.AF_INET6)
_LARGEST = 1 << 20
"""So much is received natively at once; what asks for more has its own room made by the socket."""


class SocketOperations(Scheduler):
    """Operations on sockets of one's own, as coroutines."""

    _ensure_fd_no_transport: Callable[[object], None]
    _ensure_resolved: Callable[..., Any]

    async def sock_recv(self, sock: socket.socket, n: int) -> bytes:
        """Receive up to `n` bytes; `b""` is the end."""
        if type(sock) is not socket.socket or self._debug or not 0 <= n <= _LARGEST:
            self._check_socket(sock)
            return await self._receive_by_method(sock, n)
        descriptor = sock.fileno()
        data = self._receive(descriptor, n)
        if data is not None:
            return data
        if descriptor in self._transports:
            self._ensure_fd_no_transport(descriptor)
        return await self._when_received(sock, descriptor, n)

    async def _receive_by_method(self, sock: socket.socket, n: int) -> bytes:
        """For a socket with a `recv` of its own, very much at once, or debug mode."""
        while True:
            try:
                return sock.recv(n)
            except _BLOCKED:
                waiting = self._until_ready(sock, False)
            await waiting

    async def sock_recv_into(self, sock: socket.socket, buf: Any) -> int:
        """Receive into a buffer; return how many bytes."""
        self._check_socket(sock)
        while True:
            try:
                return sock.recv_into(buf)
            except _BLOCKED:
                waiting = self._until_ready(sock, False)
            await waiting

    async def sock_recvfrom(self, sock: socket.socket, bufsize: int) -> tuple[bytes, Any]:
        """Receive a datagram and its sender's address."""
        self._check_socket(sock)
        while True:
            try:
                return sock.recvfrom(bufsize)
            except _BLOCKED:
                waiting = self._until_ready(sock, False)
            await waiting

    async def sock_recvfrom_into(self, sock: socket.socket, buf: Any, nbytes: int = 0) -> tuple[int, Any]:
        """Receive a datagram into a buffer; return its size and its sender's address."""
        self._check_socket(sock)
        while True:
            try:
                return sock.recvfrom_into(buf, nbytes or len(buf))
            except _BLOCKED:
                waiting = self._until_ready(sock, False)
            await waiting

    async def sock_sendall(self, sock: socket.socket, data: Any) -> None:
        """Send all of `data`."""
        if type(sock) is socket.socket and type(data) is bytes and not self._debug:
            sent = self._send(sock.fileno(), data)
        else:
            self._check_socket(sock)
            try:
                sent = sock.send(data)
            except _BLOCKED:
                sent = 0
        if sent == len(data):
            return
        with memoryview(data) as view, view.cast("B") as rest:
            while sent < len(rest):
                await self._until_ready(sock, True)
                try:
                    sent += sock.send(rest[sent:])
                except _BLOCKED:
                    continue

    async def sock_sendto(self, sock: socket.socket, data: Any, address: Any) -> int:
        """Send a datagram; return how many bytes went."""
        self._check_socket(sock)
        while True:
            try:
                return sock.sendto(data, address)
            except _BLOCKED:
                waiting = self._until_ready(sock, True)
            await waiting

    async def sock_accept(self, sock: socket.socket) -> tuple[socket.socket, Any]:
        """Accept a connection; return its socket, which does not block, and the peer's address."""
        self._check_socket(sock)
        while True:
            try:
                connection, address = sock.accept()
            except _BLOCKED:
                waiting = self._until_ready(sock, False)
            else:
                connection.setblocking(False)
                return connection, address
            await waiting

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        """Connect to an address; a host name is looked up first."""
        self._check_socket(sock)
        family = number_of_family(sock)
        is_known = family == socket.AF_INET and len(address) == 2 and is_number(*address)
        if family in (socket.AF_INET, socket.AF_INET6) and not is_known:
            resolved = await self._ensure_resolved(
                address, family=sock.family, type=sock.type, proto=sock.proto, loop=self
            )
            address = resolved[0][4]
        try:
            sock.connect(address)
        except _BLOCKED:
            # An interrupted connect goes on in the background as well.
            waiting = self._until_ready(sock, True)
        else:
            return
        await waiting
        number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number != 0:
            raise OSError(number, f"Connect call failed {address}")

    def _check_socket(self, sock: socket.socket) -> None:
        if isinstance(sock, ssl.SSLSocket):
            _ensure_not_tls(sock)
        if self._debug and sock.gettimeout() != 0:
            raise ValueError("the socket must be non-blocking")

    def _until_ready(self, sock: socket.socket, writing: bool) -> asyncio.Future[None]:
        descriptor = sock.fileno()
        if descriptor in self._transports:
            self._ensure_fd_no_transport(descriptor)
        return self._when_ready(descriptor, writing)


def number_of_family(sock: Any) -> int:
    """The family of a socket. Asked by its property, a socket of Python's makes a member of an enum each time."""
    if type(sock) is socket.socket:
        return _family(sock)
    family: int = sock.family
    return family


def send_at_once(sock: Any) -> None:
    """No delay of small writes (`TCP_NODELAY`), where the socket is TCP's: asyncio does it for each transport."""
    if type(sock) is not socket.socket:
        _set_nodelay(sock)
    elif _family(sock) in INTERNET and _type(sock) == socket.SOCK_STREAM and _proto(sock) == socket.IPPROTO_TCP:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def is_number(host: Any, port: Any, *_: Any) -> bool:
    """Whether this is an address of IPv4 as the kernel takes it, which needs no looking up."""
    if type(host) is not str or type(port) is not int or not host[:1].isdigit():
        return False
    try:
        socket.inet_pton(socket.AF_INET, host)
    except (OSError, ValueError):
        return False
    return True
