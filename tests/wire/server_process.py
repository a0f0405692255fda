"""A server under test: `covet run` as a process of its own, on a port that it chooses.

Knows the command line and the lines that it prints; nothing of HTTP.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 20.0
"""Seconds after which what has not happened does not happen."""
LOOP = os.environ.get("COVET_TEST_LOOP", "covet")
"""The event loop of every server under test: `make loops` runs the tests once for each."""
SERVING = r"covet: serving (?:http://127\.0\.0\.1:(\d+)|unix:)"


class ServerProcess:
    """One `covet run`; its standard error is collected line by line."""

    prefix: tuple[str, ...] = ()
    """A command that runs it."""

    def __init__(self, app: str, *flags: str, port: int | None = 0, stdout: int | None = None, **more: Any) -> None:
        """`port` None: the flags say where. `stdout`: a descriptor, else it is ours. `more`: for `Popen`."""
        one = () if "--workers" in flags else ("--workers", "1")
        where = () if port is None else ("--port", str(port))
        words = [*self.prefix, sys.executable, "-m", "covet", "run", app, *where, *one, "--loop", LOOP, *flags]
        self.process = subprocess.Popen(words, cwd=ROOT, stdout=stdout, stderr=subprocess.PIPE, text=True, **more)
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.port = 0

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @property
    def log(self) -> str:
        """All of standard error so far."""
        with self._changed:
            return "".join(self._lines)

    def wait_for(self, pattern: str, count: int = 1) -> list[re.Match[str]]:
        """The first `count` matches of `pattern` in standard error, when they are there."""
        found: list[re.Match[str]] = []

        def look() -> bool:
            found[:] = re.finditer(pattern, "".join(self._lines))
            return len(found) >= count or self._ended

        with self._changed:
            self._changed.wait_for(look, PATIENCE)
            assert len(found) >= count, f"{len(found)} of {count} {pattern!r} in:\n{''.join(self._lines)}"
        return found[:count]

    def wait_until_serving(self) -> None:
        """Until the line that names the port."""
        self.port = int(self.wait_for(SERVING)[0][1] or 0)

    def workers(self) -> list[int]:
        """Process ids of the supervisor's children."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()] if children.exists() else []

    def signal(self, number: signal.Signals) -> None:
        """To the process that was started."""
        self.process.send_signal(number)

    def end(self) -> int:
        """The exit code; waits for it, and for the rest of standard error."""
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        if self.process.stderr is not None:
            self.process.stderr.close()
        return code

    def stop(self) -> None:
        """SIGTERM, which must end it well."""
        self.signal(signal.SIGTERM)
        code = self.end()
        assert code == 0, f"exit code {code}:\n{self.log}"

    def kill(self) -> None:
        """What a failed test leaves behind."""
        if self.process.poll() is None:
            for pid in self.workers():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.kill()
        self.end()


@contextlib.contextmanager
def running(
    app: str, *flags: str, port: int | None = 0, stdout: int | None = None, **more: Any
) -> Iterator[ServerProcess]:
    """A server that serves; at the end it is stopped, unless the test has done that."""
    server = ServerProcess(app, *flags, port=port, stdout=stdout, **more)
    try:
        server.wait_until_serving()
        yield server
        if server.process.poll() is None:
            server.stop()
    finally:
        server.kill()
