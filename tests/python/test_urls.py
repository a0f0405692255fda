"""Paths from routes: escaping, choice among routes, and what is no path."""

import enum
from typing import Any

import pytest

pytest.importorskip("covet.routing", reason="needs the native module", exc_type=ImportError)

from covet import Covet, Router


class Shape(enum.Enum):
    ROUND = "round"


def home() -> None: ...
def book(id: int) -> None: ...
def file(rest: str) -> None: ...
def words(word: str) -> None: ...


def make() -> Covet:
    app, shop = Covet(), Router("/shöp")
    app.get("/", name="home")(home)
    shop.get("/books/{id:int}")(book)
    shop.get("/words/{word}")(words)
    shop.get("/words")(home)
    shop.get("/files/{rest:path}")(file)
    app.include_router(shop, prefix="/v1")
    return app


@pytest.mark.parametrize(
    ("handler", "params", "path"),
    [
        ("home", {}, "/"),
        (home, {}, "/"),
        (book, {"id": 5}, "/v1/sh%C3%B6p/books/5"),
        ("words", {"word": "a b/c%ü?"}, "/v1/sh%C3%B6p/words/a%20b%2Fc%25%C3%BC%3F"),
        ("words", {"word": Shape.ROUND}, "/v1/sh%C3%B6p/words/round"),
        ("words", {"word": True}, "/v1/sh%C3%B6p/words/true"),
        ("file", {"rest": "a/b c/d"}, "/v1/sh%C3%B6p/files/a/b%20c/d"),
        ("file", {"rest": ""}, "/v1/sh%C3%B6p/files/"),
    ],
)
def test_url_for(handler: Any, params: dict[str, object], path: str) -> None:
    assert make().url_for(handler, **params) == path


@pytest.mark.parametrize(
    ("handler", "params", "text"),
    [
        ("nobody", {}, "no route for 'nobody': give a handler or the name of a route"),
        ("book", {}, "the route of 'book' takes ['id'], not []"),
        ("book", {"id": 1, "page": 2}, "the route of 'book' takes ['id'], not ['id', 'page']"),
        ("words", {"word": ""}, "parameter 'word' is '', which no path can hold"),
        ("words", {"word": ".."}, "parameter 'word' is '..', which no path can hold"),
        ("file", {"rest": "a/../b"}, "parameter 'rest' is 'a/../b', which no path can hold"),
    ],
)
def test_no_such_path(handler: Any, params: dict[str, object], text: str) -> None:
    with pytest.raises(LookupError) as caught:
        make().url_for(handler, **params)
    assert str(caught.value) == text


def test_neither_handler_nor_name() -> None:
    with pytest.raises(TypeError, match="url_for got 1: give it a handler or a route's name"):
        make().url_for(1)  # type: ignore[arg-type]
