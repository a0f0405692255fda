"""What the service manager gives and is told: real sockets, and a server started as systemd would start it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from covet._systemd import Notifier, take_listen_fds
from covet.listeners import listen, listen_unix
from tests.wire.connection import ask
from tests.wire.server_process import PATIENCE, ServerProcess, running

ECHO = "examples.echo:main"
AS_FD_3 = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Starts a program as systemd does: the socket is descriptor 3, and the variable names the process."""


class Manager:
    """The end of NOTIFY_SOCKET that listens."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address.replace("@", "\0", 1) if address.startswith("@") else address)
        self.socket.settimeout(PATIENCE)

    def hear(self, *words: str) -> dict[str, str]:
        """The next message that has all these variables."""
        while True:
            message = dict(line.split("=", 1) for line in self.socket.recv(4096).decode().splitlines())
            if set(words) <= message.keys():
                return message

    def heard(self) -> list[str]:
        """All messages that are waiting."""
        self.socket.setblocking(False)
        found = []
        while True:
            try:
                found.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return found


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    if request.param == "abstract" and sys.platform != "linux":
        pytest.skip("no abstract sockets")
    found = Manager(str(tmp_path / "notify") if request.param == "path" else f"@covet-test-{os.getpid()}")
    yield found
    found.socket.close()


def environment(manager: Manager, **more: str) -> dict[str, str]:
    return {**os.environ, "NOTIFY_SOCKET": manager.address, **more}


@pytest.mark.parametrize("workers", ["0", "2"])
def test_ready_and_stopping(manager: Manager, workers: str) -> None:
    with running("tests.faults.app:main", "--workers", workers, env=environment(manager)) as server:
        message = manager.hear("READY")
        assert message["READY"] == "1"
        assert str(server.port) in message["STATUS"]
        assert ask(server.port, "GET", "/environment/NOTIFY_SOCKET").body == b"unset", "the service is its main process"
        server.signal(signal.SIGTERM)
        assert manager.hear("STOPPING")["STOPPING"] == "1"
        assert server.end() == 0


def test_reloading(manager: Manager) -> None:
    with running(ECHO, "--workers", "2", env=environment(manager)) as server:
        manager.hear("READY")
        before = time.monotonic_ns() // 1000
        server.signal(signal.SIGHUP)
        message = manager.hear("RELOADING")
        assert before <= int(message["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
        assert manager.hear("READY")["STATUS"].startswith("serving ")
        server.wait_for("covet: replaced\n")
        server.stop()


@pytest.mark.parametrize("workers", ["0", "1"])
def test_signs_of_life(manager: Manager, workers: str) -> None:
    with running(ECHO, "--workers", workers, env=environment(manager, WATCHDOG_USEC="100000")) as server:
        began = time.monotonic()
        manager.hear("READY")
        for _ in range(20):
            manager.hear("WATCHDOG")
        assert time.monotonic() - began > 0.3, "twice in the time that is allowed, not much more often"
        server.stop()


def test_who_follows_is_told_of(manager: Manager) -> None:
    with running(ECHO, env=environment(manager)) as server:
        manager.hear("READY")
        server.signal(signal.SIGUSR2)
        message = manager.hear("MAINPID")
        assert message["READY"] == "1"
        follower = int(message["MAINPID"])
        assert server.process.wait(PATIENCE) == 0
        assert not any("STOPPING" in text for text in manager.heard()), "the service goes on"
        manager.socket.settimeout(PATIENCE)
        os.kill(follower, signal.SIGTERM)
        manager.hear("STOPPING")
        assert server.end() == 0, "it has ended, and so has who follows: nobody writes to standard error any more"


@pytest.mark.parametrize("workers", ["0", "2"])
def test_sockets_of_the_manager(workers: str) -> None:
    """It listens before the server starts and after it has ended: what comes then waits for the next one."""
    (listener,) = listen(["127.0.0.1"], 0, 16)
    port = listener.getsockname()[1]
    variables = {**os.environ, "LISTEN_FDS": "1", "LISTEN_FDNAMES": "web.socket"}

    class Activated(ServerProcess):
        prefix = (sys.executable, "-c", AS_FD_3, str(listener.fileno()))

    def serve(flag: str) -> None:
        server = Activated(ECHO, "--workers", workers, port=None, env=variables, pass_fds=[listener.fileno()])
        try:
            server.wait_until_serving()
            assert server.port == port
            assert waiting.recv(4096).startswith(b"HTTP/1.1 200 "), flag
            server.stop()
        finally:
            server.kill()

    with listener:
        for flag in ("first", "second"):
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as waiting:
                waiting.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                serve(flag)


def test_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables of another process are ignored, and forgotten."""
    monkeypatch.setenv("LISTEN_FDS", "1")
    monkeypatch.setenv("LISTEN_PID", str(os.getpid() + 1))
    assert take_listen_fds() == []
    assert not any(name.startswith("LISTEN_") for name in os.environ)


@pytest.mark.parametrize(
    ("count", "names", "found"),
    [
        ("2", "web:admin", [(3, "web"), (4, "admin")]),
        ("2", "web", [(3, "web"), (4, "unknown")]),
        ("1", "", [(3, "")]),
        ("0", "", []),
        ("many", "", []),
        ("-1", "", []),
    ],
)
def test_names(monkeypatch: pytest.MonkeyPatch, count: str, names: str, found: list[tuple[int, str]]) -> None:
    monkeypatch.setenv("LISTEN_FDS", count)
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    monkeypatch.setenv("LISTEN_FDNAMES", names)
    assert take_listen_fds() == found


def test_nobody_to_tell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for address in ("", "vsock:2:1234", str(tmp_path / "nobody")):
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        notifier = Notifier()
        notifier.ready("serving")
        notifier.stopping()
        assert notifier.watchdog is None


def test_a_watchdog_of_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere")
    monkeypatch.setenv("WATCHDOG_USEC", "3000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid() + 1))
    assert Notifier().watchdog is None
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere")
    monkeypatch.setenv("WATCHDOG_USEC", "3000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    assert Notifier().watchdog == 1.5


def test_a_descriptor_that_does_not_listen() -> None:
    with open(os.devnull, "rb") as file:
        command = [sys.executable, "-c", AS_FD_3, str(file.fileno()), sys.executable, "-m", "covet", "run", ECHO]
        variables = {**os.environ, "LISTEN_FDS": "1", "LISTEN_FDNAMES": "web.socket"}
        ran = subprocess.run(
            command,
            env=variables,
            pass_fds=[file.fileno()],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert ran.returncode == 1
    assert re.fullmatch(r"covet: cannot listen on descriptor 3 \(web\.socket\): .+\n", ran.stderr)


def test_a_unix_socket_of_the_manager_stays(tmp_path: Path) -> None:
    path = str(tmp_path / "web.sock")
    with listen_unix(path, 16) as listener:
        with running(ECHO, "--fd", str(listener.fileno()), port=None, pass_fds=[listener.fileno()]) as server:
            server.wait_for(f"covet: serving unix:{re.escape(path)} ")
            server.stop()
        assert os.path.exists(path), "whoever made it removes it"
