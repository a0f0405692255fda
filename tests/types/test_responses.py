"""`Response` and its kinds: what is kept, what is refused."""

import gc
import inspect
import types
import weakref
from http import HTTPStatus

import pytest

from covet._native import (
    HTMLResponse,
    JSONResponse,
    MutableHeaders,
    PlainTextResponse,
    RedirectResponse,
    Response,
)

KINDS = [Response, JSONResponse, HTMLResponse, PlainTextResponse]


@pytest.mark.parametrize(
    ("response", "status", "media_type", "content_type"),
    [
        (Response(), 200, None, None),
        (Response(b"x", 201), 201, None, None),
        (Response("x", media_type="text/css"), 200, "text/css", "text/css; charset=utf-8"),
        (Response("x", media_type="TEXT/css"), 200, "TEXT/css", "TEXT/css; charset=utf-8"),
        (Response("x", media_type="text/a; charset=x"), 200, "text/a; charset=x", "text/a; charset=x"),
        (Response("x", media_type="application/xml"), 200, "application/xml", "application/xml"),
        (JSONResponse({"a": 1}), 200, "application/json", "application/json"),
        (JSONResponse(None, media_type="a/b+json"), 200, "a/b+json", "a/b+json"),
        (HTMLResponse("x"), 200, "text/html; charset=utf-8", "text/html; charset=utf-8"),
        (PlainTextResponse(), 200, "text/plain; charset=utf-8", "text/plain; charset=utf-8"),
        (RedirectResponse("/"), 303, None, None),
        (Response(status_code=HTTPStatus.NOT_FOUND), 404, None, None),
    ],
)
def test_defaults(response: Response, status: int, media_type: str | None, content_type: str | None) -> None:
    assert response.status_code == status
    assert response.media_type == media_type
    assert response.headers.get("content-type") == content_type


@pytest.mark.parametrize("status", [-1, 0, 100, 101, 199, 600, 70_000, 10**30])
@pytest.mark.parametrize("kind", KINDS)
def test_status_out_of_range(kind: type[Response], status: int) -> None:
    error = OverflowError if status == 10**30 else ValueError
    with pytest.raises(error):
        kind("", status)
    with pytest.raises(error):
        kind("").status_code = status


@pytest.mark.parametrize("status", [200, 599])
def test_status_in_range(status: int) -> None:
    response = Response()
    response.status_code = status
    assert response.status_code == status


def test_status_says_what_to_do() -> None:
    with pytest.raises(ValueError, match="status_code is 600; an answer has one from 200 to 599"):
        Response(status_code=600)


@pytest.mark.parametrize("content", [1, [], {}, bytearray(b"x"), object()])
@pytest.mark.parametrize("kind", [Response, HTMLResponse, PlainTextResponse])
def test_content_of_another_type(kind: type[Response], content: object) -> None:
    with pytest.raises(TypeError, match=f"not {type(content).__name__}; JSONResponse encodes"):
        kind(content)


def test_content_that_is_no_utf_8() -> None:
    with pytest.raises(UnicodeEncodeError):
        Response("\udc80")


def test_json_needs_content() -> None:
    with pytest.raises(TypeError, match="content"):
        JSONResponse()


def test_media_type_can_change() -> None:
    response = Response("x", media_type="text/css")
    response.media_type = "a/b"
    assert response.headers["content-type"] == "a/b"
    response.media_type = "c/d"
    assert response.headers["content-type"] == "c/d"
    response.media_type = None
    assert "content-type" not in response.headers


@pytest.mark.parametrize("media_type", ["a/b\r\nx: y", "a/\u00e9", "a/\u20ac"])
def test_media_type_that_cannot_be_sent(media_type: str) -> None:
    with pytest.raises(ValueError, match="control character|not ASCII"):
        Response("", media_type=media_type)
    with pytest.raises(ValueError, match="control character|not ASCII"):
        Response().media_type = media_type


def test_attributes_are_fixed() -> None:
    with pytest.raises(AttributeError):
        Response().status = 201


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("/a?b=c#d", "/a?b=c#d"),
        ("https://u@[::1]:80/x;y,z", "https://u@[::1]:80/x;y,z"),
        ("/a%20b", "/a%20b"),
        ("/\u00e9 \u20ac", "/%C3%A9%20%E2%82%AC"),
        ("/\r\nSet-Cookie: a=1", "/%0D%0ASet-Cookie:%20a=1"),
        ('/"<>\\^`{|}', "/%22%3C%3E%5C%5E%60%7B%7C%7D"),
        ("/-._~!$&'()*+,;=:@", "/-._~!$&'()*+,;=:@"),
    ],
)
def test_location(url: str, location: str) -> None:
    assert RedirectResponse(url).headers["location"] == location


@pytest.mark.parametrize("status", [200, 299, 400, 99])
def test_redirect_status(status: int) -> None:
    with pytest.raises(ValueError, match=f"status_code is {status}; a redirect has one from 300 to 399"):
        RedirectResponse("/", status)


def test_redirect_takes_headers() -> None:
    response = RedirectResponse("/a", 301, {"Location": "/b", "X": "1"})
    assert list(response.headers.items()) == [("location", "/a"), ("x", "1")]


@pytest.mark.parametrize("kind", [*KINDS, RedirectResponse])
def test_kinds_are_generic_at_run_time(kind: type[Response]) -> None:
    alias = kind[dict[str, int]]
    assert isinstance(alias, types.GenericAlias)
    assert alias.__origin__ is kind
    assert alias.__args__ == (dict[str, int],)


def test_subclass_with_its_own_constructor() -> None:
    class Problem(JSONResponse[dict[str, str]]):
        media_type = "application/problem+json"

        def __init__(self, title: str) -> None:
            super().__init__({"title": title}, 400, {"X-A": "1"})
            self.title = title

    problem = Problem("no")
    assert (problem.status_code, problem.title) == (400, "no")
    assert list(problem.headers.items()) == [("content-type", "application/problem+json"), ("x-a", "1")]
    assert isinstance(problem, Response)
    assert repr(problem) == "<Problem 400>"


def test_subclass_that_forgets_super() -> None:
    class Bare(Response):
        def __init__(self) -> None:
            pass

    assert (Bare().status_code, list(Bare().headers.items())) == (200, [])


def test_init_again_starts_over() -> None:
    response = Response("x", 201, {"A": "1"}, "a/b")
    response.__init__("y", 202, {"B": "2"}, "c/d")
    assert response.status_code == 202
    assert list(response.headers.items()) == [("content-type", "c/d"), ("b", "2")]


def test_signatures() -> None:
    expected = "(content=None, status_code=200, headers=None, media_type=None)"
    assert str(inspect.signature(Response)) == expected
    assert str(inspect.signature(RedirectResponse)) == "(url, status_code=303, headers=None)"


@pytest.mark.parametrize("kind", [JSONResponse, type("Sub", (JSONResponse,), {})])
def test_cycles_are_collected(kind: type[JSONResponse]) -> None:
    content: list[object] = []
    response = kind(content)
    content.append(response)
    gone = weakref.ref(response)
    del content, response
    gc.collect()
    assert gone() is None


def test_cycle_through_an_object_without_clear() -> None:
    response = JSONResponse(holder := (cell := [],))
    cell.append(response)
    gone = weakref.ref(response)
    del response, holder, cell
    gc.collect()
    assert gone() is None


def test_headers_outlive_the_response() -> None:
    response = Response(headers={"A": "1"})
    headers = response.headers
    assert isinstance(headers, MutableHeaders)
    assert response.headers is headers
    del response
    assert headers["a"] == "1"
