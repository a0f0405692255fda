"""No reference and no memory is lost or kept, by good bodies and bad ones, and where the application's code raises.

Over 100,000 decodings, and over a million in `make soak`.
"""

import gc
import resource
import sys
import tracemalloc
from collections.abc import Callable
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

ROUNDS = [100_000, pytest.param(1_000_000, marks=[pytest.mark.soak, pytest.mark.timeout(900)])]
PAGE = resource.getpagesize()
ROOM = 2 * 2**20
"""By so many bytes the process may grow."""


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


def resident() -> int:
    """Bytes of this process that are in memory; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * PAGE
    except OSError:
        return 0


def stays(read: Callable[[Any], object], inputs: list[Any], rounds: int) -> None:
    """Reads each of `inputs` in turn, `rounds` readings in all, and finds what was left over."""

    def run(readings: int) -> None:
        for _ in range(readings // len(inputs)):
            for each in inputs:
                try:
                    read(each)
                except (ValueError, LookupError):  # noqa: PERF203 - each is counted
                    pass

    run(20 * len(inputs))
    gc.collect()
    counted = [MARKER, Plain, Slotted, marked, factory, faulty, "mark"]
    before, nones = [sys.getrefcount(each) for each in counted], sys.getrefcount(None)
    blocks, objects, memory = sys.getallocatedblocks(), len(gc.get_objects()), resident()
    run(rounds)
    gc.collect()
    assert [sys.getrefcount(each) for each in counted] == before
    # Before Python 3.12 None is counted, and the interpreter's own caches hold it too.
    assert abs(sys.getrefcount(None) - nones) < 100
    assert sys.getallocatedblocks() - blocks < 500
    assert len(gc.get_objects()) - objects < 100
    if resident() - memory >= ROOM:  # the allocator took one more segment, or a leak, which grows as much again
        memory = resident()
        run(rounds)
        gc.collect()
        assert resident() - memory < ROOM
    tracemalloc.start()
    try:
        run(len(inputs))
        traced = tracemalloc.get_traced_memory()[0]
        run(rounds // 20)
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] - traced < 10_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize(("cls", "build"), [(Plain, "attributes"), (Slotted, "slots"), (dict, "dict"), (Plain, "call")])
def test_bodies(cls: Any, build: Any, rounds: int) -> None:
    stays(schema(cls, build).decode, BODIES, rounds)


def faulty() -> object:
    """A default factory that raises, one error and the other."""
    TURNS.reverse()
    raise TURNS[0]("no default")


TURNS: list[type[Exception]] = [ValueError, LookupError]


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize(("cls", "build"), [(Plain, "attributes"), (Slotted, "slots")])
def test_a_default_factory_that_raises(cls: Any, build: Any, rounds: int) -> None:
    fields = [
        FieldNode("mark", "mark", CheckedNode(StrNode(), [], [marked])),
        FieldNode("texts", "texts", ListNode(list, StrNode()), required=False, default_factory=list),
        FieldNode("rest", "rest", AnyNode(), required=False, default_factory=faulty),
    ]
    read = Schema(ListNode(list, ObjectNode(cls, "X", build, fields, post_init=True)))
    with pytest.raises((ValueError, LookupError), match="no default"):
        read.decode('[{"mark":"m"}]')
    stays(
        read.decode,
        ['[{"mark":"m","rest":1}]', '[{"mark":"m","rest":1},{"mark":"m"}]', '[{"mark":5},{"mark":"m"}]'],
        rounds,
    )


@pytest.mark.parametrize("rounds", ROUNDS)
def test_texts(rounds: int) -> None:
    node = ObjectNode(
        Plain,
        "X",
        "attributes",
        [
            FieldNode("mark", "mark", CheckedNode(StrNode(), [], [marked])),
            FieldNode("texts", "texts", ListNode(list, StrNode(max_length=5))),
            FieldNode("rest", "rest", IntNode(), required=False, default_factory=factory),
        ],
        post_init=True,
    )
    fields: list[list[tuple[str, str]]] = [
        [("mark", "m"), ("texts", "a"), ("texts", "b")],
        [("mark", "m"), ("texts", "value"), ("rest", "5")],
        [("mark", "m"), ("texts", "fault"), ("rest", "x")],
        [("mark", "refuse"), ("texts", "too long"), ("other", "5")],
        [("mark", "raise"), ("texts", "a")],
        [],
    ]
    stays(Schema(node).convert_fields, fields, rounds)


def test_a_schema_lets_go_of_its_tree() -> None:
    class Gone:
        pass

    before = sys.getrefcount(Gone)
    for _ in range(100):
        Schema(ObjectNode(Gone, "Gone", "attributes", [FieldNode("a", "a", IntNode())])).decode('{"a":1}')
    gc.collect()
    assert sys.getrefcount(Gone) <= before
