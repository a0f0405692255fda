"""Every kind of node: what it accepts and what it refuses, with code and place."""

import datetime as dt
import enum
import ipaddress
from collections import deque
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import pytest

from covet._native import DecodeError, Schema, ValidationError
from covet._types.nodes import (
    AnyNode,
    BoolNode,
    BytesNode,
    CheckedNode,
    CustomNode,
    DictNode,
    EnumNode,
    FloatNode,
    IntNode,
    ListNode,
    Node,
    NoneNode,
    NullableNode,
    StrNode,
    TextNode,
    TupleNode,
)
from covet.errors import ConfigurationError


class Color(enum.Enum):
    """An int and texts."""

    ONE = 1
    YES = "yes"
    RED = "red"


class Rights(enum.Flag):
    """Two bits."""

    READ = 1
    WRITE = 2


UTC = dt.UTC
DATETIME = TextNode("datetime", dt.datetime)
LITERAL = EnumNode(None, [("a", "a"), (1, 1), (True, True), (None, None)])
COLOR = EnumNode(Color, [(member.value, member) for member in Color])
RIGHTS = EnumNode(Rights, [(1, Rights.READ), (2, Rights.WRITE)], is_flag=True)
BIG = "1" * 4300


def even(value: int) -> int:
    """A validator."""
    if value % 2:
        raise ValueError("is odd")
    return value


def text(name: Any, cls: type[Any], **more: Any) -> Node:
    """A text node."""
    return TextNode(name, cls, **more)


ACCEPTED: list[tuple[Node, str, object]] = [
    (AnyNode(), '{"a": [1, 2.5, null, true, "x"]}', {"a": [1, 2.5, None, True, "x"]}),
    (NoneNode(), " null ", None),
    (BoolNode(), "true", True),
    (BoolNode(), "false", False),
    (IntNode(), "0", 0),
    (IntNode(), "-0", 0),
    (IntNode(), "-17", -17),
    (IntNode(), "999999999999999999", 999999999999999999),
    (IntNode(), "9223372036854775807", 2**63 - 1),
    (IntNode(), "9223372036854775808", 2**63),
    (IntNode(), BIG, int(BIG)),
    (IntNode(gt=1, ge=2, lt=3, le=2, multiple_of=2), "2", 2),
    (IntNode(gt=2**70), str(2**70 + 1), 2**70 + 1),
    (IntNode(lt=2**70), "5", 5),
    (FloatNode(), "1.5", 1.5),
    (FloatNode(), "1e3", 1000.0),
    (FloatNode(), "2", 2.0),
    (FloatNode(), str(10**30), 1e30),
    (FloatNode(ge=0.5, lt=2, multiple_of=0.1), "0.7", 0.7),
    (StrNode(), '""', ""),
    (StrNode(), '"a"', "a"),
    (StrNode(), '"aé\\u00e9\\n😀"', "aéé\n😀"),
    (StrNode(min_length=2, max_length=2), '"é😀"', "é😀"),
    (StrNode(pattern="^a+$"), '"aaa"', "aaa"),
    (StrNode(pattern="b"), '"abc"', "abc"),
    (BytesNode(), '"AP8="', b"\x00\xff"),
    (BytesNode(), '""', b""),
    (BytesNode(bytearray), '"AP8="', bytearray(b"\x00\xff")),
    (text("decimal", Decimal), '"1.10"', Decimal("1.10")),
    (text("decimal", Decimal), "1.10", Decimal("1.10")),
    (text("decimal", Decimal), "0.1000000000000000000001", Decimal("0.1000000000000000000001")),
    (text("decimal", Decimal), '"-1e-7"', Decimal("-1e-7")),
    (text("uuid", UUID), '"123e4567-e89b-12d3-a456-426614174000"', UUID("123e4567-e89b-12d3-a456-426614174000")),
    (DATETIME, '"2026-01-31T12:30:01.25Z"', dt.datetime(2026, 1, 31, 12, 30, 1, 250000, UTC)),
    (DATETIME, '"2026-01-31 12:30"', dt.datetime(2026, 1, 31, 12, 30)),
    (
        DATETIME,
        '"2026-01-31T12:30:01+05:30"',
        dt.datetime(2026, 1, 31, 12, 30, 1, tzinfo=dt.timezone(dt.timedelta(hours=5, minutes=30))),
    ),
    (text("datetime", dt.datetime, timezone=False), '"2026-01-31T12:30:01"', dt.datetime(2026, 1, 31, 12, 30, 1)),
    (text("datetime", dt.datetime, unix="seconds"), "1.5", dt.datetime(1970, 1, 1, 0, 0, 1, 500000, UTC)),
    (text("datetime", dt.datetime, unix="milliseconds"), "-1", dt.datetime(1969, 12, 31, 23, 59, 59, 999000, UTC)),
    (text("date", dt.date), '"2024-02-29"', dt.date(2024, 2, 29)),
    (text("time", dt.time), '"23:59:59.999999"', dt.time(23, 59, 59, 999999)),
    (text("time", dt.time), '"10:00Z"', dt.time(10, tzinfo=UTC)),
    (text("timedelta", dt.timedelta), '"P1DT2H"', dt.timedelta(days=1, hours=2)),
    (text("timedelta", dt.timedelta), '"-PT0.5S"', dt.timedelta(seconds=-0.5)),
    (text("timedelta", dt.timedelta, unix="seconds"), "90", dt.timedelta(seconds=90)),
    (text("ipv4", ipaddress.IPv4Address), '"127.0.0.1"', ipaddress.IPv4Address("127.0.0.1")),
    (text("ipv6", ipaddress.IPv6Address), '"::1"', ipaddress.IPv6Address("::1")),
    (text("ipv4_network", ipaddress.IPv4Network), '"10.0.0.0/8"', ipaddress.IPv4Network("10.0.0.0/8")),
    (text("ipv6_interface", ipaddress.IPv6Interface), '"::1/64"', ipaddress.IPv6Interface("::1/64")),
    (text("path", PurePosixPath), '"/a/b"', PurePosixPath("/a/b")),
    (LITERAL, '"a"', "a"),
    (LITERAL, "null", None),
    (COLOR, '"red"', Color.RED),
    (COLOR, "1", Color.ONE),
    (RIGHTS, "3", Rights.READ | Rights.WRITE),
    (RIGHTS, "0", Rights(0)),
    (ListNode(list, IntNode()), "[ ]", []),
    (ListNode(list, IntNode(), min_length=2, max_length=2), "[1, 2]", [1, 2]),
    (ListNode(tuple, IntNode()), "[1, 2]", (1, 2)),
    (ListNode(set, IntNode()), "[1, 2, 1]", {1, 2}),
    (ListNode(frozenset, StrNode()), '["a"]', frozenset("a")),
    (ListNode(deque, IntNode()), "[1]", deque([1])),
    (TupleNode([IntNode(), StrNode()]), '[1, "a"]', (1, "a")),
    (TupleNode([]), "[]", ()),
    (DictNode(dict, StrNode(), IntNode()), '{"a": 1, "b": 2}', {"a": 1, "b": 2}),
    (DictNode(dict, IntNode(), NullableNode(IntNode())), '{"1": null}', {1: None}),
    (DictNode(dict, COLOR, IntNode()), '{"1": 5, "red": 6}', {Color.ONE: 5, Color.RED: 6}),
    (DictNode(deque, StrNode(), IntNode()), '{"a": 1}', deque(["a"])),
    (NullableNode(IntNode()), "null", None),
    (NullableNode(IntNode()), "5", 5),
    (CheckedNode(IntNode(), [("gt", 0)], [even, lambda value: value // 2]), "8", 4),
    (CheckedNode(text("decimal", Decimal), [("multiple_of", Decimal("0.01"))]), '"1.25"', Decimal("1.25")),
    (CheckedNode(ListNode(deque, IntNode()), [("min_length", 1), ("max_length", 1)]), "[1]", deque([1])),
    (CustomNode(complex, IntNode(), complex, lambda value: value.real), "3", 3 + 0j),
]


@pytest.mark.parametrize(("node", "data", "expected"), ACCEPTED)
def test_accepted(node: Node, data: str, expected: object) -> None:
    schema = Schema(node)
    for form in (data, data.encode(), bytearray(data.encode()), memoryview(data.encode())):
        value = schema.decode(form)
        assert value == expected
        assert type(value) is type(expected)


def test_true_is_not_one() -> None:
    schema = Schema(ListNode(list, LITERAL))
    assert [type(item) for item in schema.decode("[1, true]")] == [int, bool]
    with pytest.raises(ValidationError):
        schema.decode("[false]")


REFUSED: list[tuple[Node, str, str, str, str]] = [
    (NoneNode(), "0", "null", "", "int"),
    (BoolNode(), "1", "bool", "", "int"),
    (BoolNode(), '"true"', "bool", "", "str"),
    (IntNode(), '"1"', "int", "", "str"),
    (IntNode(), "1.0", "int", "", "float"),
    (IntNode(), "1e2", "int", "", "float"),
    (IntNode(), "true", "int", "", "bool"),
    (IntNode(), "null", "int", "", "null"),
    (IntNode(), "[1]", "int", "", "array"),
    (IntNode(), '{"a": {"b": [1]}}', "int", "", "object"),
    (IntNode(gt=1), "1", "gt", "", "int"),
    (IntNode(ge=1), "0", "ge", "", "int"),
    (IntNode(lt=1), "1", "lt", "", "int"),
    (IntNode(le=1), "2", "le", "", "int"),
    (IntNode(multiple_of=3), "4", "multiple_of", "", "int"),
    (IntNode(le=1), str(2**80), "le", "", "int"),
    (IntNode(gt=2**70), "5", "gt", "", "int"),
    (FloatNode(), '"1"', "float", "", "str"),
    (FloatNode(), "9" * 400, "float", "", "int"),
    (FloatNode(gt=1.5), "1.5", "gt", "", "float"),
    (FloatNode(multiple_of=0.1), "0.75", "multiple_of", "", "float"),
    (StrNode(), "5", "str", "", "int"),
    (StrNode(min_length=3), '"é😀"', "min_length", "", "str"),
    (StrNode(max_length=1), '"é😀"', "max_length", "", "str"),
    (StrNode(pattern="^a$"), '"b"', "pattern", "", "str"),
    (BytesNode(), '"A"', "bytes", "", "str"),
    (BytesNode(), '"AP8"', "bytes", "", "str"),
    (BytesNode(), '"AP8=\\n"', "bytes", "", "str"),
    (BytesNode(), "5", "bytes", "", "int"),
    (BytesNode(max_length=1), '"AP8="', "max_length", "", "str"),
    (text("decimal", Decimal), '"NaN"', "decimal", "", "str"),
    (text("decimal", Decimal), '"1_0"', "decimal", "", "str"),
    (text("decimal", Decimal), '"1e9999999999999999999"', "decimal", "", "str"),
    (text("decimal", Decimal), f'"{"1" * 5000}"', "decimal", "", "str"),
    (text("decimal", Decimal), "true", "decimal", "", "bool"),
    (text("uuid", UUID), '"123e4567e89b12d3a456426614174000"', "uuid", "", "str"),
    (text("uuid", UUID), "5", "uuid", "", "int"),
    (DATETIME, '"2026-01-31"', "datetime", "", "str"),
    (DATETIME, '"2026-02-30T00:00"', "datetime", "", "str"),
    (DATETIME, "5", "datetime", "", "int"),
    (text("datetime", dt.datetime, timezone=True), '"2026-01-31T12:30:01"', "datetime", "", "str"),
    (text("datetime", dt.datetime, timezone=False), '"2026-01-31T12:30:01Z"', "datetime", "", "str"),
    (text("datetime", dt.datetime, unix="seconds"), "1e300", "datetime", "", "float"),
    (text("datetime", dt.datetime, unix="seconds"), "253402300800", "datetime", "", "int"),
    (text("date", dt.date), '"2026-1-1"', "date", "", "str"),
    (text("time", dt.time), '"25:00"', "time", "", "str"),
    (text("timedelta", dt.timedelta), '"1 day"', "timedelta", "", "str"),
    (text("timedelta", dt.timedelta), '"P9999999999D"', "timedelta", "", "str"),
    (text("ipv4", ipaddress.IPv4Address), '"1.2.3"', "ip", "", "str"),
    (text("ipv4", ipaddress.IPv4Address), "5", "ip", "", "int"),
    (text("path", PurePosixPath), '"a\\u0000"', "path", "", "str"),
    (text("path", PurePosixPath), "5", "path", "", "int"),
    (LITERAL, '"b"', "choice", "", "str"),
    (LITERAL, "2", "choice", "", "int"),
    (LITERAL, "1.0", "choice", "", "float"),
    (LITERAL, "[[]]", "choice", "", "array"),
    (COLOR, "true", "choice", "", "bool"),
    (RIGHTS, "4", "choice", "", "int"),
    (RIGHTS, "-1", "choice", "", "int"),
    (ListNode(list, IntNode()), "{}", "array", "", "object"),
    (ListNode(list, IntNode()), '[1, "a"]', "int", "/1", "str"),
    (ListNode(list, IntNode(), min_length=1), "[]", "min_length", "", "array"),
    (ListNode(list, IntNode(), max_length=1), "[1, 2]", "max_length", "", "array"),
    (ListNode(set, AnyNode()), "[[]]", "value", "", "array"),
    (TupleNode([IntNode()]), "[]", "length", "", "array"),
    (TupleNode([IntNode()]), '[1, {"a": 1}]', "length", "", "array"),
    (TupleNode([IntNode(), StrNode()]), "[1, 2]", "str", "/1", "int"),
    (DictNode(dict, StrNode(), IntNode()), "[]", "object", "", "array"),
    (DictNode(dict, StrNode(), IntNode()), '{"a/b~": "x"}', "int", "/a~1b~0", "str"),
    (DictNode(dict, IntNode(), IntNode()), '{"x": 1}', "key", "/x", "str"),
    (DictNode(dict, BoolNode(), IntNode()), '{"true": 1, "yes": 2}', "key", "/yes", "str"),
    (DictNode(dict, StrNode(), IntNode(), max_length=1), '{"a": 1, "b": 2}', "max_length", "", "object"),
    (NullableNode(IntNode()), '"a"', "int", "", "str"),
    (CheckedNode(IntNode(), [("gt", 0)]), "0", "gt", "", "int"),
    (CheckedNode(IntNode(), [], [even]), "1", "value", "", "int"),
    (CheckedNode(ListNode(deque, IntNode()), [("min_length", 1)]), "[]", "min_length", "", "array"),
]


@pytest.mark.parametrize(("node", "data", "code", "pointer", "kind"), REFUSED)
def test_refused(node: Node, data: str, code: str, pointer: str, kind: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Schema(node).decode(data)
    (error,) = raised.value.errors
    assert (error["code"], error["pointer"], error["input"], error["source"]) == (code, pointer, kind, "body")
    assert error["message"]
    assert len(data) < 4 or data not in str(raised.value)


MALFORMED = [
    (IntNode(), "", 0),
    (IntNode(), "1 2", 2),
    (IntNode(), "01", 1),
    (IntNode(), "-", 1),
    (StrNode(), '"a', 2),
    (BoolNode(), "tru", 3),
    (BoolNode(), "trux", 0),
    (NoneNode(), "nul", 3),
    (FloatNode(), "NaN", 0),
    (FloatNode(), "1e999", 0),
    (IntNode(), "1" * 4301, 0),
    (ListNode(list, IntNode()), "[1,]", 3),
    (ListNode(list, IntNode()), "[1 2]", 3),
    (DictNode(dict, StrNode(), IntNode()), '{"a":1,"a":2}', 7),
    (DictNode(dict, StrNode(), IntNode()), '{"a":1,"\\u0061":2}', 7),
    (AnyNode(), '{"a":1,"a":2}', 7),
    (IntNode(), '{"a":1,"a":2}', 7),
    (StrNode(), b'"\xff"', 1),
    (StrNode(), '"\\ud800"', 1),
    (StrNode(), b'\xef\xbb\xbf""', 0),
    (AnyNode(), "[" * 200, 128),
    (IntNode(), "[" * 200, 128),
]


@pytest.mark.parametrize(("node", "data", "offset"), MALFORMED)
def test_malformed(node: Node, data: str | bytes, offset: int) -> None:
    with pytest.raises(DecodeError) as raised:
        Schema(node).decode(data)
    assert raised.value.offset == offset


def test_what_cannot_be_compiled_is_a_mistake_of_configuration() -> None:
    for node in (StrNode(pattern="("), EnumNode(None, [(b"", 1)]), IntNode(multiple_of=0)):
        with pytest.raises(ConfigurationError):
            Schema(node)


def test_what_else_a_validator_raises_is_the_applications_fault() -> None:
    def broken(value: object) -> object:
        raise LookupError("no table")

    for node in (CheckedNode(IntNode(), [], [broken]), CustomNode(int, IntNode(), broken, broken)):
        with pytest.raises(LookupError):
            Schema(ListNode(list, node)).decode("[1]")


def test_the_entries_of_an_error_as_pydantic_raises_it() -> None:
    class Refusal(ValueError):
        def errors(self) -> list[dict[str, object]]:
            return [
                {"loc": ("a", 1), "type": "missing", "msg": "Field required"},
                {"loc": (), "type": "int_type", "msg": "no int"},
            ]

    def decode(value: object) -> object:
        raise Refusal

    with pytest.raises(ValidationError) as raised:
        Schema(ListNode(list, CustomNode(int, AnyNode(), decode, decode))).decode("[5]")
    found = [(error["pointer"], error["code"], error["message"]) for error in raised.value.errors]
    assert found == [("/0/a/1", "missing", "Field required"), ("/0", "value", "no int")]


def test_other_types_than_text_are_refused() -> None:
    with pytest.raises(TypeError):
        Schema(AnyNode()).decode(5)  # type: ignore[arg-type]
