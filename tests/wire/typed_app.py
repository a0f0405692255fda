"""The application that the typed tests ask: bodies, forms, headers, cookies, and answers by their annotations."""

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, NamedTuple, TypedDict
from uuid import UUID

from covet import (
    Body,
    Cookie,
    Covet,
    Field,
    Form,
    Ge,
    Header,
    JSONResponse,
    Le,
    Limits,
    MaxLen,
    Query,
    Request,
    Response,
)
from covet import (
    model as declared_model,
)

main = Covet(title="Typed", version="1.0")


class Kind(Enum):
    """How a book is printed."""

    PAPER = "paper"
    EBOOK = "ebook"


@dataclass
class Author:
    """Part of a book."""

    name: Annotated[str, MaxLen(20)]
    born: int | None = None


@dataclass
class Book:
    """A body with everything."""

    title: Annotated[str, Field(alias="Title")]
    price: Annotated[Decimal, Ge(0)]
    kind: Kind = Kind.PAPER
    authors: list[Author] = field(default_factory=list[Author])
    isbn: UUID | None = None
    printed: datetime | None = None


@dataclass
class RareBook(Book):
    """What answers never show more of than Book has."""

    secret: str = "hidden"


@dataclass
class Page:
    """Fields of a query or a form."""

    limit: Annotated[int, Ge(1), Le(100)] = 20
    tag: list[str] = field(default_factory=list[str])


class Patch(TypedDict, total=False):
    """Absent fields stay absent."""

    title: str
    price: float


class Point(NamedTuple):
    """A pair."""

    x: float
    y: float


class Foreign:
    """What an ORM gives."""

    def __init__(self) -> None:
        self.name = "Jane"
        self.born = 1775
        self.internal = object()


@main.post("/books")
async def create(book: Book) -> Book:
    return book


@main.post("/books/strict", limits=Limits(unknown_fields="forbid"))
async def create_strictly(book: Book) -> Book:
    return book


@main.post("/books/inline", blocking=False)
def create_inline(book: Book) -> bool:
    return threading.current_thread() is threading.main_thread()


@main.post("/books/pool")
def create_in_the_pool(book: Book) -> str:
    time.sleep(0)
    return f"{book.title} {threading.current_thread() is threading.main_thread()}"


@main.post("/books/{shelf}/many")
async def create_many(
    shelf: int, books: list[Book], dry_run: bool = False, agent: Annotated[str, Header("User-Agent")] = "none"
) -> list[Any]:
    return [shelf, len(books), dry_run, agent]


@main.post("/several")
async def several(author: Author, point: Annotated[Point, Body()], note: Annotated[str, Body()] = "none") -> list[Any]:
    return [author, point.x, point.y, note]


@main.post("/optional")
async def optional(author: Author | None = None) -> Author | None:
    return author


@main.patch("/books/{id}")
async def patch(id: int, change: Patch) -> Patch:
    return change


@main.post("/request")
async def with_request(request: Request, author: Author) -> list[Any]:
    return [author.name, (await request.body()).decode(), request.method]


@main.post("/raw")
async def raw(data: Annotated[bytes, Body()]) -> bytes:
    return data


@main.post("/text")
async def text(data: Annotated[str, Body("text/plain")]) -> str:
    return data


@main.post("/number")
async def number(value: Annotated[int, Body()]) -> int:
    return value


@main.post("/form")
async def form(
    name: Annotated[str, Form()], age: Annotated[int, Form("years")], tag: Annotated[list[str], Form()]
) -> list[Any]:
    return [name, age, tag]


@main.post("/form/object")
async def form_object(page: Annotated[Page, Form()]) -> Page:
    return page


@main.post("/either")
async def either(body: Annotated[Author, Body()] | Annotated[Page, Form()]) -> str:
    return type(body).__name__


@main.post("/both")
async def both(body: Annotated[Author, Body("json", "form")]) -> Author:
    return body


@main.get("/page")
async def page(page: Annotated[Page, Query()]) -> Page:
    return page


@main.get("/sources")
async def sources(
    x_number: Annotated[int, Header()],
    session: Annotated[str, Cookie()],
    accept: Annotated[list[str], Header()] = [],  # noqa: B006
    theme: Annotated[Kind | None, Cookie("t")] = None,
) -> list[Any]:
    return [x_number, session, accept, theme]


@main.get("/page/optional")
async def optional_page(page: Annotated[Page | None, Query()] = None) -> Page | None:
    return page


@declared_model(unknown_fields="forbid")
@dataclass
class Client:
    """Fields of a head, which has others."""

    user_agent: str
    theme: str = "plain"


@main.get("/sources/strict")
async def strict_sources(
    headers: Annotated[Client, Header()], cookies: Annotated[Client | None, Cookie()] = None
) -> list[Any]:
    return [headers.user_agent, cookies.theme if cookies else None]


@main.get("/answers/subclass")
async def subclass() -> Book:
    return RareBook("Emma", Decimal("7.50"), printed=datetime(2020, 1, 2, 3, 4, 5))


@main.get("/answers/union")
async def union(text: bool = False) -> Book | Response:
    return Response("as it is", media_type="text/plain") if text else Book("Emma", Decimal(1))


@main.get("/answers/mismatch")
async def mismatch() -> Book:
    return Author("Jane")  # type: ignore[return-value]


@main.get("/answers/deep-mismatch")
async def deep_mismatch() -> list[Book]:
    return [Book("Emma", Decimal(1), authors=[Author("Jane", "x")])]  # type: ignore[arg-type]


@main.get("/answers/model", response_model=Author)
async def model() -> Foreign:
    return Foreign()


@main.get("/answers/checked", response_check=True)
async def checked(long: bool = False) -> Author:
    return Author("a" * (21 if long else 20))


@main.get("/answers/json-response")
async def json_response() -> JSONResponse[list[int]]:
    return JSONResponse([1, 2], 202)


@main.get("/answers/threads")
def from_the_pool() -> list[Author]:
    time.sleep(0)
    return [Author("Jane")]
