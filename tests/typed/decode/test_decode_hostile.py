"""Whatever the bytes are: a value or the documented error, in linear time."""

import json
import time
from dataclasses import dataclass

import pytest

from covet._native import DecodeError, Schema, ValidationError
from covet._types.nodes import (
    AnyNode,
    DictNode,
    FieldNode,
    FloatNode,
    IntNode,
    ListNode,
    Node,
    NullableNode,
    ObjectNode,
    StrNode,
    UnionNode,
)


@dataclass
class Leaf:
    """A bit of everything."""

    number: int
    texts: list[str]
    more: dict[str, float]
    child: object = None


LEAF = ObjectNode(
    Leaf,
    "Leaf",
    "attributes",
    [
        FieldNode("number", "number", IntNode()),
        FieldNode("texts", "texts", ListNode(list, StrNode())),
        FieldNode("more", "more", DictNode(dict, StrNode(), FloatNode())),
    ],
)
LEAF.fields.append(FieldNode("child", "child", NullableNode(LEAF), required=False))
DATA = (
    '{"number":12,"texts":["a","\\u00e9\\ud83d\\ude00","é"],"ignored":[{"x":[1.5e3,true,false]}],"more":{"k":-1.5},'
    '"child":{"number":3,"texts":[],"more":{},"child":null}}'
).encode()
NODES: list[Node] = [LEAF, UnionNode([LEAF, DictNode(dict, StrNode(), AnyNode())]), AnyNode(), IntNode(), StrNode()]


def outcome(schema: Schema, data: bytes) -> object:
    """The value, or the error as its class."""
    try:
        return schema.decode(data)
    except DecodeError as error:
        assert 0 <= error.offset <= len(data)
        return DecodeError
    except ValidationError as error:
        assert 0 < len(error.errors) <= 100
        return ValidationError


@pytest.mark.parametrize("node", NODES)
def test_cut_at_every_byte(node: Node) -> None:
    schema = Schema(node)
    assert outcome(schema, DATA) is not DecodeError
    for end in range(len(DATA)):
        assert outcome(schema, DATA[:end]) is DecodeError, end


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("byte", [b"\xff", b"\xc0", b"\xed\xa0\x80", b"\x80"])
def test_what_is_not_utf_8_at_every_position(node: Node, byte: bytes) -> None:
    schema = Schema(node)
    for at in range(len(DATA) + 1):
        assert outcome(schema, DATA[:at] + byte + DATA[at:]) is DecodeError, at


def test_every_byte_replaced_agrees_with_the_standard_library_on_what_is_json() -> None:
    schema = Schema(LEAF)
    for at in range(len(DATA)):
        for byte in b'\x00"\\{}[]:,0-.eE1tn \x1f':
            data = DATA[:at] + bytes([byte]) + DATA[at + 1 :]
            try:
                json.loads(data.decode())
            except (ValueError, UnicodeDecodeError):
                assert outcome(schema, data) is DecodeError, data


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("text", ["[", '{"child":', '{"x":', '[{"x":'])
def test_deep(node: Node, text: str) -> None:
    assert outcome(Schema(node), text.encode() * 1_000_000) is DecodeError


def test_colliding_keys_are_linear() -> None:
    nodes: list[Node] = [LEAF, DictNode(dict, StrNode(), IntNode()), AnyNode(), IntNode()]

    def seconds(node: Node, count: int) -> float:
        # All these end alike and differ in few bits, which is where weak hashes collide.
        data = (
            "{" + ",".join(f'"{n:032b}"'.replace("0", "Aa").replace("1", "BB") + ":1" for n in range(count)) + "}"
        ).encode()
        schema = Schema(node)
        start = time.perf_counter()
        outcome(schema, data)
        return time.perf_counter() - start

    for node in nodes:
        assert seconds(node, 100_000) < 60 * seconds(node, 10_000) + 0.2


def test_ten_megabytes_in_one_string() -> None:
    text = "x" * 10_000_000
    assert Schema(StrNode()).decode(json.dumps(text)) == text
    assert outcome(Schema(IntNode()), json.dumps(text).encode()) is ValidationError
    assert outcome(Schema(StrNode(max_length=10)), json.dumps(text).encode()) is ValidationError
