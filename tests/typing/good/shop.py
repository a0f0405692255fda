"""A shop that uses every feature once. Clean under pyright strict and mypy --strict."""

import functools
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

from covet import (
    Compress,
    Conflict,
    Covet,
    HTMLResponse,
    HTTPException,
    JSONResponse,
    Limits,
    NotFound,
    Path,
    PlainTextResponse,
    Query,
    RedirectResponse,
    Request,
    Response,
    Router,
    Server,
)


class Kind(Enum):
    paper = "paper"
    ebook = "ebook"


@dataclass
class Book:
    id: int
    title: str


@asynccontextmanager
async def lifespan(app: Covet) -> AsyncGenerator[None]:
    print(app.title)
    yield


async def lifespan_generator(app: Covet) -> AsyncIterator[None]:
    yield


app = Covet(title="Bookshop", version="1.0", debug=False, limits=Limits(max_body="1MB"), lifespan=lifespan)
app2 = Covet(lifespan=lifespan_generator, middleware=[Compress(minimum_size="1KiB")])
books = Router(
    prefix="/books", middleware=(Compress(),), limits=Limits(timeout=timedelta(seconds=5), compressed_body=True)
)


@books.get("/")
async def list_books(
    tag: Annotated[list[str], Query("tag")] = [],
    kind: Kind | None = None,
    by: UUID | None = None,
    sort: Literal["title", "price"] = "title",
    dry_run: bool = False,
    limit: float = 1.5,
) -> list[Book]:
    return []


@books.get("/{book_id:int}", name="book", blocking=False)
def get_book(book_id: Annotated[int, Path()]) -> Book | Response:
    if book_id > 3:
        raise NotFound(f"book {book_id}")
    return Book(book_id, "Emma")


@books.post("/", status_code=201, max_body="64KB", timeout=2.0, max_concurrency=8, queue=32, on_disconnect="finish")
async def create(request: Request) -> Book:
    data: Any = await request.json()
    if not data:
        raise Conflict("taken")
    if request.headers.get("x-role") != "admin" or request.cookies.get("a") or request.client is None:
        raise HTTPException(401, "who?", headers={"WWW-Authenticate": "Bearer"})
    request.state.user = len(await request.body()) + len(await request.text())
    print(request.method, request.url.path, request.query_params.getlist("q"), request.path_params, request.raw_path)
    return Book(1, "Emma")


@books.delete("/{book_id}", max_body=None, timeout=None, limits=Limits(max_body=5))
def delete(book_id: int) -> None: ...


@app.get("/", name="home")
def home() -> JSONResponse[str | list[int]]:
    return JSONResponse([1], 200, {"x": "y"})


@app.route("/login", methods=["GET", "POST"])
async def login(request: Request) -> HTMLResponse | RedirectResponse:
    if request.method == "GET":
        return HTMLResponse("<form>")
    answer = RedirectResponse(app.url_for(home))
    answer.set_cookie("user", "x", max_age=60, samesite="strict")
    answer.headers["x"] = "y"
    return answer


class Audit:
    async def __call__(self, request: Request) -> Response:
        return PlainTextResponse("x", media_type="text/plain")


def raw(content: bytes) -> Response:
    return Response(content)


app.options("/any")(lambda: None)
app.head("/any")(lambda: None)
app.put("/any")(home)
app.patch("/any")(home)
app.query("/any")(functools.partial(raw, b"x"))
app.delete("/any")(Audit())
app.route("/every", methods="*")(lambda: None)
app.include_router(books, prefix="/api")


async def main() -> None:
    async with Server(app, port=0) as server:
        print(server.url, app.url_for("book", book_id=1))
        await server.serve()
        await server.drain(timeout=timedelta(seconds=1))
        await server.wait_closed()
    async with Server(app, uds="/run/app.sock"), Server(app, host="::1"), Server(app, fd=3):
        pass
