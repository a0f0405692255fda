"""Programs that tests use and this repository does not bring: where they are, and how they are started.

Knows the programs by name; nothing of what a test asks of them.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.wire.server_process import PATIENCE

_PATHS = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/local/go/bin"])
_IN_CI = frozenset({"curl", "haproxy", "nginx"})
"""Installed by .ci/run: where the environment says CI they are there, or the test fails."""
_WANTED = frozenset(os.environ.get("COVET_TEST_NEEDS", "").split()) | (_IN_CI if "CI" in os.environ else frozenset())


def program(name: str) -> str | None:
    """Where a program is, also where only root's PATH has it."""
    return shutil.which(name, path=_PATHS)


def needs(*names: str) -> pytest.MarkDecorator:
    """A mark that skips where a program is missing, unless somebody has said that it is there."""
    missing = [name for name in names if program(name) is None and name not in _WANTED]
    return pytest.mark.skipif(bool(missing), reason=f"not on this machine: {', '.join(missing)}")


def free_port() -> int:
    """A port that was free a moment ago: for programs that cannot choose one themselves."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextlib.contextmanager
def listening(command: Sequence[str], port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """A program in the foreground, from when it accepts on its port until it is told to end."""
    with subprocess.Popen(command) as process:
        try:
            _wait_until_accepting(process, port)
            yield process
        finally:
            process.terminate()


def _wait_until_accepting(process: "subprocess.Popen[bytes]", port: int) -> None:
    for _ in range(int(PATIENCE / 0.02)):
        assert process.poll() is None, f"{process.args!r} ended with {process.returncode}"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)  # it has no signal of readiness
    raise TimeoutError(port)


@contextlib.contextmanager
def nginx(folder: Path, port: int, configuration: str) -> Iterator[None]:
    """The web server with this configuration; it keeps its files in `folder`."""
    file = folder / "nginx.conf"
    file.write_text(configuration)
    command = [str(program("nginx")), "-c", str(file), "-e", str(folder / "nginx.error.log")]
    with listening(command, port):
        yield
