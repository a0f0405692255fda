"""The books: one table of an embedded SQLite file. Knows SQL and nothing of HTTP.

What a book must be is said here once, for the table and for clients. Each call opens a connection of its own, which
SQLite makes cheap, so that any thread may call.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from covet import Gt, Lt, MaxLen, MinLen

SCHEMA = """
CREATE TABLE IF NOT EXISTS books (
    id INTEGER PRIMARY KEY,
    title TEXT NOT NULL,
    author TEXT NOT NULL,
    price_cents INTEGER NOT NULL CHECK (price_cents > 0),
    UNIQUE (title, author)
)
"""
SEED = (
    ("Emma", "Jane Austen", 899),
    ("Persuasion", "Jane Austen", 799),
    ("Middlemarch", "George Eliot", 1299),
    ("Bleak House", "Charles Dickens", 1099),
)


def _stripped(text: str) -> str:
    return text.strip()


Words = Annotated[str, _stripped, MinLen(1), MaxLen(200)]
"""Text of 1 to 200 characters, blanks around it aside."""


@dataclass
class Book:
    """A book as it is stored and shown."""

    id: int
    title: str
    author: str
    price_cents: int


@dataclass
class NewBook:
    """What a client gives of a book."""

    title: Words
    author: Words
    price_cents: Annotated[int, Gt(0), Lt(2**31)]


class Duplicate(Exception):
    """There is a book of this title and author."""


class Books:
    """The table."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self) -> None:
        """Create the table; a new one gets a few books."""
        with self._connection() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(SCHEMA)
            if connection.execute("SELECT 1 FROM books").fetchone() is None:
                connection.executemany(
                    "INSERT OR IGNORE INTO books (title, author, price_cents) VALUES (?, ?, ?)", SEED
                )

    def page(self, limit: int, offset: int) -> list[Book]:
        """At most `limit` books, in order of their ids, after the first `offset`."""
        return self._select("ORDER BY id LIMIT ? OFFSET ?", (limit, offset))

    def search(self, text: str) -> list[Book]:
        """Books whose title or author contains `text`, at most 50."""
        pattern = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        where = r"WHERE title LIKE ? ESCAPE '\' OR author LIKE ? ESCAPE '\' ORDER BY title LIMIT 50"
        return self._select(where, (pattern, pattern))

    def get(self, book_id: int) -> Book | None:
        """One book; None where there is none."""
        found = self._select("WHERE id = ?", (book_id,))
        return found[0] if found else None

    def add(self, book: NewBook) -> Book:
        """Store a book under a new id. There is one: Duplicate."""
        values = (book.title, book.author, book.price_cents)
        with self._connection() as connection:
            cursor = connection.execute("INSERT INTO books (title, author, price_cents) VALUES (?, ?, ?)", values)
            return Book(int(cursor.lastrowid or 0), *values)

    def replace(self, book_id: int, book: NewBook) -> Book | None:
        """Overwrite a book; None where there is none. There is another like it: Duplicate."""
        values = (book.title, book.author, book.price_cents)
        with self._connection() as connection:
            change = "UPDATE books SET title = ?, author = ?, price_cents = ? WHERE id = ?"
            changed = connection.execute(change, (*values, book_id)).rowcount
        return Book(book_id, *values) if changed else None

    def remove(self, book_id: int) -> bool:
        """Delete a book; whether there was one."""
        with self._connection() as connection:
            return connection.execute("DELETE FROM books WHERE id = ?", (book_id,)).rowcount > 0

    def _select(self, rest: str, values: tuple[str | int, ...]) -> list[Book]:
        with self._connection() as connection:
            rows = connection.execute("SELECT id, title, author, price_cents FROM books " + rest, values)
            return [Book(*row) for row in rows]

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A connection whose changes are kept where nothing is raised."""
        connection = sqlite3.connect(self.path, timeout=5.0)
        try:
            with connection:
                yield connection
        except sqlite3.IntegrityError as error:
            raise Duplicate(str(error)) from None
        finally:
            connection.close()
