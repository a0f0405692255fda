"""Typed bodies, forms, headers, cookies and answers over the wire."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.wire.connection import Connection, ask, request
from tests.wire.server_process import ServerProcess, running

BOOK = {"Title": "Emma", "price": "7.50"}
FULL = {
    "Title": "Emma",
    "price": "7.50",
    "kind": "ebook",
    "authors": [{"name": "Jane", "born": 1775}],
    "isbn": "123e4567-e89b-12d3-a456-426614174000",
    "printed": "1815-12-23T10:00:00+00:00",
}
JSON = ("content-type", "application/json")
FORM = ("content-type", "application/x-www-form-urlencoded")


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with running("tests.wire.typed_app:main", "--workers", "0") as process:
        yield process


@pytest.fixture
def port(server: ServerProcess) -> int:
    return server.port


def post(port: int, target: str, body: object, *fields: tuple[str, str]) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ask(port, "POST", target, body=data, fields=fields or (JSON,))


def errors(answer: Any, status: int = 422) -> list[tuple[str, str, str]]:
    assert answer.status == status, answer
    return [(error["source"], error["pointer"], error["code"]) for error in answer.problem()["errors"]]


def test_a_body_becomes_an_object_and_back(port: int) -> None:
    answer = post(port, "/books", FULL)
    assert (answer.status, answer.media_type) == (200, "application/json")
    assert answer.json() == FULL
    assert post(port, "/books", BOOK).json() == {
        **BOOK, "kind": "paper", "authors": [], "isbn": None, "printed": None,
    }  # fmt: skip


def test_a_body_in_pieces_and_in_chunks(port: int) -> None:
    body = json.dumps({**FULL, "authors": [{"name": f"A{number}"} for number in range(20_000)]}).encode()
    with Connection(port) as connection:
        whole = request("POST", "/books", body=body, fields=(JSON,))
        for start in range(0, len(whole), 100_000):
            connection.send(whole[start : start + 100_000])
        assert len(connection.next_answer().json()["authors"]) == 20_000
        head = (
            b"POST /books HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        connection.send(head + b'7\r\n{"Title\r\n')
        connection.send(b'1a\r\n": "Emma", "price": "7.5"}\r\n0\r\n\r\n')
        assert connection.next_answer().json()["Title"] == "Emma"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("/Title", "missing"), ("/price", "missing")]),
        ([], [("", "object")]),
        (None, [("", "object")]),
        ({**BOOK, "Title": 5, "price": -1}, [("/Title", "str"), ("/price", "ge")]),
        (
            {**BOOK, "authors": [{"name": "x"}, {"name": "y" * 21, "born": 1.5}, 3], "kind": "stone"},
            [
                ("/authors/1/name", "max_length"),
                ("/authors/1/born", "int"),
                ("/authors/2", "object"),
                ("/kind", "choice"),
            ],
        ),
        ({**BOOK, "isbn": "x", "printed": "yesterday"}, [("/isbn", "uuid"), ("/printed", "datetime")]),
    ],
)
def test_every_error_of_a_body(port: int, body: object, expected: list[tuple[str, str]]) -> None:
    assert errors(post(port, "/books", body)) == [("body", *each) for each in expected]


def test_an_error_names_input_and_never_shows_the_value(port: int) -> None:
    answer = post(port, "/books", {**BOOK, "Title": 987654})
    assert answer.problem()["errors"] == [
        {"source": "body", "pointer": "/Title", "code": "str", "message": "Title is not a string", "input": "int"}
    ]
    assert b"987654" not in answer.body


@pytest.mark.parametrize(
    ("body", "code", "offset"),
    [
        (b'{"Title":"Emma"', "malformed", 15),
        (b'{"Title":"Emma",}', "malformed", 16),
        (b'{"Title":"a","Title":"b"}', "duplicate", 13),
        (b'{"Title":"\xff"}', "encoding", 10),
        (b"[" * 200, "depth", 128),
    ],
)
def test_what_is_no_json_names_the_byte(port: int, body: bytes, code: str, offset: int) -> None:
    answer = post(port, "/books", body)
    assert errors(answer, 400 if code == "depth" else 422) == [("body", "", code)]
    (error,) = answer.problem()["errors"]
    assert error["offset"] == offset
    assert error["message"].startswith(f"the body at byte {offset}: ")


@pytest.mark.parametrize(
    ("target", "fields", "status"),
    [
        ("/books", (JSON,), 200),
        ("/books", (("content-type", "application/merge-patch+json"),), 200),
        ("/books", (("content-type", "Application/JSON; charset=UTF-8"),), 200),
        ("/books", (("content-type", "application/json; charset=latin1"),), 415),
        ("/books", (("content-type", "text/plain"),), 415),
        ("/books", (("accept", "*/*"),), 415),
        ("/books", (JSON, ("content-encoding", "gzip")), 415),
        ("/books", (JSON, ("content-encoding", "identity")), 200),
        ("/raw", (("accept", "*/*"),), 200),
        ("/form", (JSON,), 415),
    ],
)
def test_content_types(port: int, target: str, fields: tuple[tuple[str, str], ...], status: int) -> None:
    with Connection(port) as connection:
        connection.send(request("POST", target, body=json.dumps(BOOK).encode(), fields=fields))
        assert connection.next_answer().status == status
        assert connection.ask("GET", "/page").status == 200, "the connection goes on"


def test_unknown_fields(port: int) -> None:
    body = {**BOOK, "extra": 1, "authors": [{"name": "x", "more": 2}]}
    assert post(port, "/books", body).status == 200
    assert errors(post(port, "/books/strict", body)) == [
        ("body", "/extra", "unknown"),
        ("body", "/authors/0/more", "unknown"),
    ]


def test_where_a_handler_with_a_body_runs(port: int) -> None:
    assert post(port, "/books/inline", BOOK).json() is True
    assert post(port, "/books/pool", BOOK).body == b"Emma False"


def test_errors_of_all_sources_together(port: int) -> None:
    assert post(port, "/books/3/many?dry_run=yes", [BOOK, FULL], JSON, ("user-agent", "me")).json() == [
        3,
        2,
        True,
        "me",
    ]
    assert errors(post(port, "/books/x/many?dry_run=maybe", [{}])) == [
        ("path", "/shelf", "int"),
        ("query", "/dry_run", "bool"),
        ("body", "/0/Title", "missing"),
        ("body", "/0/price", "missing"),
    ]


def test_several_body_parameters_are_fields_of_one_object(port: int) -> None:
    body = {"author": {"name": "x"}, "point": {"x": 1, "y": 2.5}}
    assert post(port, "/several", body).json() == [{"name": "x", "born": None}, 1, 2.5, "none"]
    assert errors(post(port, "/several", {"author": {}, "note": 1})) == [
        ("body", "/author/name", "missing"),
        ("body", "/note", "str"),
        ("body", "/point", "missing"),
    ]
    assert errors(post(port, "/several", b"")) == [("body", "/author", "missing"), ("body", "/point", "missing")]


def test_an_empty_body(port: int) -> None:
    assert errors(post(port, "/books", b"")) == [("body", "", "missing")]
    assert errors(ask(port, "POST", "/books")) == [("body", "", "missing")]
    assert ask(port, "POST", "/optional").body == b"null"
    assert post(port, "/optional", None).body == b"null"
    assert post(port, "/optional", {"name": "x"}).json() == {"name": "x", "born": None}
    assert errors(ask(port, "POST", "/raw")) == [("body", "", "missing")]


def test_absent_fields_of_a_typed_dict_stay_absent(port: int) -> None:
    body = json.dumps({"price": 1.5}).encode()
    assert ask(port, "PATCH", "/books/1", body=body, fields=(JSON,)).body == b'{"price":1.5}'


def test_the_request_beside_its_body(port: int) -> None:
    assert post(port, "/request", {"name": "x"}).json() == ["x", '{"name": "x"}', "POST"]


def test_raw_text_and_scalar_bodies(port: int) -> None:
    assert post(port, "/raw", b"\xff\x00", ("content-type", "image/png")).body == b"\xff\x00"
    assert post(port, "/text", "é".encode(), ("content-type", "text/plain")).body == "é".encode()
    assert errors(post(port, "/text", b"a\xff", ("content-type", "text/plain"))) == [("body", "", "encoding")]
    assert post(port, "/number", 5).body == b"5"
    assert errors(post(port, "/number", "5")) == [("body", "", "int")]


def test_forms(port: int) -> None:
    assert post(port, "/form", b"name=a+b&years=7&tag=x&tag=%C3%A9", FORM).json() == ["a b", 7, ["x", "é"]]
    assert errors(post(port, "/form", b"name=a&name=b&years=", FORM)) == [
        ("form", "/name", "repeated"),
        ("form", "/years", "int"),
        ("form", "/tag", "missing"),
    ]
    assert post(port, "/form/object", b"limit=5&tag=a&tag=b", FORM).json() == {"limit": 5, "tag": ["a", "b"]}
    assert errors(post(port, "/form/object", b"limit=500", FORM)) == [("form", "/limit", "le")]
    assert post(port, "/form", b"&".join(b"tag=x" for _ in range(1001)), FORM).status == 400


def test_the_content_type_decides(port: int) -> None:
    assert post(port, "/either", {"name": "x"}).body == b"Author"
    assert post(port, "/either", b"limit=5", FORM).body == b"Page"
    assert post(port, "/either", b"", ("content-type", "text/plain")).status == 422
    assert post(port, "/either", b"x", ("content-type", "text/plain")).status == 415
    assert post(port, "/both", {"name": "x", "born": 1}).json() == {"name": "x", "born": 1}
    assert post(port, "/both", b"name=x&born=1", FORM).json() == {"name": "x", "born": 1}


def test_objects_of_query_fields(port: int) -> None:
    assert ask(port, "GET", "/page?limit=3&tag=a&tag=b&other=1").json() == {"limit": 3, "tag": ["a", "b"]}
    assert ask(port, "GET", "/page").json() == {"limit": 20, "tag": []}
    assert errors(ask(port, "GET", "/page?limit=0")) == [("query", "/limit", "ge")]


def test_an_object_of_fields_of_which_none_was_sent_is_the_default(port: int) -> None:
    assert ask(port, "GET", "/page/optional?other=1").json() is None
    assert ask(port, "GET", "/page/optional?limit=3").json() == {"limit": 3, "tag": []}
    assert errors(ask(port, "GET", "/page/optional?limit=0")) == [("query", "/limit", "ge")]


def test_headers_and_cookies(port: int) -> None:
    fields = (("X-Number", "5"), ("Accept", "a"), ("accept", "b"), ("Cookie", "session=s; t=paper"))
    assert ask(port, "GET", "/sources", fields=fields).json() == [5, "s", ["a", "b"], "paper"]
    wrong = (("x-number", "x"), ("cookie", "t=stone"))
    assert errors(ask(port, "GET", "/sources", fields=wrong)) == [
        ("header", "/x-number", "int"),
        ("cookie", "/session", "missing"),
        ("cookie", "/t", "choice"),
    ]


def test_an_object_of_header_fields_or_cookies_refuses_no_others(port: int) -> None:
    fields = (("User-Agent", "x"), ("Accept", "*/*"), ("Cookie", "user_agent=y; theme=dark; other=z"))
    assert ask(port, "GET", "/sources/strict", fields=fields).json() == ["x", "dark"]
    assert errors(ask(port, "GET", "/sources/strict", fields=fields[1:2])) == [("header", "/user-agent", "missing")]


def test_exactly_the_declared_fields_are_written(port: int) -> None:
    answer = ask(port, "GET", "/answers/subclass").json()
    assert answer == {
        "Title": "Emma",
        "price": "7.50",
        "kind": "paper",
        "authors": [],
        "isbn": None,
        "printed": "2020-01-02T03:04:05",
    }


def test_answers_beside_the_declared_type(port: int) -> None:
    assert ask(port, "GET", "/answers/union").json()["Title"] == "Emma"
    answer = ask(port, "GET", "/answers/union?text=true")
    assert (answer.body, answer.media_type) == (b"as it is", "text/plain; charset=utf-8")
    answer = ask(port, "GET", "/answers/json-response")
    assert (answer.status, answer.body) == (202, b"[1,2]")
    assert ask(port, "GET", "/answers/threads").json() == [{"name": "Jane", "born": None}]
    assert ask(port, "GET", "/answers/model").json() == {"name": "Jane", "born": 1775}


@pytest.mark.parametrize(
    ("target", "logged"),
    [
        ("/answers/mismatch", r"cannot encode what it returned at \$: .*Author.*Book"),
        ("/answers/deep-mismatch", r"cannot encode what it returned at \$\[0\]\.authors\[0\]\.born: "),
        ("/answers/checked?long=true", r"returned what its annotation does not allow: /name "),
    ],
)
def test_another_type_than_declared_is_a_500_that_says_where(server: ServerProcess, target: str, logged: str) -> None:
    answer = ask(server.port, "GET", target)
    assert answer.status == 500
    assert set(answer.problem()) == {"type", "title", "status", "request_id"}
    server.wait_for(re.escape(answer.problem()["request_id"]))
    assert re.search(logged, server.log)


def test_an_answer_that_passes_its_check(port: int) -> None:
    assert ask(port, "GET", "/answers/checked").json()["name"] == "a" * 20
