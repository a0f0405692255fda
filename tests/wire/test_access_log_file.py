"""The access log in a file: opened anew at a signal, one file for all workers."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.wire.connection import ask
from tests.wire.server_process import PATIENCE, ServerProcess, running


def until(fact: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not fact():
        assert time.monotonic() < end
        time.sleep(0.01)


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_file_that_is_moved_aside(tmp_path: Path, workers: str) -> None:
    log, aside = tmp_path / "access.log", tmp_path / "access.log.1"
    log.write_text("what was there\n")
    with running("examples.echo:main", "--workers", workers, "--access-log-file", str(log)) as server:
        for number in range(10):
            assert ask(server.port, "GET", f"/before/{number}").status == 200
        until(lambda: len(lines(log)) == 11)
        assert lines(log)[0] == "what was there"
        log.rename(aside)
        server.signal(signal.SIGUSR1)
        until(log.exists)
        ask(server.port, "GET", "/between")
        until(lambda: any("/between" in line for line in lines(log) + lines(aside)))
        wait_for_both(server, log)
        assert len(lines(aside)) + len(lines(log)) >= 12, "no line is lost"
        server.stop()


def wait_for_both(server: ServerProcess, log: Path) -> None:
    """Until every worker has opened the new file: then nothing is appended to the old one."""
    end = time.monotonic() + PATIENCE
    fresh = 0
    while fresh < 10:
        assert time.monotonic() < end
        count = len(lines(log))
        ask(server.port, "GET", "/after")
        moment = time.monotonic() + 0.5
        while len(lines(log)) == count and time.monotonic() < moment:
            time.sleep(0.005)
        fresh = fresh + 1 if len(lines(log)) > count else 0


def test_where_it_cannot_be_opened_anew_lines_go_on(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    log = folder / "access.log"
    with running("examples.echo:main", "--access-log-file", str(log)) as server:
        folder.rename(tmp_path / "moved")
        server.signal(signal.SIGUSR1)
        server.wait_for(rf"covet: cannot open the access log {log} anew: No such file or directory")
        ask(server.port, "GET", "/still")
        until(lambda: any("/still" in line for line in lines(tmp_path / "moved" / "access.log")))
        server.stop()


@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_file_that_cannot_be_opened(tmp_path: Path, workers: str) -> None:
    server = ServerProcess("examples.echo:main", "--workers", workers, "--access-log-file", str(tmp_path))
    assert server.end() == 1
    assert "cannot serve: " in server.log
    assert "Is a directory" in server.log
    assert "Traceback" not in server.log


def test_standard_output(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        with running("examples.echo:main", "--access-log-file", "-", stdout=out.fileno()) as server:
            ask(server.port, "GET", "/there")
            server.signal(signal.SIGUSR1)
            ask(server.port, "GET", "/still")
            server.stop()
    text = (tmp_path / "out").read_text()
    assert "/there" in text
    assert "/still" in text
