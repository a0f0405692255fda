"""The shop's routes: `covet run examples.bookshop.app:main`. The database is `BOOKSHOP_DB`, else bookshop.db.

Reads are plain functions, which run in the server's pool of threads; writes are coroutines, because they wait for the
request's body, and hand their SQL to a thread.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from covet import BadRequest, Conflict, Covet, HTTPException, NotFound, Request, Response, Router
from examples.bookshop.books import Book, Books, Duplicate, NewBook

LONGEST = 200
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
def list_books(limit: int = 20, offset: int = 0) -> list[Book]:
    """A page of books."""
    if not 1 <= limit <= 100 or offset < 0:
        raise BadRequest("limit is 1 to 100, offset is not negative")
    return books.page(limit, offset)


@shelf.get("/search")
def search(q: str) -> list[Book]:
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
async def create_book(request: Request) -> Book:
    """Add a book."""
    book = new_book(await request.json())
    try:
        return await asyncio.to_thread(books.add, book)
    except Duplicate:
        raise Conflict("there is a book of this title and author") from None


@shelf.put("/{book_id}", max_body="16KiB")
async def update_book(book_id: int, request: Request) -> Book:
    """Replace a book."""
    book = new_book(await request.json())
    try:
        found = await asyncio.to_thread(books.replace, book_id, book)
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


def new_book(data: Any) -> NewBook:
    """A book from a JSON body. Anything else: 422 that says all that is wrong."""
    if not isinstance(data, dict):
        raise HTTPException(422, "the body is a JSON object with title, author and price_cents")
    wrong = [
        f"{field} is text of 1 to {LONGEST} characters"
        for field in ("title", "author")
        if not isinstance(data.get(field), str) or not 1 <= len(data[field].strip()) <= LONGEST
    ]
    price = data.get("price_cents")
    if not isinstance(price, int) or isinstance(price, bool) or not 0 < price < 2**31:
        wrong.append("price_cents is a whole number above 0")
    if wrong:
        raise HTTPException(422, wrong)
    return NewBook(data["title"].strip(), data["author"].strip(), data["price_cents"])


main.include_router(shelf)
