"""Real servers for the libraries: PostgreSQL and Redis from the system's packages, each on a port of its own.

Knows how to find, start and stop them; nothing of the libraries.
"""

import contextlib
import glob
import importlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

REQUIRED = bool(os.environ.get("COVET_LIBRARIES"))
"""Nothing that is absent is skipped: `make libraries` runs."""
PATIENCE = 30.0


@dataclass(frozen=True)
class Service:
    """A server that answers: over TCP on loopback, and at a Unix socket in `folder`."""

    port: int
    folder: Path
    authority: Path
    """The certificate that its own is signed with."""


def library(name: str) -> Any:
    """A module of requirements/matrix.txt; its tests are skipped where it is not installed."""
    if REQUIRED:
        return importlib.import_module(name)
    return pytest.importorskip(name, reason=f"{name} is not installed: make libraries")


def program(name: str, package: str) -> str:
    """The path of a server's program."""
    found = shutil.which(name) or next(iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)), None)
    if found is None and not REQUIRED:
        pytest.skip(f"{name} is not installed: apt-get install {package}")
    assert found, f"{name} is not installed: apt-get install {package}"
    return found


def free_port() -> int:
    """A port that nobody has; these servers cannot choose their own."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def certificate(folder: Path) -> tuple[Path, Path, Path]:
    """A certificate for localhost with its key, and the authority's: three files."""
    trustme = library("trustme")
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    paths = folder / "certificate.pem", folder / "key.pem", folder / "authority.pem"
    issued.cert_chain_pems[0].write_to_path(paths[0])
    issued.private_key_pem.write_to_path(paths[1])
    authority.cert_pem.write_to_path(paths[2])
    return paths


@contextlib.contextmanager
def started(words: list[str], is_ready: Callable[[], bool], log: Path, **options: Any) -> Iterator[None]:
    """A process that is ready; it is ended with SIGINT, which these servers take for a fast shutdown."""
    with log.open("w") as output:
        process = subprocess.Popen(words, stdout=output, stderr=subprocess.STDOUT, **options)
    try:
        until = time.monotonic() + PATIENCE
        while not is_ready():
            assert process.poll() is None, f"{words[0]} ended with {process.returncode}:\n{log.read_text()}"
            assert time.monotonic() < until, f"{words[0]} is not ready:\n{log.read_text()}"
            time.sleep(0.02)
        yield
    finally:
        process.send_signal(2)
        process.wait(PATIENCE)


def other_user() -> dict[str, Any]:
    """For `subprocess`: a user that is not root, where we are; PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return {}
    import pwd

    names = [entry.pw_name for entry in pwd.getpwall()]
    name = "postgres" if "postgres" in names else "nobody"
    return {"user": name, "group": pwd.getpwnam(name).pw_gid, "extra_groups": []}


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[Service]:
    """PostgreSQL with the superuser `covet`, who needs no password."""
    server, initdb = program("postgres", "postgresql"), program("initdb", "postgresql")
    user = other_user()
    paths = certificate(folder)
    if user:
        for path in (folder, *paths):
            shutil.chown(path, user["user"], user["group"])
    paths[1].chmod(0o600)
    data = folder / "data"
    words = [
        initdb,
        "--pgdata",
        str(data),
        "--auth=trust",
        "--username=covet",
        "--no-sync",
        "--encoding=UTF8",
        "--locale=C",
    ]
    subprocess.run(words, check=True, capture_output=True, cwd=folder, **user)
    port = free_port()
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": folder,
        "fsync": "off",
        "ssl": "on",
        "ssl_cert_file": paths[0],
        "ssl_key_file": paths[1],
    }
    words = [server, "-D", str(data), *(f"--{name}={value}" for name, value in settings.items())]
    ready = [program("pg_isready", "postgresql"), "--quiet", "--host", str(folder), "--port", str(port)]
    with started(words, lambda: subprocess.run(ready, check=False).returncode == 0, folder / "log", cwd=folder, **user):
        yield Service(port, folder, paths[2])


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[Service]:
    """Redis, which keeps nothing on disk."""
    port = free_port()
    words = [program("redis-server", "redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    words += ["--unixsocket", str(folder / "redis.sock"), "--dir", str(folder)]

    def is_ready() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(5) == b"+PONG"
        return False

    with started(words, is_ready, folder / "log"):
        yield Service(port, folder, folder)
