"""The bookshop's table: what the example promises, without HTTP."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(ROOT))
    from examples.bookshop import books

    table = books.Books(tmp_path / "shop.db")
    table.create()
    yield books, table
    for name in [name for name in sys.modules if name.split(".")[0] == "examples"]:
        del sys.modules[name]


def test_seeded_once(shop: Any) -> None:
    _, table = shop
    table.create()
    assert [book.title for book in table.page(10, 0)] == ["Emma", "Persuasion", "Middlemarch", "Bleak House"]
    assert [book.id for book in table.page(2, 1)] == [2, 3]


def test_search_takes_text_literally(shop: Any) -> None:
    books, table = shop
    table.add(books.NewBook("100% pure_\\", "Nobody", 5))
    assert [book.title for book in table.search("AUSTEN")] == ["Emma", "Persuasion"]
    assert [book.title for book in table.search("0% p")] == ["100% pure_\\"]
    assert [book.title for book in table.search("e_\\")] == ["100% pure_\\"]
    assert table.search("%%") == []


def test_add_replace_remove(shop: Any) -> None:
    books, table = shop
    made = table.add(books.NewBook("Silas Marner", "George Eliot", 650))
    assert table.get(made.id) == made
    changed = table.replace(made.id, books.NewBook("Romola", "George Eliot", 700))
    assert table.get(made.id) == changed
    assert table.remove(made.id)
    assert not table.remove(made.id)
    assert table.get(made.id) is None
    assert table.replace(made.id, books.NewBook("x", "y", 1)) is None


def test_duplicates(shop: Any) -> None:
    books, table = shop
    with pytest.raises(books.Duplicate):
        table.add(books.NewBook("Emma", "Jane Austen", 1))
    with pytest.raises(books.Duplicate):
        table.replace(2, books.NewBook("Emma", "Jane Austen", 1))
    assert len(table.page(10, 0)) == 4
