"""Listening sockets: one per address, shared by every worker, so that a dead or stuck worker strands no client.

Knows addresses and descriptors; nothing of workers or of HTTP. The engine takes descriptors only.
"""

import array
import contextlib
import errno
import os
import socket
import stat
import struct
import sys

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = ["Sockets", "adopt", "listen", "listen_unix", "refuse_new", "remove_unix", "somaxconn", "url_of"]

_SO_ATTACH_FILTER = 26
_DROP_SYN = (  # classic BPF over the TCP header: drop what has SYN set and ACK not
    (0x30, 0, 0, 13),  # load the byte of flags
    (0x54, 0, 0, 0x12),  # keep ACK and SYN
    (0x15, 0, 1, 0x02),  # SYN alone?
    (0x06, 0, 0, 0),  # drop
    (0x06, 0, 0, 0xFFFFFFFF),  # take
)


class Sockets(list[socket.socket]):
    """The listening sockets of one server."""

    def __init__(self, found: "Iterable[socket.socket]" = (), *, owned: bool = True) -> None:
        super().__init__(found)
        self.owned = owned
        """Whether they end with us: else somebody else listens on them, before and after."""

    def close(self) -> None:
        """Close our copies. Where they end with us: no further connection begins, files are removed."""
        for listener in self:
            if self.owned and listener.fileno() >= 0:
                refuse_new(listener)
                remove_unix(listener)
            listener.close()

    def hand_over(self) -> None:
        """Close our copies; another process goes on with its own."""
        for listener in self:
            listener.close()


def somaxconn(path: str = "/proc/sys/net/core/somaxconn") -> int | None:
    """Connections that the kernel keeps at most, whatever the backlog says (listen(2)); None where it does not tell."""
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


def refuse_new(listener: socket.socket) -> None:
    """Let no further connection begin, so that accepting what waits leaves nothing for the final close to reset.

    Linux and TCP only (socket(7), SO_ATTACH_FILTER); elsewhere nothing happens. For every process that has the socket:
    only before its last copy is closed.
    """
    if sys.platform != "linux" or listener.family == socket.AF_UNIX:
        return
    program = array.array("B", b"".join(struct.pack("=HBBI", *step) for step in _DROP_SYN))
    pointer = struct.pack("@HP", len(_DROP_SYN), program.buffer_info()[0])
    with contextlib.suppress(OSError):  # a sandbox may forbid it: then a connection in that moment is reset
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, pointer)


def listen(hosts: list[str], port: int, backlog: int) -> list[socket.socket]:
    """Listen on every address of every host; `port` 0 takes a free one, the same for all.

    In use, not ours, or a host without address: OSError whose text says which. Without SO_REUSEPORT, so that a second
    server on the port fails; with SO_REUSEADDR, so that a restarted one does not. IPv6 sockets take IPv4 clients too,
    unless an IPv4 address is among the hosts.
    """
    found = [address for host in hosts for address in _addresses(host, port)]
    addresses = list(dict.fromkeys(found))
    dual = any(family == socket.AF_INET for family, _ in addresses)
    opened = list[socket.socket]()
    try:
        for family, address in addresses:
            chosen = port or (opened[0].getsockname()[1] if opened else 0)
            opened.append(_listen_one(family, (address[0], chosen, *address[2:]), backlog, only_v6=dual))
    except OSError:
        for listener in opened:
            listener.close()
        raise
    return opened


def _addresses(host: str, port: int) -> "list[tuple[int, tuple[Any, ...]]]":
    """Family and address of a host."""
    name = host.removeprefix("[").removesuffix("]")
    try:
        found = socket.getaddrinfo(name or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise OSError(error.errno, f"cannot listen on host {host!r}: {error.strerror}") from None
    except UnicodeError as error:  # a part of the name has no or too many characters
        raise OSError(errno.EINVAL, f"cannot listen on host {host!r}: {error}") from None
    return [(family, (str(address[0]), *address[1:])) for family, _, _, _, address in found]


def _listen_one(family: int, address: "tuple[Any, ...]", backlog: int, *, only_v6: bool) -> socket.socket:
    """One listening socket."""
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(only_v6))
        listener.setblocking(False)
        listener.bind(address)
        listener.listen(backlog)
    except OSError as error:
        listener.close()
        why = "port in use" if error.errno == errno.EADDRINUSE else error.strerror
        raise OSError(error.errno, f"cannot listen on {_authority(str(address[0]), int(address[1]))}: {why}") from None
    return listener


def listen_unix(path: str, backlog: int, mode: int = 0o660) -> socket.socket:
    """Listen on a Unix socket at `path` with file mode `mode`; a stale file, which nobody listens on, is replaced.

    A path that begins with @ is a name in the abstract space (unix(7), Linux): no file, no mode.
    In use, no socket, or not ours: OSError whose text says which.
    """
    if path.startswith("@"):
        return _listen_abstract(path, backlog)
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o777)  # nobody connects before the mode is set
    try:
        listener.setblocking(False)
        listener.bind(path)
        os.chmod(path, mode)
        listener.listen(backlog)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"cannot listen on unix:{path}: {error.strerror or error}") from None
    finally:
        os.umask(before)
    return listener


def _listen_abstract(name: str, backlog: int) -> socket.socket:
    """Listen on @name."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.setblocking(False)
        listener.bind("\0" + name[1:])
        listener.listen(backlog)
    except OSError as error:
        listener.close()
        why = "socket in use" if error.errno == errno.EADDRINUSE else error.strerror or error
        raise OSError(error.errno, f"cannot listen on unix:{name}: {why}") from None
    return listener


def _remove_stale(path: str) -> None:
    """Remove a socket file that nobody listens on."""
    try:
        kind = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise OSError(error.errno, f"cannot listen on unix:{path}: {error.strerror}") from None
    if not stat.S_ISSOCK(kind):
        raise OSError(errno.EEXIST, f"cannot listen on unix:{path}: a file that is no socket is there")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        refused = probe.connect_ex(path)
    if refused != errno.ECONNREFUSED:
        raise OSError(errno.EADDRINUSE, f"cannot listen on unix:{path}: socket in use")
    os.unlink(path)


def remove_unix(listener: socket.socket) -> None:
    """Remove the file of a Unix socket that we made; any other socket, or a closed one, is left alone."""
    if listener.fileno() >= 0 and listener.family == socket.AF_UNIX:
        path = listener.getsockname()
        if path and isinstance(path, str) and os.path.exists(path):
            os.unlink(path)


def adopt(fd: int, name: str = "") -> socket.socket:
    """A duplicate of an inherited listening socket, which somebody may have called `name`. Not one: OSError."""
    shown = f"descriptor {fd} ({name})" if name else f"descriptor {fd}"
    try:
        listener = socket.socket(fileno=os.dup(fd))
    except OSError as error:
        raise OSError(error.errno, f"cannot listen on {shown}: {error.strerror}") from None
    if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        listener.close()
        raise OSError(errno.EINVAL, f"cannot listen on {shown}: it is no listening socket")
    listener.setblocking(False)
    return listener


def url_of(listener: socket.socket) -> str:
    """Where a client finds it: http://127.0.0.1:8000, or unix:/run/app.sock."""
    name = listener.getsockname()
    if listener.family == socket.AF_UNIX:
        return f"unix:{os.fsdecode(name)}".replace("\0", "@", 1)
    return f"http://{_authority(name[0], name[1])}"


def _authority(host: str, port: int) -> str:
    """Host and port of a URL (RFC 3986 section 3.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
