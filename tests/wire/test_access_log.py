"""The access log over sockets: a line a request, and what happens when nobody reads it."""

import os
import re
import signal
from pathlib import Path

from tests.wire.connection import Connection, ask, request
from tests.wire.server_process import running

LINE = re.compile(
    r"\[(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z][a-z] \d{4} \d\d:\d\d:\d\d GMT\] "
    r"(127\.0\.0\.1:\d+) \"([^\"]*)\" (\d\d\d) \d+\.\d{3}ms\n"
)
DROPPED = re.compile(r"access log: (\d+) lines dropped so far\n")


def test_one_line_a_request(tmp_path: Path) -> None:
    file = tmp_path / "log"
    with file.open("wb") as out, running("tests.wire.app:main", "--access-log", stdout=out.fileno()) as server:
        with Connection(server.port) as connection:
            client = "{}:{}".format(*connection.socket.getsockname())
            connection.ask("GET", "/quick?a=%22b%22")
            connection.ask("HEAD", "/quick")
            connection.ask("GET", "/missing")
            connection.ask("GET", "/pool")
            connection.ask("POST", "/text", body=b"text")
            connection.send(b"nonsense\r\n\r\n")
            assert connection.next_answer().status == 400
        server.stop()
    lines = [LINE.fullmatch(line) for line in file.read_text().splitlines(keepends=True)]
    assert [line.groups() if line else None for line in lines] == [
        (client, "GET /quick?a=%22b%22", "200"),
        (client, "HEAD /quick", "200"),
        (client, "GET /missing", "404"),
        (client, "GET /pool", "200"),
        (client, "POST /text", "200"),
        (client, "-", "400"),
    ]


def test_a_stream_is_a_line_when_it_ends(tmp_path: Path) -> None:
    file = tmp_path / "log"
    flags = ("--workers", "0", "--access-log", "--access-log-format", "%U %s %B %X")
    with file.open("wb") as out, running("tests.wire.log_app:main", *flags, stdout=out.fileno()) as server:
        with Connection(server.port) as connection:
            connection.send(request("GET", "/items?count=5"))
            assert connection.until(b"0\r\n\r\n").endswith(b"2\r\n4\n\r\n0\r\n\r\n")
            assert connection.ask("HEAD", "/items?count=5").status == 200
            connection.send(request("GET", "/items?count=2&then=rest"))
            connection.until(b"2\r\n1\n\r\n")
        with Connection(server.port) as connection:
            connection.send(request("GET", "/items?count=3&then=fail"))
            assert b"2\r\n2\n\r\n" in connection.rest()
        server.stop()
    lines = file.read_text().splitlines()
    assert lines[:2] == ["/items 200 10 +", "/items 200 0 +"]
    assert sorted(lines[2:]) == ["/items 200 4 X", "/items 200 6 X"], "one whose client left, one that failed"


def test_a_sample_has_every_failure(tmp_path: Path) -> None:
    file = tmp_path / "log"
    flags = ("--workers", "0", "--access-log", "--access-log-format", "%s", "--access-log-sample", "0.000000001")
    with file.open("wb") as out, running("tests.wire.app:main", *flags, stdout=out.fileno()) as server:
        with Connection(server.port) as connection:
            for path, status in [("/quick", 200), ("/missing", 404)] * 10:
                assert connection.ask("GET", path).status == status
        server.stop()
    assert file.read_text() == "404\n" * 10


def test_no_line_without_the_flag(tmp_path: Path) -> None:
    file = tmp_path / "log"
    with file.open("wb") as out, running("tests.wire.app:main", "--workers", "0", stdout=out.fileno()) as server:
        assert ask(server.port, "GET", "/quick").status == 200
        server.stop()
    assert file.read_bytes() == b""


def test_reader_that_does_not_read_costs_lines_and_no_answers() -> None:
    count, target = 400, "/missing/" + "a" * 15_000
    reader, writer = os.pipe()
    try:
        with running("tests.wire.app:main", "--workers", "0", "--access-log", stdout=writer) as server:
            os.close(writer)
            with Connection(server.port) as connection:
                assert {connection.ask("GET", target).status for _ in range(count)} == {404}
            read = b""
            while not DROPPED.search(read.decode()):
                assert ask(server.port, "GET", "/quick").status == 200
                count += 1
                read += os.read(reader, 1 << 20)
            server.signal(signal.SIGTERM)
            while piece := os.read(reader, 1 << 20):
                read += piece
            assert server.end() == 0
        lines = read.decode().splitlines(keepends=True)
        dropped = [int(found[1]) for line in lines if (found := DROPPED.fullmatch(line))]
        written = sum(LINE.fullmatch(line) is not None for line in lines)
        assert written + len(dropped) == len(lines), "no line is torn"
        assert dropped[-1] > 0
        assert written + dropped[-1] == count, "what was dropped was counted"
    finally:
        os.close(reader)


def test_reader_that_does_not_read_holds_up_no_end() -> None:
    reader, writer = os.pipe()
    try:
        with running("tests.wire.app:main", "--workers", "0", "--access-log", stdout=writer) as server:
            os.close(writer)
            with Connection(server.port) as connection:
                connection.send(b"".join(request("GET", "/missing/" + "a" * 15_000) for _ in range(30)))
                assert {connection.next_answer().status for _ in range(30)} == {404}
            server.stop()
    finally:
        os.close(reader)
