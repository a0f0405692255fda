"""Handlers over the wire: where they run, what they take, what they give, how they fail and end."""

import hashlib
import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.wire.connection import Connection, ask, chunked, request
from tests.wire.server_process import ServerProcess, running

IDENT = "123e4567-e89b-12d3-a456-426614174000"
NAMES = (f"meeting-{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with running("tests.wire.app:main", "--workers", "0") as process:
        yield process


@pytest.fixture
def port(server: ServerProcess) -> int:
    return server.port


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        ("/quick", b"quick"),
        ("/suspends", b'{"task":true}'),
        ("/inline", b'{"where":"inline"}'),
        ("/pool", b"false"),
        ("/not-blocking", b"true"),
    ],
)
def test_where_a_handler_runs(port: int, target: str, answer: bytes) -> None:
    with Connection(port) as connection:
        for _ in range(3):
            got = connection.ask("GET", target)
            assert (got.status, got.body) == (200, answer)


def test_path_parameters(port: int) -> None:
    got = ask(port, "GET", f"/path/a%2Fb%20%C3%A9/-5/2.5/true/{IDENT}/red/l")
    assert got.json() == ["'a/b \u00e9'", "-5", "2.5", "True", f"UUID('{IDENT}')", "<Colour.RED: 'red'>", "'l'"]
    assert ask(port, "GET", f"/typed/5/1.5/{IDENT}").json() == ["5", "1.5", f"UUID('{IDENT}')"]
    assert ask(port, "GET", "/typed/x/1.5/%C3%A9").body == "x/1.5/\u00e9".encode()
    assert ask(port, "GET", "/renamed/7?p=3").json() == [7, 3]


@pytest.mark.parametrize(
    ("target", "values"),
    [
        ("/query?number=1", ["1", "'none'", "None", "False", "[0]", "<Colour.RED: 'red'>"]),
        (
            "/query?number=-12&text=a%20b%2Bc+d&ratio=1e3&flag=true&item=4&item=5&colour=blue",
            ["-12", "'a b+c d'", "1000.0", "True", "[4, 5, 0]", "<Colour.BLUE: 'blue'>"],
        ),
        ("/query?number=1&unknown=2&text=", ["1", "''", "None", "False", "[0]", "<Colour.RED: 'red'>"]),
    ],
)
def test_query_parameters(port: int, target: str, values: list[str]) -> None:
    for _ in range(2):
        assert ask(port, "GET", target).json() == values, "the list that is a default is each request's own"


def test_parameters_of_a_def_in_the_pool(port: int) -> None:
    assert ask(port, "GET", "/query/threads?number=-1").json() == [-1]
    assert ask(port, "GET", "/query/threads?number=x").status == 422


def errors(answer: Any) -> list[tuple[str, str]]:
    problem = answer.problem()
    assert set(problem) == {"type", "title", "status", "errors"}
    assert (problem["type"], problem["title"]) == ("about:blank", "Unprocessable Content")
    for error in problem["errors"]:
        assert {"source", "pointer", "code", "message"} <= set(error) <= {*error, "input", "offset"}
        assert error["code"]
        assert error["message"]
    return [(error["source"], error["pointer"]) for error in problem["errors"]]


def test_all_errors_at_once(port: int) -> None:
    got = ask(port, "GET", "/path/t/five/x/maybe/1-2/green/m")
    assert got.status == 422
    assert errors(got) == [("path", f"/{name}") for name in ("number", "ratio", "flag", "ident", "colour", "size")]
    assert b"five" not in got.body
    assert b"maybe" not in got.body
    got = ask(port, "GET", "/query?text=a&text=b&ratio=&flag=2&item=1&item=x&item=&colour=RED")
    assert got.status == 422
    wanted = ["/number", "/text", "/ratio", "/flag", "/item/1", "/item/2", "/colour"]
    assert errors(got) == [("query", pointer) for pointer in wanted]
    got = ask(port, "GET", "/renamed/x?p=y")
    assert errors(got) == [("path", "/id"), ("query", "/p")], "by their names on the wire"


@pytest.mark.parametrize("number", ["1.0", "+-1", "0x10", "1_000", "%201", "\u0661", "", "9" * 4301])
def test_what_is_no_whole_number(port: int, number: str) -> None:
    quoted = "".join(f"%{octet:02X}" for octet in number.encode()) if not number.isascii() else number
    assert ask(port, "GET", f"/query?number={quoted}").status == 422


def test_large_whole_number(port: int) -> None:
    assert ask(port, "GET", f"/query?number={'9' * 300}").json()[0] == "9" * 300


def test_request(port: int) -> None:
    fields = (("X-Test", "one"), ("x-test", "two"), ("Cookie", 'a=1; b="2"'))
    got = ask(port, "GET", "/request/a%20b?q=1&q=2&r=%26", fields).json()
    assert got == {
        "method": "GET",
        "raw_path": "/request/a%20b",
        "url": "http://localhost/request/a%20b?q=1&q=2&r=%26",
        "path": "/request/a b",
        "query": {"q": "2", "r": "&"},
        "repeated": ["1", "2"],
        "path_params": {"name": "a b"},
        "header": "one",
        "headers": ["one", "two"],
        "cookies": got["cookies"],
        "client": "127.0.0.1",
        "state": True,
    }
    assert got["cookies"]["a"] == "1"


SIZES = [0, 1, 100, 4095, 4096, 16 * 1024, 64 * 1024 + 1, 1024 * 1024, 5_000_000]


@pytest.mark.parametrize("size", SIZES)
def test_body_of_any_size(port: int, size: int) -> None:
    data = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    wanted = {"size": size, "sha256": hashlib.sha256(data).hexdigest()}
    with Connection(port) as connection:
        assert connection.ask("POST", "/body", body=data).json() == wanted
        chunks = [data[at : at + 10_007] for at in range(0, size, 10_007)]
        connection.send(chunked("/body", chunks, trailers=b"X: y\r\n", extension=b";a=b"))
        assert connection.next_answer().json() == wanted
        assert connection.ask("GET", "/quick").body == b"quick"


def test_body_in_single_bytes(port: int) -> None:
    with Connection(port) as connection:
        for octet in request("POST", "/body", body=b"drop by drop"):
            connection.send(bytes([octet]))
        assert connection.next_answer().json()["size"] == 12


def test_json_body(port: int) -> None:
    with Connection(port) as connection:
        values: list[Any] = [{"a": [1, -2.5, None, True, "\u00e9\U0001f600"]}, [], "text", 5, None]
        for value in values:
            data = json.dumps(value).encode()
            assert connection.ask("POST", "/json", (("Content-Type", "application/json"),), data).json() == {
                "got": value
            }
        for data in (b"{", b"[1,]", b"\xff", b'{"a":NaN}', b" "):
            got = connection.ask("POST", "/json", (("Content-Type", "application/json"),), data)
            assert got.status == 422, data
            assert [source for source, _ in errors(got)] == ["body"]
        assert connection.ask("POST", "/json").status == 422, "no body at all"


def test_text_body(port: int) -> None:
    with Connection(port) as connection:
        assert connection.ask("POST", "/text", body="\u00e9".encode()).body == "\u00e9".encode()
        latin = (("Content-Type", "text/plain; charset=iso-8859-1"),)
        assert connection.ask("POST", "/text", latin, b"\xe9").body == "\u00e9".encode()
        assert connection.ask("POST", "/text", body=b"\xff\xfe").status == 400
        assert connection.ask("POST", "/late", body=b"12345").body == b"12345"


def test_body_over_the_default_limit(port: int) -> None:
    head = request("POST", "/json")[:-2] + b"Content-Length: 2097153\r\n\r\n"
    with Connection(port) as connection:
        connection.send(head)
        assert connection.next_answer().status == 413


def test_continue_comes_when_the_body_is_wanted(port: int) -> None:
    head = request("POST", "/body", (("Expect", "100-continue"), ("Content-Length", "5")))
    with Connection(port) as connection:
        connection.send(head)
        assert connection.next_answer().status == 100
        connection.send(b"hello")
        assert connection.next_answer().json()["size"] == 5
        connection.send(head.replace(b"/body", b"/nowhere"))
        assert connection.next_answer().status == 404, "no leave to send what nobody reads"


BODIES = {
    "/answers/dict": (200, "application/json", '{"a":[1,2.5,null,true,"\u00e9"]}'.encode()),
    "/answers/list": (200, "application/json", b"[1,2,3]"),
    "/answers/dataclass": (200, "application/json", b'{"x":1,"y":2.5}'),
    "/answers/str": (200, "text/plain; charset=utf-8", "text \u00e9".encode()),
    "/answers/bytes": (200, "application/octet-stream", b"\x00\xff"),
    "/answers/large": (200, "application/octet-stream", b"0123456789abcdef" * 100_000),
    "/answers/null": (200, "application/json", b"null"),
    "/answers/response": (202, "image/png", b"raw"),
    "/answers/json-response": (203, "application/json", b"[1]"),
    "/answers/html": (200, "text/html; charset=utf-8", "<p>\u00e9".encode()),
    "/answers/plain": (200, "text/plain; charset=utf-8", b"p"),
    "/answers/untyped-response": (200, "", b"raw"),
}


@pytest.mark.parametrize("target", BODIES)
def test_answer_and_its_head(port: int, target: str) -> None:
    status, media_type, body = BODIES[target]
    with Connection(port) as connection:
        got = connection.ask("GET", target)
        assert (got.status, got.media_type, got.body) == (status, media_type, body)
        assert got.get("content-length") == str(len(body))
        assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", got.get("date") or "")
        head = connection.ask("HEAD", target)
        assert head.body == b""
        assert [field for field in head.fields if field[0] != "date"] == [
            field for field in got.fields if field[0] != "date"
        ]
        assert connection.ask("GET", "/quick").body == b"quick", "nothing came after the head"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_nothing_is_204(port: int, method: str) -> None:
    got = ask(port, method, "/answers/nothing")
    assert (got.status, got.body, got.get("content-length"), got.media_type) == (204, b"", None, "")


def test_declared_status(port: int) -> None:
    got = ask(port, "POST", "/answers/created")
    assert (got.status, got.body) == (201, b'{"x":0,"y":0.0}')


def test_fields_and_cookies_of_a_response(port: int) -> None:
    got = ask(port, "GET", "/answers/response")
    assert (got.get("x-one"), got.get("x-two")) == ("1", "2")
    cookie = (got.get("set-cookie") or "").split("; ")
    assert cookie[0] == "a=b"
    assert {"Path=/", "Secure", "HttpOnly"} <= set(cookie)
    got = ask(port, "GET", "/answers/redirect")
    assert (got.status, got.get("location"), got.body) == (303, "/answers/plain", b"")


def allowed(answer: Any) -> set[str]:
    return set((answer.get("allow") or "").split(", "))


def test_options_and_what_is_not_allowed(port: int) -> None:
    got = ask(port, "OPTIONS", "/answers/nothing")
    assert (got.status, allowed(got)) == (204, {"GET", "HEAD", "DELETE", "OPTIONS"})
    got = ask(port, "PUT", "/answers/nothing", body=b"unread")
    assert (got.status, allowed(got)) == (405, {"GET", "HEAD", "DELETE", "OPTIONS"})
    assert got.problem()["title"] == "Method Not Allowed"
    assert ask(port, "OPTIONS", "*").status == 200


@pytest.mark.parametrize("target", ["/nowhere", "/quick/", "/typed", "/renamed/", "//quick"])
def test_not_found(port: int, target: str) -> None:
    got = ask(port, "GET", target)
    assert (got.status, got.problem()["title"]) == (404, "Not Found")
    head = ask(port, "HEAD", target)
    assert (head.status, head.body) == (404, b"")


def test_raised_answers(port: int) -> None:
    got = ask(port, "GET", "/fails/conflict")
    assert (got.status, got.problem()["detail"], got.get("x-why")) == (409, "taken", "because")
    got = ask(port, "GET", "/fails/detail")
    assert (got.status, got.problem()["detail"]) == (418, {"spout": ["short", "stout"]})
    assert ask(port, "GET", "/fails/phrase").problem()["title"] == "Forbidden"


@pytest.mark.parametrize("where", ["step", "task", "pool"])
def test_exception(server: ServerProcess, where: str) -> None:
    with Connection(server.port) as connection:
        got = connection.ask("GET", f"/fails/{where}")
        assert got.status == 500
        problem = got.problem()
        assert set(problem) == {"type", "title", "status", "request_id"}
        assert b"secret" not in got.body
        ident = problem["request_id"]
        (record,) = server.wait_for(
            rf"ERROR covet\S*: .*{ident}.*\nTraceback(?s:.)*?ZeroDivisionError: secret of {where}\n"
        )
        assert f"fails/{where}" in record[0]
        assert record[0].count("Traceback") == 1
        assert server.log.count(f"secret of {where}") == 2 - ("raise ZeroDivisionError" not in record[0])
        assert connection.ask("GET", "/quick").status == 200


@pytest.mark.parametrize(
    ("target", "words"),
    [("encoding", [".deep[1].er", "object"]), ("tuple", ["JSONResponse"]), ("undeclared", ["None"])],
)
def test_answer_that_cannot_be_sent(server: ServerProcess, target: str, words: list[str]) -> None:
    got = ask(server.port, "GET", f"/fails/{target}")
    assert got.status == 500
    (record,) = server.wait_for(rf".*{got.problem()['request_id']}.*")
    assert f"/fails/{target}" in record[0]
    for word in words:
        assert word in record[0]


def test_time_limit_cancels(port: int) -> None:
    name = next(NAMES)
    with Connection(port) as connection:
        got = connection.ask("GET", f"/limited/{name}")
        assert got.status == 504
        assert got.problem()["title"] == "Gateway Timeout"
        assert ask(port, "GET", f"/ended/{name}").body == b"cancelled"


def test_time_limit_of_a_def(port: int) -> None:
    name = next(NAMES)
    with Connection(port) as waiting, Connection(port) as connection:
        waiting.send(request("GET", f"/wait/{name}"))
        assert ask(port, "GET", f"/started/{name}").status == 204
        assert connection.ask("GET", f"/blocked/{name}").status == 504
        assert ask(port, "GET", f"/release/{name}").status == 204
        assert waiting.next_answer().body == b"released"


@pytest.mark.parametrize(
    ("method", "route", "end"),
    [
        ("GET", "wait", b"cancelled"),
        ("POST", "cancel", b"cancelled"),
        ("POST", "wait", b"finished"),
        ("GET", "finish", b"finished"),
    ],
)
def test_client_that_goes_away(server: ServerProcess, method: str, route: str, end: bytes) -> None:
    name, port = next(NAMES), server.port
    with Connection(port) as leaving:
        leaving.send(request(method, f"/{route}/{name}"))
        assert ask(port, "GET", f"/started/{name}").status == 204
    for _ in range(10):  # by then the server has seen that it went
        assert ask(port, "GET", "/suspends").status == 200
    if end == b"finished":
        assert ask(port, "GET", f"/release/{name}").status == 204
    assert ask(port, "GET", f"/ended/{name}").body == end


def test_pipelined_answers_come_in_order(port: int) -> None:
    kinds = ["slowly", "at-once", "in-the-pool", "at-once", "slowly"]
    targets = [f"/{kind}/{number}" for number, kind in enumerate(kinds * 20)]
    with Connection(port) as connection:
        connection.send(b"".join(request("GET", target) for target in targets))
        assert [connection.next_answer().json() for _ in targets] == list(range(len(targets)))


def test_many_requests_on_one_connection(port: int) -> None:
    with Connection(port) as connection:
        for number in range(200):
            got = connection.ask("GET", f"/at-once/{number}")
            assert (got.json(), got.closes) == (number, False)
        got = connection.ask("GET", "/quick", (("Connection", "close"),))
        assert got.closes
        assert connection.rest() == b""


def test_http_1_0(port: int) -> None:
    with Connection(port) as connection:
        connection.send(b"GET /quick HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        first = connection.next_answer()
        assert (first.status, (first.get("connection") or "").lower()) == (200, "keep-alive")
        connection.send(b"GET /quick HTTP/1.0\r\n\r\n")
        assert connection.next_answer().body == b"quick"
        assert connection.rest() == b""
