"""slowhttptest: a thousand clients that send or read as slowly as they can, and one that does not notice.

The limits that would end such clients are raised, so that all of them are there while the other one is measured.
"""

import json
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.load.measures import calm_p99, cpu_seconds, descriptors
from tests.wire.connection import ask
from tests.wire.programs import needs, program
from tests.wire.server_process import PATIENCE, ServerProcess, running

APP = "tests.load.app:main"
SLOW = 1000
SECONDS = 40
"""Of an attack: until all are connected, and some measuring."""
RAISED = (
    "--head-timeout", "600", "--body-timeout", "600", "--body-min-rate", "1", "--body-rate-grace", "600", "--write-timeout", "600",
    "--max-head", "1MiB", "--max-fields", "10000",
)  # fmt: skip
AT_LEAST = 0.001
"""Seconds: below this, what is measured is the measuring."""
MODES = {
    "head": ("-H", "-t", "GET", "-i", "1", "-x", "24"),
    "body": ("-B", "-t", "POST", "-i", "1", "-x", "10", "-s", "65536"),
    "read": ("-X", "-t", "GET", "-i", "1", "-k", "3", "-w", "512", "-y", "1024", "-n", "1", "-z", "32"),
}
TARGETS = {"head": "/", "body": "/body", "read": "/large"}


def attack(port: int, mode: str, folder: Path, seconds: int) -> "subprocess.Popen[bytes]":
    """Start the slow clients."""
    url = f"http://127.0.0.1:{port}{TARGETS[mode]}"
    command: Sequence[str] = [
        str(program("slowhttptest")), *MODES[mode], "-c", str(SLOW), "-r", "500", "-p", "20", "-l", str(seconds), "-u", url,
    ]  # fmt: skip
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_for(server: ServerProcess, count: int) -> None:
    """Until the server holds at least so many connections."""
    deadline = time.monotonic() + 1.5 * PATIENCE
    while descriptors(server.process.pid) < count:
        assert time.monotonic() < deadline, descriptors(server.process.pid)
        time.sleep(0.05)  # asking would take the time that they need to connect


@pytest.mark.soak
@needs("slowhttptest")
@pytest.mark.timeout(180)
@pytest.mark.parametrize("mode", ["head", "body", "read"])
def test_nobody_notices_slow_clients(tmp_path: Path, mode: str) -> None:
    log = tmp_path / "log"
    flags = ("--workers", "0", *RAISED, "--access-log", "--access-log-format", "json")
    with log.open("wb") as out, running(APP, *flags, stdout=out.fileno()) as server:
        before = calm_p99(server.port)
        with attack(server.port, mode, tmp_path, SECONDS) as slow:
            wait_for(server, SLOW)
            used, began = cpu_seconds(server.process.pid), time.monotonic()
            time.sleep(2)  # what the slow clients alone cost
            share = (cpu_seconds(server.process.pid) - used) / (time.monotonic() - began)
            during = calm_p99(server.port)
            assert slow.poll() is None, "it was over before the measuring"
            assert descriptors(server.process.pid) > SLOW * 0.9, "they are still there"
            slow.kill()
        assert during <= 2 * max(before, AT_LEAST), f"p99 {before * 1e3:.2f} ms, then {during * 1e3:.2f} ms"
        assert share < 0.5, f"{share:.0%} of a processor for clients that do nothing"
        assert ask(server.port, "GET", "/").status == 200
        server.stop()
        assert "Traceback" not in server.log
    statuses = Counter(json.loads(line)["status"] for line in log.read_text().splitlines())
    del statuses[499]  # who was there still when the attack ended
    assert set(statuses) == {200}, f"a limit was reached: {statuses}"


@pytest.mark.soak
@needs("slowhttptest")
@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("mode", "flags"),
    [("head", ("--head-timeout", "3")), ("body", ("--body-timeout", "1.5", "--body-rate-grace", "3"))],
)
def test_slow_clients_are_ended(tmp_path: Path, mode: str, flags: tuple[str, ...]) -> None:
    """With limits as they are meant, only shorter: every slow client is answered 408, and none is left."""
    log = tmp_path / "log"
    logged = ("--access-log", "--access-log-format", "json")
    with log.open("wb") as out, running(APP, "--workers", "0", *flags, *logged, stdout=out.fileno()) as server:
        with attack(server.port, mode, tmp_path, 15) as slow:
            wait_for(server, SLOW // 2)
            slow.wait(60)
        deadline = time.monotonic() + PATIENCE
        while descriptors(server.process.pid) > 50:
            assert time.monotonic() < deadline, descriptors(server.process.pid)
            assert ask(server.port, "GET", "/").status == 200
        server.stop()
    statuses = Counter(json.loads(line)["status"] for line in log.read_text().splitlines())
    assert statuses[408] >= SLOW * 0.9, statuses
    assert set(statuses) == {200, 408}, statuses
