"""Limits and switches that no other file of this folder has: threads, files, ranges, JSON."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from covet import Covet, Response
from tests.limits import threads_app
from tests.wire.connection import Connection, EndedError, ask, request
from tests.wire.loop_client import Client, served
from tests.wire.server_process import running

HERE = ("--workers", "0")
APP = "tests.limits.threads_app:main"
JSON = ("Content-Type", "application/json")


def test_pool_threads() -> None:
    threads = 2
    with running(APP, *HERE, "--pool-threads", str(threads)) as server:
        waiting = [Connection(server.port) for _ in range(threads + 1)]
        for name, connection in enumerate(waiting):
            connection.send(request("GET", f"/thread?name={name}"))
            while len(begun := ask(server.port, "GET", "/begun").json()) < min(name + 1, threads):
                pass
        assert begun == ["0", "1"], "one more waits for a thread"
        assert ask(server.port, "GET", "/release").status == 204
        assert [connection.next_answer().body for connection in waiting] == [b"0", b"1", b"2"], "nothing is lost"
        for connection in waiting:
            connection.socket.close()


def test_switch_interval() -> None:
    with running(APP, *HERE, "--switch-interval", "0.0125") as server:
        assert ask(server.port, "GET", "/switch").json() == pytest.approx(0.0125)
    with running(APP, *HERE) as server:
        assert ask(server.port, "GET", "/switch").json() == pytest.approx(sys.getswitchinterval())


@pytest.mark.parametrize(("depth", "status"), [(127, 200), (128, 200), (129, 400)])
def test_nesting_of_a_body(depth: int, status: int) -> None:
    async def use(client: Client) -> None:
        body = b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"
        await client.send(request("POST", "/json", (JSON,), body))
        assert (await client.answer()).status == status

    served(threads_app.main, use)


@pytest.mark.parametrize(("digits", "status"), [(4299, 200), (4300, 200), (4301, 400)])
def test_digits_of_an_integer_in_a_body(digits: int, status: int) -> None:
    async def use(client: Client) -> None:
        await client.send(request("POST", "/json", (JSON,), b'{"a":' + b"7" * digits + b"}"))
        assert (await client.answer()).status == status

    served(threads_app.main, use)


@pytest.mark.parametrize("debug", [False, True])
def test_debug(*, debug: bool) -> None:
    app = Covet(debug=debug)

    @app.get("/")
    async def cookie() -> Response:
        response = Response("x")
        response.set_cookie("a", "b")
        return response

    async def use(client: Client) -> None:
        field = (await client.ask("GET", "/")).get("set-cookie") or ""
        assert ("Secure" in field) is not debug, "a browser takes the cookie without TLS"

    served(app, use)


@pytest.mark.parametrize(("ranges", "status"), [(15, 206), (16, 206), (17, 200)])
def test_ranges_of_a_file(ranges: int, status: int, tmp_path: Path) -> None:
    (tmp_path / "numbers.txt").write_bytes(b"0123456789" * 10)
    app = Covet()
    app.static("/", tmp_path)

    async def use(client: Client) -> None:
        asked = "bytes=" + ",".join(f"{at * 2}-{at * 2}" for at in range(ranges))
        await client.send(request("GET", "/numbers.txt", (("Range", asked),)))
        assert (await client.answer()).status == status

    served(app, use)


def test_files_are_copied_where_the_kernel_does_not_send_them() -> None:
    words = [sys.executable, "-c", "import tests.limits.no_sendfile_app"]
    tried = subprocess.run(words, capture_output=True, text=True, check=False)
    if tried.returncode and "OSError" in tried.stderr and not os.environ.get("CI"):
        pytest.skip(f"system calls cannot be filtered here: {tried.stderr.splitlines()[-1]}")
    assert tried.returncode == 0, tried.stderr
    app = "tests.limits.no_sendfile_app:main"
    with running(app, *HERE, "--copy-files") as server:
        assert ask(server.port, "GET", "/files/large").body == b"x" * (1024 * 1024)
    with running(app, *HERE) as server, pytest.raises((EndedError, OSError)):
        ask(server.port, "GET", "/files/large")
