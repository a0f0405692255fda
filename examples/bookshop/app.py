"""The shop's routes: `covet run examples.bookshop.app:main`. The database is `BOOKSHOP_DB`, else bookshop.db.

Handlers are plain functions, because SQLite blocks: they run in the server's pool of threads. The annotations are the
contract: what does not fit them is a 422 that says all that is wrong, before a handler runs.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

from covet import Conflict, Covet, Ge, Le, MinLen, NotFound, Response, Router
from examples.bookshop.books import Book, Books, Duplicate, NewBook

books = Books(Path(os.environ.get("BOOKSHOP_DB", "bookshop.db")))


async def lifespan(_app: Covet) -> AsyncIterator[None]:
    """Create the table before the first request."""
    await asyncio.to_thread(books.create)
    yield


main = Covet(title="Bookshop", version="1.0", lifespan=lifespan)
shelf = Router("/books")


@main.get("/")
def home() -> dict[str, str]:
    """Where to look."""
    return {"books": "/books", "search": "/books/search?q=austen"}


@shelf.get("")
def list_books(limit: Annotated[int, Ge(1), Le(100)] = 20, offset: Annotated[int, Ge(0)] = 0) -> list[Book]:
    """A page of books."""
    return books.page(limit, offset)


@shelf.get("/search")
def search(q: Annotated[str, MinLen(1)]) -> list[Book]:
    """Books whose title or author contains `q`."""
    return books.search(q)


@shelf.get("/{book_id}")
def get_book(book_id: int) -> Book:
    """One book."""
    found = books.get(book_id)
    if found is None:
        raise NotFound(f"no book {book_id}")
    return found


@shelf.post("", status_code=201, max_body="16KiB")
def create_book(book: NewBook) -> Book:
    """Add a book."""
    try:
        return books.add(book)
    except Duplicate:
        raise Conflict("there is a book of this title and author") from None


@shelf.put("/{book_id}", max_body="16KiB")
def update_book(book_id: int, book: NewBook) -> Book:
    """Replace a book."""
    try:
        found = books.replace(book_id, book)
    except Duplicate:
        raise Conflict("there is a book of this title and author") from None
    if found is None:
        raise NotFound(f"no book {book_id}")
    return found


@shelf.delete("/{book_id}")
def delete_book(book_id: int) -> None:
    """Remove a book."""
    if not books.remove(book_id):
        raise NotFound(f"no book {book_id}")


@main.get("/about")
async def about() -> Response:
    """Text, for people."""
    return Response("A bookshop that keeps its books in one file.\n", media_type="text/plain; charset=utf-8")


main.include_router(shelf)
