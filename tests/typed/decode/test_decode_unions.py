"""Unions: by the field that decides, by trying, and that hostile bodies stay cheap."""

import time
from decimal import Decimal
from uuid import UUID

import pytest

from covet._native import DecodeError, Schema, ValidationError
from covet._types.nodes import (
    BoolNode,
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
    UnionNode,
)
from covet.errors import ConfigurationError

UUID_NODE = TextNode("uuid", UUID)
TEXT = "123e4567-e89b-12d3-a456-426614174000"


def record(name: str, **fields: Node) -> ObjectNode:
    """A dict of these fields."""
    return ObjectNode(dict, name, "dict", [FieldNode(key, key, kind) for key, kind in fields.items()])


A = record("A", kind=EnumNode(None, [("a", "a")]), x=IntNode())
B = record("B", kind=EnumNode(None, [("b", "b")]), x=StrNode())
TAGGED = UnionNode([A, B], "kind", [("a", 0), ("b", 1)])


@pytest.mark.parametrize(
    ("options", "data", "expected"),
    [
        ([IntNode(), FloatNode()], "1", 1),
        ([FloatNode(), IntNode()], "1", 1),
        ([FloatNode(), IntNode()], "1.0", 1.0),
        ([FloatNode(), StrNode()], "1", 1.0),
        ([StrNode(), UUID_NODE], f'"{TEXT}"', TEXT),
        ([UUID_NODE, StrNode()], f'"{TEXT}"', UUID(TEXT)),
        ([UUID_NODE, StrNode()], '"x"', "x"),
        ([IntNode(), BoolNode()], "true", True),
        ([EnumNode(None, [("a", 1)]), StrNode()], '"a"', 1),
        ([EnumNode(None, [("a", 1)]), StrNode()], '"b"', "b"),
        ([TextNode("decimal", Decimal), FloatNode()], "1.5", 1.5),
        ([StrNode(), TextNode("decimal", Decimal)], "1.5", Decimal("1.5")),
        ([StrNode(), NoneNode()], "null", None),
        ([StrNode(), NullableNode(IntNode())], "5", 5),
        ([StrNode(max_length=1), ListNode(list, StrNode())], '["ab"]', ["ab"]),
        ([ListNode(list, IntNode()), ListNode(list, StrNode())], '["1"]', ["1"]),
        ([record("X", a=IntNode()), record("Y", b=IntNode())], '{"b":1}', {"b": 1}),
        ([record("X", a=IntNode()), record("Y", b=IntNode())], '{"a":2,"b":1}', {"a": 2}),
        ([UnionNode([IntNode(), BoolNode()]), StrNode()], "true", True),
    ],
)
def test_smart_matching(options: list[Node], data: str, expected: object) -> None:
    value = Schema(ListNode(list, UnionNode(options))).decode(f"[{data}]")[0]
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("node", "data", "found"),
    [
        (UnionNode([IntNode(), StrNode()]), "[]", [("", "union")]),
        (UnionNode([IntNode(), A]), '{"kind":"a","x":""}', [("/x", "int")]),
        (UnionNode([A, B]), '{"kind":"c","x":1}', [("", "union")]),
        (UnionNode([UUID_NODE, StrNode(max_length=1)]), '"ab"', [("", "union")]),
        (UnionNode([]), "1", [("", "union")]),
        (TAGGED, '{"kind":"a","x":""}', [("/x", "int")]),
        (TAGGED, '{"x":"","kind":"a"}', [("/x", "int")]),
        (TAGGED, '{"x":1,"kind":"c"}', [("/kind", "discriminator")]),
        (TAGGED, '{"x":1,"kind":[]}', [("/kind", "discriminator")]),
        (TAGGED, '{"x":1}', [("/kind", "discriminator")]),
        (TAGGED, "5", [("", "object")]),
    ],
)
def test_refused(node: Node, data: str, found: list[tuple[str, str]]) -> None:
    with pytest.raises(ValidationError) as raised:
        Schema(ListNode(list, node)).decode(f"[{data},{data}]")
    expected = [(f"/{index}{pointer}", code) for index in (0, 1) for pointer, code in found]
    assert [(error["pointer"], error["code"]) for error in raised.value.errors] == expected


@pytest.mark.parametrize("data", ['{"kind":"b","x":"y"}', '{"x":"y","z":[{"kind":"a"}],"kind":"b"}'])
def test_the_discriminator_may_come_anywhere(data: str) -> None:
    assert Schema(TAGGED).decode(data) == {"kind": "b", "x": "y"}


def test_text_that_is_no_json_stays_so() -> None:
    for node in (UnionNode([A, B]), TAGGED, UnionNode([UUID_NODE, StrNode()])):
        for data in ('{"x":1,', '{"x":1,"x":2}', '{"kind":"a","x":1}}', '"', "", '{"x":nul'):
            with pytest.raises(DecodeError):
                Schema(node).decode(data)


def recursive(*, tagged: bool) -> Node:
    """A type whose field holds either of two types that hold it again."""
    union = UnionNode([], "kind" if tagged else None)
    for name in ("a", "b", "c"):
        child = FieldNode("child", "child", NullableNode(union))
        kind = FieldNode("kind", "kind", EnumNode(None, [(name, name)]))
        extra = FieldNode("extra", "extra", DictNode(dict, StrNode(), StrNode()), required=False)
        union.options.append(ObjectNode(dict, name, "dict", [child, extra, kind]))
        union.tags.append((name, len(union.options) - 1))
    return union


def nested(depth: int, innermost: str, kind: str) -> str:
    """What decides comes last at every depth, and the payload is inside."""
    return '{"child":' * depth + innermost + f',"kind":"{kind}"}}' * depth


def seconds(schema: Schema, data: str, *, fits: bool) -> float:
    """What a decoding takes."""
    start = time.perf_counter()
    try:
        schema.decode(data)
    except ValidationError:
        assert not fits
    else:
        assert fits
    return time.perf_counter() - start


@pytest.mark.parametrize("tagged", [True, False])
@pytest.mark.parametrize(("kind", "fits"), [("a", True), ("c", True), ("z", False)])
def test_nested_unions_stay_linear(tagged: bool, kind: str, fits: bool) -> None:
    schema = Schema(recursive(tagged=tagged))
    payload = '{"child":null,"extra":{' + ",".join(f'"k{n}":"v"' for n in range(2000)) + f'}},"kind":"{kind}"}}'
    shallow = min(seconds(schema, nested(1, payload, kind), fits=fits) for _ in range(3))
    deep = min(seconds(schema, nested(100, payload, kind), fits=fits) for _ in range(3))
    # 3 options at 100 depths would be 3 ** 100 readings if failures were forgotten.
    assert deep < 400 * shallow + 0.5


def test_a_type_that_is_only_itself_is_refused() -> None:
    nullable = NullableNode(IntNode())
    nullable.inner = UnionNode([IntNode(), nullable])
    with pytest.raises(ConfigurationError, match="contains itself"):
        Schema(ListNode(list, nullable))


def test_a_list_of_what_fits_no_option() -> None:
    union = UnionNode([])
    union.options += [ListNode(list, union), ListNode(tuple, union), ListNode(set, union), IntNode()]
    schema = Schema(union)
    assert schema.decode("[" * 100 + "1" + "]" * 100)
    assert seconds(schema, "[" * 120 + '"x"' + "]" * 120, fits=False) < 1
    assert seconds(schema, "[" * 60 + ",".join(["[[1],[2]]"] * 2000) + ',"x"' + "]" * 60, fits=False) < 10
