"""The examples of docs/embedding.md run as they stand."""

import re
import signal
import subprocess
import sys

import pytest

from tests.wire.connection import ask
from tests.wire.server_process import PATIENCE, ROOT

FOLDER = ROOT / "examples" / "embedding"


@pytest.mark.parametrize(
    ("name", "says"), [("in_a_program", r"look at http://127\.0\.0\.1:\d+/measured"), ("in_a_thread", "hello")]
)
def test_an_example_that_ends_by_itself(name: str, says: str) -> None:
    words = [sys.executable, "-W", "error", str(FOLDER / f"{name}.py")]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert re.fullmatch(says, ran.stdout.strip())
    assert not ran.stderr


@pytest.mark.parametrize("by", ["signal", "handler"])
def test_an_example_that_serves_until_it_is_stopped(by: str) -> None:
    words = [sys.executable, "-W", "error", str(FOLDER / "until_a_signal.py")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.fullmatch(r"serving http://127\.0\.0\.1:(\d+)\n", process.stdout.readline())
            assert found
            if by == "signal":
                process.send_signal(signal.SIGTERM)
            else:
                assert ask(int(found[1]), "POST", "/stop").body == b"stopping"
            assert process.stdout.read() == "ended\n"
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
