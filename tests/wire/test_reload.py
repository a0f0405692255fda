"""`covet run --reload`, as the browser beside the editor sees it."""

import os
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.wire.answers import Answer
from tests.wire.connection import Connection, EndedError, request
from tests.wire.server_process import PATIENCE, ServerProcess

BOUND = 5.0
"""Seconds from a save to the new answer, on a machine where everything else runs too; `make bench-reload` measures."""
APP = """
from covet import Covet
main = Covet()

@main.get("/")
async def hello() -> str:
    return "{}"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    save(folder / "hello.py", "first")
    return folder


def save(file: Path, answer: str) -> None:
    """Put an application there, as an editor does that writes into the file."""
    file.write_text(APP.format(answer))


@pytest.fixture
def start(project: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Serve the project and wait until changes are seen."""
    started: list[ServerProcess] = []

    def run(*flags: str, serving: bool = True) -> ServerProcess:
        server = ServerProcess("hello:main", "--reload", "--app-dir", str(project), *flags)
        started.append(server)
        server.wait_for(rf"covet: watching {re.escape(str(project))}\n")
        if serving:
            server.wait_until_serving()
        return server

    yield run
    for server in started:
        server.kill()


def ask(server: ServerProcess) -> Answer:
    """One request on a connection of its own, which waits as long as it takes."""
    with Connection(server.port) as connection:
        connection.send(request("GET", "/", (("Connection", "close"),), b""))
        return connection.next_answer()


def wait_for_answer(server: ServerProcess, text: str) -> float:
    """Seconds until the answer is this one; every request before is answered too."""
    begin = time.monotonic()
    while (answer := ask(server)).body != text.encode():
        assert answer.status == 200
        assert time.monotonic() - begin < PATIENCE, f"still {answer.body!r}:\n{server.log}"
    return time.monotonic() - begin


def test_a_save_takes_effect_soon_and_no_request_fails(start: Callable[..., ServerProcess], project: Path) -> None:
    server = start()
    assert ask(server).body == b"first"
    for number in range(5):
        save(project / "hello.py", f"save {number}")
        assert wait_for_answer(server, f"save {number}") < BOUND
    server.stop()


def test_requests_that_never_stop_see_no_failure(start: Callable[..., ServerProcess], project: Path) -> None:
    server = start()
    done = threading.Event()
    failed: list[object] = []

    def keep_asking() -> None:
        while not done.is_set():
            try:
                answer = ask(server)
                failed.extend([answer] if answer.status != 200 else [])
            except (OSError, EndedError) as error:
                failed.append(error)

    threads = [threading.Thread(target=keep_asking) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(5):
        save(project / "hello.py", f"save {number}")
        wait_for_answer(server, f"save {number}")
    done.set()
    for thread in threads:
        thread.join()
    assert not failed


def test_a_mistake_is_shown_and_the_next_save_recovers(start: Callable[..., ServerProcess], project: Path) -> None:
    server = start()
    (project / "hello.py").write_text("def (")
    server.wait_for(r"importing hello failed:\n(.*\n)*SyntaxError: .*\ncovet: waiting for a change\n")
    with Connection(server.port) as waiting:
        waiting.send(request("GET", "/", (), b""))
        save(project / "hello.py", "mended")
        assert waiting.next_answer().body == b"mended"
    server.stop()


def test_a_mistake_at_the_start_waits_for_a_save_too(start: Callable[..., ServerProcess], project: Path) -> None:
    (project / "hello.py").write_text("raise RuntimeError('no dsn')")
    server = start(serving=False)
    server.wait_for(r"RuntimeError: no dsn\ncovet: waiting for a change\n")
    save(project / "hello.py", "mended")
    server.wait_until_serving()
    assert ask(server).body == b"mended"
    server.stop()


def test_debug_is_on(start: Callable[..., ServerProcess], project: Path) -> None:
    (project / "hello.py").write_text(APP.replace('return "{}"', "raise ValueError('seen by who writes it')"))
    server = start()
    with Connection(server.port) as connection:
        answer = connection.ask("GET", "/", (("Accept", "text/html"),))
    assert (answer.status, answer.media_type) == (500, "text/html; charset=utf-8")
    assert b"seen by who writes it" in answer.body
    server.stop()


def test_two_saves_within_the_resolution_of_a_files_time(start: Callable[..., ServerProcess], project: Path) -> None:
    server = start()
    for text in ("one", "two", "six"):
        new = project / "new.txt"
        save(new, text)
        os.utime(new, (1e9, 1e9))
        new.replace(project / "hello.py")  # the same time, the same length: what Python compiled would look current
        wait_for_answer(server, text)
    server.stop()


def test_an_atomic_rename_and_a_new_package_are_seen(start: Callable[..., ServerProcess], project: Path) -> None:
    server = start()
    save(project / "hello.py~", "renamed")
    (project / "hello.py~").replace(project / "hello.py")
    wait_for_answer(server, "renamed")
    package = project / "parts" / "deep"
    package.mkdir(parents=True)
    (package / "words.py").write_text("WORD = 'packed'")
    text = APP.replace('"{}"', "WORD").replace("main =", "from parts.deep.words import WORD\nmain =")
    (project / "hello.py").write_text(text)
    wait_for_answer(server, "packed")
    (package / "words.py").write_text("WORD = 'changed'")
    wait_for_answer(server, "changed")
    server.stop()


def test_a_handler_that_does_not_end_holds_nothing_up(start: Callable[..., ServerProcess], project: Path) -> None:
    endless = APP.replace("return", "import time\n    print('inside', flush=True)\n    time.sleep(1000)\n    return")
    (project / "hello.py").write_text(endless)
    reader, writer = os.pipe()
    server = ServerProcess("hello:main", "--reload", "--app-dir", str(project), stdout=writer)
    os.close(writer)
    try:
        server.wait_for("covet: watching ")
        server.wait_until_serving()
        with Connection(server.port) as stuck:
            stuck.send(request("GET", "/", (), b""))
            assert os.read(reader, 100).startswith(b"inside")
            save(project / "hello.py", "second")
            wait_for_answer(server, "second")
        server.stop()
    finally:
        os.close(reader)
        server.kill()


def test_nothing_is_left_behind(start: Callable[..., ServerProcess], project: Path) -> None:
    server = start()
    save(project / "hello.py", "second")
    wait_for_answer(server, "second")
    children = server.workers()
    server.stop()
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", server.port)) != 0


@pytest.mark.skipif(sys.platform != "linux", reason="reads the names of processes from /proc")
def test_a_watcher_that_dies_ends_it(start: Callable[..., ServerProcess]) -> None:
    server = start()
    names = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in server.workers()}
    (watcher,) = (pid for pid, name in names.items() if b"covet.changes" in name)
    os.kill(watcher, 9)
    server.wait_for("covet: changes are no longer seen: ending\n")
    assert server.end() == 1


def test_a_folder_that_is_not_there(project: Path) -> None:
    server = ServerProcess("hello:main", "--reload", "--app-dir", str(project), "--reload-dir", str(project / "none"))
    try:
        server.wait_for(rf"covet: there is no folder {re.escape(str(project))}/none\n")
        assert server.end() == 1
    finally:
        server.kill()
