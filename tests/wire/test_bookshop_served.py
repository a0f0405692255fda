"""The command of `make run`, as the Makefile has it, serves the bookshop: list, create, get, search, update, delete."""

import json
import re
from pathlib import Path

import pytest

from tests.wire.connection import Connection
from tests.wire.server_process import running

MAKEFILE = Path(__file__).resolve().parents[2] / "Makefile"


def test_the_bookshop_keeps_books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOKSHOP_DB", str(tmp_path / "books.db"))
    named = re.search(r"covet run (\S+:main) --host", MAKEFILE.read_text())
    assert named is not None
    with running(named[1]) as server, Connection(server.port) as connection:
        before = json.loads(connection.ask("GET", "/books").body)
        assert before
        kind = (("Content-Type", "application/json"),)
        book = {"title": "Villette", "author": "Charlotte Bronte", "price_cents": 950}
        created = connection.ask("POST", "/books", kind, json.dumps(book).encode())
        assert created.status == 201, created.body
        number = json.loads(created.body)["id"]
        assert json.loads(connection.ask("GET", f"/books/{number}").body)["title"] == "Villette"
        assert connection.ask("POST", "/books", kind, b'{"title":').status == 422
        assert connection.ask("DELETE", f"/books/{number}").status == 204
        assert connection.ask("GET", f"/books/{number}").status == 404
