"""Decoding JSON into typed objects: ours beside msgspec, pydantic and orjson, in one process.

`python -m benches.json.decode` wants orjson, msgspec and pydantic: they are in the environment of benches/http. Every contestant decodes the same bytes in
interleaved rounds; a figure is the median of its rounds, and only ratios within one run mean something.
"""

import importlib
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypedDict

from covet._native import Schema, json_decode
from covet._types.nodes import BoolNode, Build, FieldNode, FloatNode, IntNode, ListNode, Node, ObjectNode, StrNode

# By name, because the tools that check this file run without the peers.
msgspec: Any = importlib.import_module("msgspec")
orjson: Any = importlib.import_module("orjson")
pydantic: Any = importlib.import_module("pydantic")

ROUNDS = 25
ROUND_SECONDS = 0.02


@dataclass
class Row:
    """One row, with an instance dict."""

    id: int
    name: str
    score: float
    active: bool
    tags: list[str]


@dataclass(slots=True)
class SlottedRow:
    """One row, with slots."""

    id: int
    name: str
    score: float
    active: bool
    tags: list[str]


class DictRow(TypedDict):
    """One row as a dict."""

    id: int
    name: str
    score: float
    active: bool
    tags: list[str]


@dataclass
class Order:
    """A small body."""

    sku: str
    quantity: int
    price: float
    note: str


@dataclass(slots=True)
class SlottedOrder:
    """A small body, with slots."""

    sku: str
    quantity: int
    price: float
    note: str


class DictOrder(TypedDict):
    """A small body as a dict."""

    sku: str
    quantity: int
    price: float
    note: str


ROW_FIELDS: dict[str, Node] = {
    "id": IntNode(),
    "name": StrNode(),
    "score": FloatNode(),
    "active": BoolNode(),
    "tags": ListNode(list, StrNode()),
}
ORDER_FIELDS: dict[str, Node] = {"sku": StrNode(), "quantity": IntNode(), "price": FloatNode(), "note": StrNode()}

ROWS = json.dumps(
    [
        {
            "id": number,
            "name": f"row {number}",
            "score": number * 1.25 + 0.1,
            "active": number % 2 == 0,
            "tags": ["a", "bb"],
        }
        for number in range(50)
    ],
    separators=(",", ":"),
).encode()
ORDER = json.dumps(
    {
        "sku": "AB-1234-567890",
        "quantity": 12,
        "price": 19.99,
        "note": "leave it at the door, please; the bell does not work",
    },
    separators=(",", ":"),
).encode()


def compiled(cls: type[Any], build: Build, fields: dict[str, Node], *, many: bool) -> Callable[[bytes], object]:
    """Our decoder of a class, or of a list of it."""
    node = ObjectNode(cls, cls.__name__, build, [FieldNode(name, name, kind) for name, kind in fields.items()])
    return Schema(ListNode(list, node) if many else node).decode


def contestants(*, many: bool) -> dict[str, Callable[[bytes], object]]:
    """Every decoder of one workload by its name."""
    fields = ROW_FIELDS if many else ORDER_FIELDS
    plain: Any = Row if many else Order
    slotted: Any = SlottedRow if many else SlottedOrder
    struct: Any = msgspec.defstruct("Struct", list(plain.__annotations__.items()))
    typed: Any = DictRow if many else DictOrder

    def whole(cls: Any) -> Any:
        return list[cls] if many else cls

    return {
        "covet dataclass": compiled(plain, "attributes", fields, many=many),
        "msgspec dataclass": msgspec.json.Decoder(whole(plain)).decode,
        "covet dataclass slots": compiled(slotted, "slots", fields, many=many),
        "msgspec dataclass slots": msgspec.json.Decoder(whole(slotted)).decode,
        "covet Struct": compiled(struct, "slots", fields, many=many),
        "msgspec Struct": msgspec.json.Decoder(whole(struct)).decode,
        "covet TypedDict": compiled(typed, "dict", fields, many=many),
        "msgspec TypedDict": msgspec.json.Decoder(whole(typed)).decode,
        "pydantic dataclass": pydantic.TypeAdapter(whole(plain)).validate_json,
        "covet untyped": json_decode,
        "orjson untyped": orjson.loads,
    }


def measure(decoders: dict[str, Callable[[bytes], object]], data: bytes) -> dict[str, float]:
    """Microseconds of one decoding, by name."""
    loops = {name: calibrated(decode, data) for name, decode in decoders.items()}
    rounds: dict[str, list[float]] = {name: [] for name in decoders}
    for _ in range(ROUNDS):
        for name, decode in decoders.items():
            rounds[name].append(timed(decode, data, loops[name]))
    return {name: statistics.median(figures) for name, figures in rounds.items()}


def calibrated(decode: Callable[[bytes], object], data: bytes) -> int:
    """How many decodings fill a round."""
    timed(decode, data, 100)
    return max(1, int(ROUND_SECONDS * 1e6 / timed(decode, data, 100)))


def timed(decode: Callable[[bytes], object], data: bytes, loops: int) -> float:
    """Microseconds of one of `loops` decodings."""
    start = time.perf_counter()
    for _ in range(loops):
        decode(data)
    return (time.perf_counter() - start) / loops * 1e6


def main() -> None:
    """Measure both workloads and print medians and ratios."""
    for title, many, data in (("50 rows", True, ROWS), ("one body", False, ORDER)):
        figures = measure(contestants(many=many), data)
        print(f"\n{title}, {len(data)} bytes: microseconds, and as a part of msgspec Struct")
        for name, figure in figures.items():
            print(f"  {name:26}{figure:8.3f}{figure / figures['msgspec Struct']:8.2f}")
        ours = figures["covet dataclass"]
        print(f"  covet dataclass / msgspec dataclass: {ours / figures['msgspec dataclass']:.2f} (target 0.75)")
        print(f"  covet dataclass / pydantic: {ours / figures['pydantic dataclass']:.2f} (target 0.40)")
        print(f"  covet dataclass / msgspec Struct: {ours / figures['msgspec Struct']:.2f} (one body: target 1.10)")


if __name__ == "__main__":
    main()
