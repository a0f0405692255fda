"""Failed requests in debug: a page for people, a problem for programs, and neither in production."""

import asyncio
import html
import json
import re
import sys
from typing import Any

import pytest

from covet import Covet, HTTPException, Server
from covet.loop import run
from covet.settings import ServerSettings
from tests.wire.answers import Answer, take_answer
from tests.wire.server_process import PATIENCE

HOSTILE = "<script>alert('x')</script>\"&"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
HUGE, DEEP = "x" * 10_000_000, list(range(1_000_000))
SECRETS = ("hunter2", "t0p-secret")


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class Sulking:
    def __repr__(self) -> str:
        raise ValueError("no repr")


class Shouting:
    def __repr__(self) -> str:
        return HOSTILE


def failing(kind: str) -> None:
    """Fail in a way that has locals of every kind."""
    text, sulking, shouting, password = HOSTILE, Sulking(), Shouting(), "".join(SECRETS)  # noqa: F841
    huge, deep = HUGE, DEEP  # noqa: F841
    author = "kept"  # noqa: F841
    address = f"postgresql://somebody:{SECRETS[0]}@localhost/books"
    match kind:
        case "cause":
            try:
                raise KeyError(text)
            except KeyError as error:
                raise LookupError("nothing there") from error
        case "group":
            raise ExceptionGroup("several", [ValueError("one"), TypeError(HOSTILE)])
        case "url":
            raise ConnectionError(f"cannot reach {address}")
        case "unprintable":
            raise Unprintable
        case "deep":
            failing(kind)
        case "long":
            raise ValueError(huge)
        case "surrogate":
            raise ValueError("a\udcff\0b")
        case "code":
            exec(compile("def f():\n    raise ValueError('no source')\nf()", f"<{HOSTILE}>", "exec"))
        case _:
            raise ValueError(text)


def application(*, debug: bool) -> Covet:
    app = Covet(debug=debug)

    @app.get("/stepped/{kind}")
    async def stepped(kind: str) -> str:
        failing(kind)
        return ""

    @app.get("/task/{kind}")
    async def task(kind: str) -> str:
        await asyncio.sleep(0.001)
        failing(kind)
        return ""

    @app.get("/pool/{kind}")
    def pool(kind: str) -> str:
        failing(kind)
        return ""

    @app.get("/wrong", response_check=True)
    async def wrong() -> int:
        return HOSTILE  # type: ignore[return-value]

    @app.get("/answer")
    async def answer() -> str:
        raise HTTPException(409, "taken")

    return app


FIELDS = (
    ("Authorization", "Bearer hunter2"),
    ("Cookie", "id=t0p-secret"),
    ("X-Api-Key", "hunter2"),
    ("X-Said", HOSTILE),
)


def ask(
    target: str, *, accept: str | None = BROWSER, debug: bool = True, settings: ServerSettings | None = None
) -> Answer:
    """One answer of an application of its own."""

    async def serve() -> Answer:
        async with Server(application(debug=debug), port=0, settings=settings) as server, asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
            fields = [*FIELDS, *([("Accept", accept)] if accept is not None else [])]
            lines = [f"GET {target} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in fields)]
            writer.write("\r\n".join([*lines, "", ""]).encode())
            received = bytearray()
            while (answer := take_answer(received)) is None:
                received += await reader.read(65536)
            writer.close()
            await writer.wait_closed()
            return answer

    return run(serve())


def page(answer: Answer) -> str:
    """Its text; whatever is in it, nothing in it runs."""
    text = answer.body.decode()
    assert answer.status == 500
    assert answer.get("content-type") == "text/html; charset=utf-8"
    assert answer.get("content-security-policy") == "default-src 'none'; style-src 'unsafe-inline'"
    assert answer.get("cache-control") == "no-store"
    assert "<script" not in text.lower()
    assert len(text) < 200_000
    return text


@pytest.mark.parametrize("mode", ["stepped", "task", "pool"])
def test_a_browser_gets_a_page(mode: str) -> None:
    text = page(ask(f"/{mode}/plain?q=1"))
    assert html.escape(HOSTILE) in text
    assert "in <b>failing</b>" in text
    assert "<mark>" in text
    assert html.escape("raise ValueError(text)") in text
    assert f"GET /{mode}/plain?q=1 HTTP/1.1" in text
    assert not [secret for secret in SECRETS if secret in text]
    assert "<td>Authorization</td><td>****</td>" in text
    assert "<td>Cookie</td><td>****</td>" in text
    assert "<td>X-Api-Key</td><td>****</td>" in text
    assert "<td>shouting</td>" not in text


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("cause", ["LookupError: nothing there", "caused by", "KeyError: "]),
        ("group", ["several", "in the group", "ValueError: one", "TypeError: "]),
        ("unprintable", ["Unprintable: &lt;exception str() failed&gt;"]),
        ("deep", ["RecursionError", "more frames"]),
        ("long", ["more characters"]),
        ("surrogate", ["a&#56575;\N{REPLACEMENT CHARACTER}b"]),
        ("code", ["no source", html.escape(f"<{HOSTILE}>")]),
    ],
)
def test_every_kind_of_exception_is_shown(kind: str, shown: list[str]) -> None:
    text = page(ask(f"/stepped/{kind}", settings=ServerSettings(debug_locals=True)))
    for words in shown:
        assert words in text


def test_locals_are_shown_only_when_they_were_asked_for() -> None:
    text = page(ask("/stepped/plain", settings=ServerSettings(debug_locals=True)))
    rows = dict(re.findall(r"<tr><td>(\w+)</td><td>(.*?)</td></tr>", text, re.DOTALL))
    assert rows["password"] == "****"
    assert rows["author"] == "&#x27;kept&#x27;"
    assert html.escape(HOSTILE) in rows["shouting"]
    assert "Sulking" in rows["sulking"]
    assert len(rows["huge"]) < 300
    assert rows["deep"].startswith("[0, 1, 2")
    assert len(rows["deep"]) < 100


@pytest.mark.parametrize(
    "accept", [None, "*/*", "application/json", "text/html;q=0.5, application/json", "text/html;q=0"]
)
def test_a_program_gets_a_problem(accept: str | None) -> None:
    answer = ask("/pool/cause", accept=accept)
    assert (answer.status, answer.get("content-type")) == (500, "application/problem+json")
    document = json.loads(answer.body)
    traceback = document.pop("traceback")
    assert len(document.pop("request_id")) > 8
    assert document == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "exception": "LookupError: nothing there",
    }
    assert traceback[0] == "Traceback (most recent call last):"
    assert traceback[-1] == "LookupError: nothing there"
    assert any("in failing" in line for line in traceback)


@pytest.mark.parametrize("kind", ["unprintable", "deep", "long", "surrogate", "code", "group"])
def test_every_kind_of_exception_is_a_problem(kind: str) -> None:
    answer = ask(f"/task/{kind}", accept="application/json")
    assert answer.status == 500
    assert len(json.loads(answer.body)["traceback"]) <= 200


def test_a_mistake_without_an_exception_says_what_it_is() -> None:
    assert "cannot encode what it returned" in page(ask("/wrong"))
    document = json.loads(ask("/wrong", accept=None).body)
    assert "cannot encode what it returned" in document["detail"]


def test_answers_that_are_exceptions_stay_answers() -> None:
    answer = ask("/answer")
    assert (answer.status, answer.get("content-type")) == (409, "application/problem+json")


@pytest.mark.parametrize("accept", [None, BROWSER, "text/html", "application/json"])
@pytest.mark.parametrize("target", ["/stepped/plain", "/task/cause", "/pool/group", "/wrong"])
def test_production_tells_nothing(accept: str | None, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("covet.debugging", "covet._debug_page"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    answer = ask(target, accept=accept, debug=False, settings=ServerSettings(debug_locals=True))
    assert (answer.status, answer.get("content-type")) == (500, "application/problem+json")
    assert json.loads(answer.body).keys() == {"type", "title", "status", "request_id"}
    assert "covet.debugging" not in sys.modules


def test_a_page_that_fails_leaves_the_plain_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    from covet import debugging

    def broken(*_: Any, **__: Any) -> str:
        raise RuntimeError("a mistake in the page")

    unraisable: list[Any] = []
    monkeypatch.setattr(debugging, "page", broken)
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)
    answer = ask("/stepped/plain")
    assert json.loads(answer.body).keys() == {"type", "title", "status", "request_id"}
    assert [str(each.exc_value) for each in unraisable] == ["a mistake in the page"]


@pytest.mark.parametrize(
    ("accept", "is_page"),
    [
        ("text/html", True),
        ("TEXT/HTML;level=1", True),
        ("application/xhtml+xml", True),
        ("text/html, application/json", True),
        ("application/json;q=0.9, text/html;q=1.0", True),
        ("application/problem+json, text/html;q=0.9", False),
        ("text/html;q=x", False),
        ("text/*", False),
        ("", False),
    ],
)
def test_who_prefers_a_page(accept: str, is_page: bool) -> None:
    from covet.debugging import wants_page

    assert wants_page([("accept", accept)]) is is_page


@pytest.mark.parametrize("accept", [BROWSER, "application/json"])
def test_the_password_of_a_url_is_masked(accept: str) -> None:
    answer = ask("/stepped/url", accept=accept, settings=ServerSettings(debug_locals=True))
    text = html.unescape(answer.body.decode())
    assert "cannot reach postgresql://somebody:****@localhost/books" in text
    assert SECRETS[0] not in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis://:hunter2@host:6379/0", "redis://:****@host:6379/0"),
        ("amqp://a:b@c, amqp://d:e@f", "amqp://a:****@c, amqp://d:****@f"),
        ("http://host:80/@a and mail@host", "http://host:80/@a and mail@host"),
        ("https://user@host/", "https://user@host/"),
        ("'http://host:80', 'a@b'", "'http://host:80', 'a@b'"),
    ],
)
def test_passwords_of_urls_are_found(text: str, shown: str) -> None:
    from covet._failed import without_passwords

    assert without_passwords(text) == shown


def test_what_is_masked() -> None:
    from covet._failed import is_secret

    masked = "password passwd db_password api_key API-Key token csrf_token secret authorization session_id cookies"
    shown = "author passed key session count user pass_through"
    assert [name for name in masked.split() if not is_secret(name)] == []
    assert [name for name in shown.split() if is_secret(name)] == []
