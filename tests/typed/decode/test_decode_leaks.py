"""No reference is lost or kept, by good bodies and bad ones, and where the application's code raises."""

import gc
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest

from covet._native import Schema
from covet._types.nodes import (
    AnyNode,
    CheckedNode,
    CustomNode,
    DictNode,
    FieldNode,
    IntNode,
    ListNode,
    NullableNode,
    ObjectNode,
    StrNode,
    TupleNode,
    UnionNode,
)

ROUNDS = 40_000


class Marker:
    """What is counted."""


MARKER = Marker()


@dataclass
class Plain:
    """Raises on demand."""

    mark: object
    texts: list[str]
    rest: Any = field(default_factory=dict)

    def __post_init__(self) -> None:
        if "value" in self.texts:
            raise ValueError("bad")
        if "fault" in self.texts:
            raise LookupError("worse")


@dataclass(slots=True)
class Slotted(Plain):
    """With slots."""


def marked(value: str) -> object:
    """A validator that returns what is counted, or raises."""
    if value == "refuse":
        raise ValueError("refused")
    if value == "raise":
        raise LookupError("raised")
    return MARKER


def factory() -> object:
    """A default factory."""
    return [MARKER]


def schema(cls: Any, build: Any) -> Schema:
    """Everything that holds references."""
    mark = CheckedNode(StrNode(), [], [marked])
    node = ObjectNode(
        cls,
        "X",
        build,
        [
            FieldNode("mark", "mark", mark),
            FieldNode("texts", "texts", ListNode(list, StrNode())),
            FieldNode("rest", "rest", AnyNode(), required=False, default_factory=factory),
        ],
        post_init=build != "dict",
    )
    union = UnionNode(
        [TupleNode([mark, IntNode()]), ListNode(list, NullableNode(mark)), node, DictNode(dict, StrNode(), mark)]
    )
    return Schema(ListNode(list, CustomNode(object, union, lambda value: value, lambda value: value)))


GOOD = '[{"mark":"m","texts":["a long text","b"]},["m","m",null],["m",5],{"k":"m","l":"m"}]'
BODIES = [
    GOOD,
    GOOD[:-1],
    GOOD[:40],
    '[{"mark":"m","texts":["a",5],"rest":[1.5,{"new":"text"}]},["m"]]',
    '[["m"],{"mark":"refuse","texts":[]}]',
    '[["m"],{"mark":"m","texts":[],"mark":"m"}]',
    '[["m",{}],{"mark":"m"}]',
    '[{"mark":"m","texts":["value"]}]',
    '[{"mark":"m","texts":["fault"]}]',
    '[["m"],{"mark":"raise","texts":[]}]',
    '[["m"],["m","m","raise"]]',
]


@pytest.mark.parametrize(("cls", "build"), [(Plain, "attributes"), (Slotted, "slots"), (dict, "dict"), (Plain, "call")])
def test_references_stay_as_they_were(cls: Any, build: Any) -> None:
    read = schema(cls, build)

    def run(rounds: int) -> None:
        for _ in range(rounds):
            for body in BODIES:
                try:
                    read.decode(body)
                except (ValueError, LookupError):  # noqa: PERF203 - each body is counted
                    pass

    run(20)
    gc.collect()
    counted = [MARKER, Plain, Slotted, None, marked, factory, "mark"]
    before = [sys.getrefcount(each) for each in counted]
    blocks = sys.getallocatedblocks()
    run(ROUNDS // len(BODIES))
    gc.collect()
    assert [sys.getrefcount(each) for each in counted] == before
    assert sys.getallocatedblocks() - blocks < 500


def test_a_schema_lets_go_of_its_tree() -> None:
    class Gone:
        pass

    before = sys.getrefcount(Gone)
    for _ in range(100):
        Schema(ObjectNode(Gone, "Gone", "attributes", [FieldNode("a", "a", IntNode())])).decode('{"a":1}')
    gc.collect()
    assert sys.getrefcount(Gone) <= before
