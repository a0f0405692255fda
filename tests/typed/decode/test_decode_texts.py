"""Texts that are no JSON: scalars, arrays of several texts, objects of named texts."""

import datetime as dt
import enum
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from covet._native import Schema, ValidationError
from covet._types.nodes import (
    AnyNode,
    BoolNode,
    BytesNode,
    CheckedNode,
    CustomNode,
    DictNode,
    EnumNode,
    FieldNode,
    FloatNode,
    IntNode,
    ListNode,
    Node,
    NoneNode,
    NullableNode,
    ObjectNode,
    StrNode,
    TextNode,
    TupleNode,
    UnionNode,
)


class Level(enum.IntEnum):
    """By number."""

    LOW = 1
    HIGH = 2


SECONDS = TextNode("datetime", dt.datetime, unix="seconds")
LEVEL = EnumNode(Level, [(1, Level.LOW), (2, Level.HIGH)])
LITERAL = EnumNode(None, [("1", "1"), (1, 1), (True, True), (None, None), (2, 2)])


@pytest.mark.parametrize(
    ("node", "text", "expected"),
    [
        (StrNode(), "é", "é"),
        (AnyNode(), "5", "5"),
        (IntNode(), "-5", -5),
        (IntNode(), "9" * 30, int("9" * 30)),
        (IntNode(ge=5), "5", 5),
        (FloatNode(), "1e3", 1000.0),
        (FloatNode(), "-.5", -0.5),
        (BoolNode(), "YES", True),
        (BoolNode(), "on", True),
        (BoolNode(), "1", True),
        (BoolNode(), "off", False),
        (BoolNode(), "0", False),
        (NoneNode(), "", None),
        (BytesNode(), "AP8=", b"\x00\xff"),
        (TextNode("uuid", UUID), "123e4567-e89b-12d3-a456-426614174000", UUID("123e4567-e89b-12d3-a456-426614174000")),
        (TextNode("date", dt.date), "2026-01-31", dt.date(2026, 1, 31)),
        (TextNode("decimal", Decimal), "1.10", Decimal("1.10")),
        (SECONDS, "1769862600", dt.datetime(2026, 1, 31, 12, 30, tzinfo=dt.UTC)),
        (SECONDS, "-1.5", dt.datetime(1969, 12, 31, 23, 59, 58, 500000, dt.UTC)),
        (SECONDS, "2026-01-31T12:30:00", dt.datetime(2026, 1, 31, 12, 30)),
        (TextNode("datetime", dt.datetime, False, "milliseconds"), "1500", dt.datetime(1970, 1, 1, 0, 0, 1, 500000)),
        (TextNode("timedelta", dt.timedelta, unix="seconds"), "90", dt.timedelta(seconds=90)),
        (TextNode("timedelta", dt.timedelta, unix="seconds"), "PT90S", dt.timedelta(seconds=90)),
        (NullableNode(SECONDS), "0", dt.datetime(1970, 1, 1, tzinfo=dt.UTC)),
        (LEVEL, "2", Level.HIGH),
        (LITERAL, "1", "1"),
        (LITERAL, "true", True),
        (LITERAL, "null", None),
        (LITERAL, "2", 2),
        (NullableNode(IntNode()), "5", 5),
        (UnionNode([IntNode(), StrNode()]), "5", 5),
        (UnionNode([IntNode(), StrNode()]), "x", "x"),
        (UnionNode([StrNode(), IntNode()]), "5", "5"),
        (CheckedNode(IntNode(), [("gt", 4)], [lambda value: value * 2]), "5", 10),
        (CustomNode(complex, IntNode(), complex, abs), "5", 5 + 0j),
    ],
)
def test_accepted(node: Node, text: str, expected: object) -> None:
    value = Schema(node).convert(text)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("node", "text", "code"),
    [
        (IntNode(), "", "int"),
        (IntNode(), "1.0", "int"),
        (IntNode(), " 1", "int"),
        (IntNode(), "1_0", "int"),
        (IntNode(), "1" * 4301, "int"),
        (IntNode(lt=5), "5", "lt"),
        (FloatNode(), "nan", "float"),
        (FloatNode(), "inf", "float"),
        (FloatNode(), "1e999", "float"),
        (FloatNode(), "", "float"),
        (BoolNode(), "2", "bool"),
        (NoneNode(), "x", "null"),
        (TextNode("uuid", UUID), "x", "uuid"),
        (TextNode("datetime", dt.datetime), "1769862600", "datetime"),
        (SECONDS, "nan", "datetime"),
        (SECONDS, "1e999", "datetime"),
        (SECONDS, "1e300", "datetime"),
        (SECONDS, "253402300800", "datetime"),
        (SECONDS, "", "datetime"),
        (TextNode("timedelta", dt.timedelta, unix="seconds"), "90s", "timedelta"),
        (LEVEL, "3", "choice"),
        (LITERAL, "True", "choice"),
        (UnionNode([IntNode(), BoolNode()]), "x", "union"),
        (ListNode(list, IntNode()), "1", "array"),
        (DictNode(dict, StrNode(), IntNode()), "1", "object"),
    ],
)
def test_refused(node: Node, text: str, code: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Schema(node).convert(text)
    (error,) = raised.value.errors
    assert (error["code"], error["pointer"], error["source"]) == (code, "", "text")


@dataclass
class Search:
    """A query."""

    q: str
    limit: int = 10
    tags: tuple[str, ...] = ()
    flag: bool | None = None


SEARCH = ObjectNode(
    Search,
    "Search",
    "attributes",
    [
        FieldNode("q", "q", StrNode()),
        FieldNode("limit", "max", IntNode(le=100), required=False, default=10),
        FieldNode("tags", "tag", ListNode(tuple, StrNode()), required=False, default=()),
        FieldNode("flag", "flag", NullableNode(BoolNode()), required=False),
    ],
)


def test_fields() -> None:
    schema = Schema(SEARCH)
    assert schema.convert_fields([("q", "x")]) == Search("x")
    pairs = [("tag", "a"), ("q", "x"), ("max", "5"), ("other", "?"), ("tag", "b"), ("flag", "no")]
    assert schema.convert_fields(pairs) == Search("x", 5, ("a", "b"), flag=False)


def codes(read: Any, value: object) -> list[tuple[str, str]]:
    """Place and code of every error."""
    with pytest.raises(ValidationError) as raised:
        read(value)
    return [(error["pointer"], error["code"]) for error in raised.value.errors]


def test_errors_of_fields() -> None:
    schema = Schema(SEARCH, forbid_unknown=True)
    pairs = [("max", "x"), ("other", "?"), ("flag", "a"), ("flag", "b")]
    assert codes(schema.convert_fields, pairs) == [
        ("/other", "unknown"),
        ("/max", "int"),
        ("/flag", "repeated"),
        ("/q", "missing"),
    ]


def test_several_texts() -> None:
    assert Schema(ListNode(set, IntNode())).convert_many(["1", "2", "1"]) == {1, 2}
    assert Schema(NullableNode(TupleNode([IntNode(), StrNode()]))).convert_many(["1", "2"]) == (1, "2")
    assert Schema(IntNode()).convert_many(["1"]) == 1
    assert codes(Schema(ListNode(list, IntNode())).convert_many, ["1", "x", "y"]) == [("/1", "int"), ("/2", "int")]
    assert codes(Schema(ListNode(list, IntNode(), max_length=1)).convert_many, ["1", "2"]) == [("", "max_length")]
    assert codes(Schema(TupleNode([IntNode()])).convert_many, ["1", "2"]) == [("", "length")]
    assert codes(Schema(IntNode()).convert_many, ["1", "2"]) == [("", "repeated")]


@pytest.mark.parametrize("count", [99, 100, 101, 1000])
def test_at_most_a_hundred_errors_of_texts(count: int) -> None:
    @dataclass
    class Both:
        numbers: list[int]

    many = ListNode(list, IntNode())
    each = ObjectNode(Both, "Both", "attributes", [FieldNode("numbers", "n", many)], forbid_unknown=True)
    calls: list[Callable[[], object]] = [
        lambda: Schema(many).convert_many(["x"] * count),
        lambda: Schema(each).convert_fields([("n", "x")] * count),
        lambda: Schema(each).convert_fields([(f"u{number}", "x") for number in range(count - 1)]),
    ]
    for call in calls:
        with pytest.raises(ValidationError) as raised:
            call()
        assert len(raised.value.errors) == min(count, 100)
