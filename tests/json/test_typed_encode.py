"""`Schema.encode`: exactly what is declared, and the path to what is not."""

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import ipaddress
import pathlib
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple, TypedDict, cast

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from covet._native import EncodeError, Schema, json_encode
from covet._types.nodes import (
    AnyNode,
    BoolNode,
    Build,
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
    TextName,
    TextNode,
    TupleNode,
    UnionNode,
)


class Colour(enum.Enum):
    RED = "red"
    ONE = 1


class Flags(enum.Flag):
    A = 1
    B = 2


@dataclasses.dataclass
class Row:
    id: int
    name: str
    tags: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Wider(Row):
    secret: str = "not declared"


@dataclasses.dataclass(slots=True)
class Slotted:
    id: int
    name: str
    tags: list[str]


@dataclasses.dataclass
class Passed:
    a: int
    start: dataclasses.InitVar[int] = 0


class Struct(msgspec.Struct):
    id: int
    name: str
    tags: list[str]


@attrs.define
class Attrs:
    id: int
    name: str
    tags: list[str]


class Point(NamedTuple):
    x: int
    y: float


class Partial(TypedDict, total=False):
    a: int
    b: str


class Money:
    def __init__(self, cents: int) -> None:
        self.cents = cents


def row(cls: type[Any], build: Build = "attributes", **changes: Any) -> ObjectNode:
    tags = ListNode(list, StrNode())
    fields = [
        FieldNode("id", "id", IntNode()),
        FieldNode("name", "the name", StrNode()),
        FieldNode("tags", "tags", tags),
    ]
    return ObjectNode(cls, cls.__name__, build, fields, **changes)


def text(name: TextName, cls: type[Any]) -> TextNode:
    return TextNode(name, cls)


COLOUR = EnumNode(Colour, [("red", Colour.RED), (1, Colour.ONE)])
LITERAL = EnumNode(None, [("a", "a"), (1, 1), (True, True), (None, None)])
PARTIAL = ObjectNode(
    Partial, "Partial", "dict", [FieldNode("a", "A", IntNode()), FieldNode("b", "b", StrNode(), required=False)]
)
POINT = ObjectNode(Point, "Point", "tuple", [FieldNode("x", "x", IntNode()), FieldNode("y", "y", FloatNode())])
PASSED = ObjectNode(
    Passed,
    "Passed",
    "attributes",
    [FieldNode("a", "a", IntNode()), FieldNode("start", "start", IntNode(), init_only=True)],
)
UNION = UnionNode([IntNode(), FloatNode(), StrNode(), ListNode(list, IntNode()), row(Row), text("uuid", uuid.UUID)])
MONEY = CustomNode(Money, IntNode(), Money, lambda money: money.cents)

TABLE: list[tuple[Node, Any, str]] = [
    (AnyNode(), {"a": [1, dt.date(2024, 1, 2)]}, '{"a":[1,"2024-01-02"]}'),
    (NoneNode(), None, "null"),
    (BoolNode(), True, "true"),
    (IntNode(), 2**70, "1180591620717411303424"),
    (FloatNode(), 1.5, "1.5"),
    (FloatNode(), 1, "1"),
    (StrNode(), 'q"é', '"q\\"é"'),
    (BytesNode(), b"abc", '"YWJj"'),
    (NullableNode(IntNode()), None, "null"),
    (NullableNode(IntNode()), 5, "5"),
    (text("uuid", uuid.UUID), uuid.UUID(int=0), '"00000000-0000-0000-0000-000000000000"'),
    (text("decimal", decimal.Decimal), decimal.Decimal("1.0"), '"1.0"'),
    (text("datetime", dt.datetime), dt.datetime(2024, 1, 2, tzinfo=dt.UTC), '"2024-01-02T00:00:00+00:00"'),
    (text("date", dt.date), dt.date(2024, 1, 2), '"2024-01-02"'),
    (text("time", dt.time), dt.time(1, 2), '"01:02:00"'),
    (text("timedelta", dt.timedelta), dt.timedelta(seconds=90), '"PT1M30S"'),
    (text("ipv4", ipaddress.IPv4Address), ipaddress.ip_address("127.0.0.1"), '"127.0.0.1"'),
    (text("path", pathlib.PurePath), pathlib.PurePosixPath("/a"), '"/a"'),
    (COLOUR, Colour.RED, '"red"'),
    (COLOUR, Colour.ONE, "1"),
    (EnumNode(Flags, [(1, Flags.A), (2, Flags.B)], is_flag=True), Flags.A | Flags.B, "3"),
    (ListNode(list, LITERAL), ["a", 1, True, None], '["a",1,true,null]'),
    (ListNode(list, IntNode()), [1, 2**40, -3], "[1,1099511627776,-3]"),
    (ListNode(list, ListNode(list, NullableNode(StrNode()))), [["a", None], []], '[["a",null],[]]'),
    (ListNode(tuple, IntNode()), (1, 2), "[1,2]"),
    (ListNode(set, IntNode()), {1}, "[1]"),
    (ListNode(collections.deque, StrNode()), collections.deque("ab"), '["a","b"]'),
    (TupleNode([IntNode(), StrNode()]), (1, "a"), '[1,"a"]'),
    (DictNode(dict, StrNode(), ListNode(list, IntNode())), {"a": [1], "b": []}, '{"a":[1],"b":[]}'),
    (DictNode(dict, IntNode(), StrNode()), {1: "a"}, '{"1":"a"}'),
    (DictNode(dict, COLOUR, IntNode()), {Colour.RED: 1, Colour.ONE: 2}, '{"red":1,"1":2}'),
    (DictNode(collections.OrderedDict, StrNode(), IntNode()), collections.OrderedDict(b=1, a=2), '{"b":1,"a":2}'),
    (row(Row), Row(1, "n", ["t"]), '{"id":1,"the name":"n","tags":["t"]}'),
    (row(Row), Wider(1, "n"), '{"id":1,"the name":"n","tags":[]}'),
    (row(Slotted, "slots"), Slotted(1, "n", ["a", "b"]), '{"id":1,"the name":"n","tags":["a","b"]}'),
    (row(Struct, "slots", tag_field="type", tag="S"), Struct(1, "n", []), '{"type":"S","id":1,"the name":"n","tags":[]}'),
    (row(Attrs, "call"), Attrs(1, "n", []), '{"id":1,"the name":"n","tags":[]}'),
    (POINT, Point(1, 2.5), '{"x":1,"y":2.5}'),
    (PARTIAL, {"a": 1, "b": "x", "more": object()}, '{"A":1,"b":"x"}'),
    (PARTIAL, {"a": 1}, '{"A":1}'),
    (PARTIAL, {"b": "x", "a": 1}, '{"A":1,"b":"x"}'),
    (PARTIAL, {"": None, "".join("a"): 1, 5: 6}, '{"A":1}'),
    (PARTIAL, collections.OrderedDict(b="x", a=1), '{"A":1,"b":"x"}'),
    (PASSED, Passed(1, 2), '{"a":1}'),
    (ListNode(list, UNION), [1, 1.5, "s", [1], Row(1, "n"), uuid.UUID(int=1)],
     '[1,1.5,"s",[1],{"id":1,"the name":"n","tags":[]},"00000000-0000-0000-0000-000000000001"]'),
    (UnionNode([row(Row), row(Wider)]), Wider(1, "n"), '{"id":1,"the name":"n","tags":[]}'),
    (CheckedNode(IntNode(), [("ge", 100)]), 5, "5"),
    (ListNode(list, MONEY), [Money(5), Money(6)], "[5,6]"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("node", "value", "expected"), TABLE, ids=[f"{n}-{row[2][:20]}" for n, row in enumerate(TABLE)]
)
def test_table(node: Node, value: Any, expected: str) -> None:
    assert Schema(node).encode(value).decode() == expected
    assert Schema(ListNode(list, node)).encode([value] * 2).decode() == f"[{expected},{expected}]"


REFUSED: list[tuple[Node, Any, str, str]] = [
    (IntNode(), True, "$", "bool is not what is declared: int"),
    (IntNode(), 1.0, "$", "float is not what is declared: int"),
    (FloatNode(), "1", "$", "str is not what is declared: float"),
    (FloatNode(), float("inf"), "$", "an infinite float cannot be encoded as JSON: a number must be finite"),
    (BoolNode(), 1, "$", "int is not what is declared: bool"),
    (StrNode(), None, "$", "NoneType is not what is declared: str"),
    (NoneNode(), 0, "$", "int is not what is declared: None"),
    (BytesNode(), "a", "$", "str is not what is declared: bytes"),
    (text("date", dt.date), dt.datetime(2024, 1, 2), "$", "datetime is not what is declared: date"),
    (text("uuid", uuid.UUID), "0" * 32, "$", "str is not what is declared: UUID"),
    (COLOUR, "red", "$", "str is not what is declared: Colour"),
    (LITERAL, "b", "$", "str is not what is declared: one of the Literal's values"),
    (LITERAL, 1.0, "$", "float is not what is declared: one of the Literal's values"),
    (ListNode(list, StrNode()), ["a", 1], "$[1]", "int is not what is declared: str"),
    (ListNode(list, IntNode()), {1}, "$", "set is not what is declared: list"),
    (ListNode(list, ListNode(list, IntNode())), [[1], [1, "x"]], "$[1][1]", "str is not what is declared: int"),
    (TupleNode([IntNode()]), (1, 2), "$", "tuple of 2 items is not what is declared: 1 items"),
    (DictNode(dict, StrNode(), IntNode()), {"a": 1, "b": "x"}, "$.b", "str is not what is declared: int"),
    (DictNode(dict, StrNode(), IntNode()), {1: 1}, "$", "int is not what is declared: str"),
    (ListNode(list, row(Row)), [Row(1, "n"), Row(1, None)], "$[1].name", "NoneType is not what is declared: str"),
    (row(Row), Row(1, "n", ["a", cast("str", 2)]), "$.tags[1]", "int is not what is declared: str"),
    (row(Row), Struct(1, "n", []), "$", "Struct is not what is declared: Row"),
    (row(Row), {"id": 1}, "$", "dict is not what is declared: Row"),
    (PARTIAL, {"b": "x"}, "$.a", "a required key is missing"),
    (PARTIAL, [], "$", "list is not what is declared: Partial"),
    (UNION, b"x", "$", "bytes is not what is declared: one of the types of the union"),
    (MONEY, 5, "$", "int is not what is declared: Money"),
]


@pytest.mark.parametrize(
    ("node", "value", "path", "message"), REFUSED, ids=[f"{n}-{row[3][:30]}" for n, row in enumerate(REFUSED)]
)
def test_another_type_than_declared(node: Node, value: Any, path: str, message: str) -> None:
    with pytest.raises(EncodeError) as caught:
        Schema(node).encode(value)
    assert (caught.value.path, str(caught.value)) == (path, f"{message} (at {path})")


@pytest.mark.parametrize("node", [row(Row), row(Slotted, "slots"), row(Struct, "call")])
def test_a_foreign_object_by_its_attributes(node: ObjectNode) -> None:
    foreign = Wider(1, "n", ["t"])
    assert (
        Schema(ListNode(list, node)).encode([foreign], by_attribute=True) == b'[{"id":1,"the name":"n","tags":["t"]}]'
    )
    del foreign.id
    with pytest.raises(EncodeError, match="reading the field raised AttributeError") as caught:
        Schema(node).encode(foreign, by_attribute=True)
    assert caught.value.path == "$.id"


def test_the_code_of_a_type_that_changes_what_is_encoded() -> None:
    changes: list[Callable[[list[Any]], object]] = [list.clear, list.pop, lambda rows: rows.extend([Money(1)] * 1_000)]
    for change in changes:
        rows: list[Any] = [Money(1), Money(2), Money(3)]
        node = CustomNode(Money, IntNode(), Money, lambda money: (change(rows), money.cents)[1])  # noqa: B023
        with pytest.raises(EncodeError, match="the list changed size"):
            Schema(ListNode(list, node)).encode(rows)


def test_code_that_raises() -> None:
    def refuse(value: object) -> object:
        raise LookupError("none")

    node = DictNode(dict, StrNode(), CustomNode(Money, IntNode(), Money, refuse))
    with pytest.raises(EncodeError, match=r"encode\(\) raised LookupError: none \(at \$\.a\)") as caught:
        Schema(node).encode({"a": Money(1)})
    assert isinstance(caught.value.__cause__, LookupError)


def test_a_type_that_contains_itself() -> None:
    @dataclasses.dataclass
    class Tree:
        label: str
        children: list["Tree"]

    node = ObjectNode(Tree, "Tree", "attributes")
    node.fields = [FieldNode("label", "label", StrNode()), FieldNode("children", "children", ListNode(list, node))]
    schema = Schema(node)
    assert schema.encode(Tree("a", [Tree("b", [])])) == b'{"label":"a","children":[{"label":"b","children":[]}]}'
    deep = Tree("end", [])
    deep.children.append(deep)
    with pytest.raises(EncodeError, match="nested deeper than 128, or a cycle"):
        schema.encode(deep)


@given(st.lists(st.builds(Row, st.integers(), st.text(), st.lists(st.text()))))
def test_what_is_encoded_is_decoded_to_the_same(rows: list[Row]) -> None:
    fields = [
        FieldNode("id", "id", IntNode()),
        FieldNode("name", "name", StrNode()),
        FieldNode("tags", "tags", ListNode(list, StrNode())),
    ]
    schema = Schema(ListNode(list, ObjectNode(Row, "Row", "attributes", fields)))
    encoded = schema.encode(rows)
    assert encoded == json_encode(rows)
    assert schema.decode(encoded) == rows
