"""Names of requests: the same in the answer, in a 500, in its log record and in the access log; and slow requests."""

import json
import re
from pathlib import Path

import pytest

from tests.wire.connection import Connection, ask
from tests.wire.server_process import running

APP = "tests.wire.log_app:main"
GIVEN = (("X-Request-ID", "given-1"),)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/fails", b""),
        ("GET", "/fails/later", b""),
        ("GET", "/fails/pool", b""),
        ("POST", "/fails/body", b"body"),
    ],
)
def test_a_failure_has_the_name_of_its_request(tmp_path: Path, method: str, path: str, body: bytes) -> None:
    file = tmp_path / "log"
    flags = ("--workers", "0", "--request-id", "--access-log", "--access-log-format", "json")
    with file.open("wb") as out, running(APP, *flags, stdout=out.fileno()) as server:
        named = ask(server.port, method, path, GIVEN, body)
        unnamed = ask(server.port, method, path, (), body)
        server.stop()
        log = server.log
    made = unnamed.json()["request_id"]
    assert re.fullmatch("[0-9a-f]{16}", made)
    for answer, name in ((named, "given-1"), (unnamed, made)):
        assert answer.status == 500
        assert answer.json()["request_id"] == name
        assert answer.get("x-request-id") == name
        assert log.count(f"(request {name})") == 1
    assert [json.loads(line)["request_id"] for line in file.read_text().splitlines()] == ["given-1", made]


def test_without_the_flag_only_a_failure_has_a_name() -> None:
    with running(APP, "--workers", "0") as server:
        answer = ask(server.port, "GET", "/fails", GIVEN)
        assert answer.get("x-request-id") is None
        assert answer.json()["request_id"] != "given-1"
        server.wait_for(rf"\(request {answer.json()['request_id']}\)")
        assert ask(server.port, "GET", "/request", GIVEN).get("x-request-id") is None


def test_a_slow_request_is_one_warning() -> None:
    with running(APP, "--workers", "0", "--slow-request", "0.000001") as server:
        ask(server.port, "GET", "/request?secret=1")
        server.stop()
        found = re.findall(r".*slow: .*", server.log)
    assert len(found) == 1
    assert re.search(r"WARNING|warning", found[0])
    assert re.search(r"slow: GET /request took \d+\.\d{3} s$", found[0])


def test_nothing_is_slow_by_default() -> None:
    with running(APP, "--workers", "0", "--slow-request", "60") as server:
        ask(server.port, "GET", "/request")
        server.stop()
        assert "slow" not in server.log


def test_formats(tmp_path: Path) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    fields = (("traceparent", trace), ("X-Who", 'a"b'))
    lines = {}
    for form in ("json", '%h "%r" %>s %{X-Who}i %{Content-Type}o'):
        file = tmp_path / "log"
        flags = ("--workers", "0", "--access-log", f"--access-log-format={form}", "--access-log-sample", "1")
        with file.open("wb") as out, running(APP, *flags, stdout=out.fileno()) as server:
            with Connection(server.port) as connection:
                assert connection.ask("GET", "/request?a", fields).status == 200
            server.stop()
        lines[form[0]] = file.read_text()
    said = json.loads(lines["j"])
    assert said.pop("duration_ms") > 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", said.pop("time"))
    assert said.pop("bytes") > 0
    assert said == {
        "client": "127.0.0.1",
        "method": "GET",
        "path": "/request",
        "query": "a",
        "protocol": "HTTP/1.1",
        "status": 200,
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "parent_id": "00f067aa0ba902b7",
        "trace_flags": "01",
    }
    assert lines["%"] == '127.0.0.1 "GET /request?a HTTP/1.1" 200 a\\"b application/json\n'
