"""What is measured: each workload with its contestants, which all do the same to the same values, and the targets.

It must not measure. Ours are called as a program calls them, through `covet.json`.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypedDict, cast

import msgspec
import orjson
import pydantic

from covet import json as covet_json

if TYPE_CHECKING:
    from collections.abc import Callable

TYPES: Final = 1_000


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


class StructRow(msgspec.Struct):
    """One row as msgspec has it fastest."""

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


class StructOrder(msgspec.Struct):
    """A small body as msgspec has it fastest."""

    sku: str
    quantity: int
    price: float
    note: str


ROWS: Final[list[dict[str, Any]]] = [
    {
        "id": number,
        "name": f"row {number}",
        "score": number * 1.25 + 0.1,
        "active": number % 2 == 0,
        "tags": ["a", "bb"],
    }
    for number in range(50)
]
ROWS_JSON: Final = orjson.dumps(ROWS)
ORDER_JSON: Final = orjson.dumps(
    {
        "sku": "AB-1234-567890",
        "quantity": 12,
        "price": 19.99,
        "note": "leave it at the door, please; the bell does not work",
    }
)


@dataclass(frozen=True)
class Workload:
    """One comparison: `make` gives, for each contestant, what is called again and again."""

    name: str
    title: str
    words: str
    make: Callable[[], dict[str, Callable[[], object]]]
    once: bool = False
    """Each call is of what `make` gave anew: it takes long, and must not find what an earlier one left."""


class Target(NamedTuple):
    """One of ours must take at most `factor` times what a peer takes; without a peer, so many seconds."""

    workload: str
    ours: str
    peer: str | None
    factor: float


TARGETS: Final = (
    Target("encode_dicts", "covet", "orjson", 1.0),
    Target("encode_dataclasses", "covet", "orjson", 1.0),
    Target("decode_dataclasses", "covet", "msgspec", 0.75),
    Target("decode_dataclasses", "covet", "pydantic", 0.4),
    Target("decode_small", "covet", "msgspec, Struct", 1.1),
    Target("compile", "covet", None, 0.3),
)


def calls(function: Callable[[Any], object], value: object) -> Callable[[], object]:
    """`function` of `value`, without arguments."""
    return lambda: function(value)


def encode_dicts() -> dict[str, Callable[[], object]]:
    """Dicts to JSON."""
    return {
        "covet": calls(covet_json.encode, ROWS),
        "covet, TypedDict": calls(covet_json.Encoder(list[DictRow]).encode, ROWS),
        "orjson": calls(orjson.dumps, ROWS),
        "msgspec": calls(msgspec.json.Encoder().encode, ROWS),
        "pydantic": calls(pydantic.TypeAdapter(list[dict[str, Any]]).dump_json, ROWS),
        "json": calls(json.JSONEncoder(separators=(",", ":")).encode, ROWS),
    }


def encode_dataclasses() -> dict[str, Callable[[], object]]:
    """Objects of dataclasses to JSON."""
    return encoders(Row, [Row(**row) for row in ROWS])


def encode_slots() -> dict[str, Callable[[], object]]:
    """The same of a dataclass with slots."""
    return encoders(SlottedRow, [SlottedRow(**row) for row in ROWS])


def encoders(cls: Any, rows: list[Any]) -> dict[str, Callable[[], object]]:
    """Rows of a dataclass, by type and by value."""
    structs = [StructRow(**row) for row in ROWS]
    return {
        "covet": calls(covet_json.Encoder(list[cls]).encode, rows),
        "covet, untyped": calls(covet_json.encode, rows),
        "orjson": calls(orjson.dumps, rows),
        "msgspec": calls(msgspec.json.Encoder().encode, rows),
        "msgspec, Struct": calls(msgspec.json.Encoder().encode, structs),
        "pydantic": calls(pydantic.TypeAdapter(list[cls]).dump_json, rows),
    }


def decode_dataclasses() -> dict[str, Callable[[], object]]:
    """JSON to checked objects of a dataclass."""
    return decoders(list[Row], list[StructRow], ROWS_JSON)


def decode_slots() -> dict[str, Callable[[], object]]:
    """The same of a dataclass with slots."""
    return decoders(list[SlottedRow], list[StructRow], ROWS_JSON)


def decode_small() -> dict[str, Callable[[], object]]:
    """One small body."""
    return decoders(Order, StructOrder, ORDER_JSON)


def decoders(plain: Any, struct: Any, data: bytes) -> dict[str, Callable[[], object]]:
    """To a dataclass and to a Struct."""
    return {
        "covet": calls(covet_json.Decoder(plain).decode, data),
        "covet, Struct": calls(covet_json.Decoder(struct).decode, data),
        "msgspec": calls(msgspec.json.Decoder(plain).decode, data),
        "msgspec, Struct": calls(msgspec.json.Decoder(struct).decode, data),
        "pydantic": calls(pydantic.TypeAdapter(plain).validate_json, data),
        "orjson, untyped": calls(orjson.loads, data),
    }


def decode_untyped() -> dict[str, Callable[[], object]]:
    """JSON to dicts and lists."""
    return {
        "covet": calls(covet_json.decode, ROWS_JSON),
        "orjson": calls(orjson.loads, ROWS_JSON),
        "msgspec": calls(msgspec.json.decode, ROWS_JSON),
        "json": calls(json.loads, ROWS_JSON),
    }


def classes(chain: int) -> list[Any]:
    """New dataclasses; in chains of so many, each holds a list of the one before it."""
    made, many = list[Any](), cast("Any", list)
    for number in range(TYPES):
        inner = many[made[-1]] if number % chain else list[int]
        fields: list[Any] = [("id", int), ("name", str), ("score", float), ("tags", list[str]), ("others", inner)]
        made.append(dataclasses.make_dataclass(f"Type{number}", fields))
    return made


def compilers(chain: int) -> dict[str, Callable[[], object]]:
    """A decoder of every class; each contestant has classes of its own, and making them is not measured."""

    def each(make: Callable[[Any], object]) -> Callable[[], object]:
        made = classes(chain)
        return lambda: [make(cls) for cls in made]

    makers: dict[str, Callable[[Any], object]] = {
        "covet": covet_json.Decoder,
        "msgspec": msgspec.json.Decoder,
        "pydantic": pydantic.TypeAdapter,
    }
    return {name: each(make) for name, make in makers.items()}


def compile_flat() -> dict[str, Callable[[], object]]:
    """None holds another."""
    return compilers(1)


def compile_nested() -> dict[str, Callable[[], object]]:
    """Whose decoders know five and a half classes each, on average."""
    return compilers(10)


WORKLOADS: Final = (
    Workload("encode_dicts", "Encode dicts", f"50 rows of (int, str, float, bool, list[str]), {len(ROWS_JSON):,} bytes.", encode_dicts),
    Workload("encode_dataclasses", "Encode dataclasses", "The same rows as objects of a dataclass; untyped: without saying so.", encode_dataclasses),
    Workload("encode_slots", "Encode dataclasses with slots", "The same with `slots=True`.", encode_slots),
    Workload("decode_dataclasses", "Decode and check to dataclasses", "The same 50 rows; ours collects every error.", decode_dataclasses),
    Workload("decode_slots", "Decode and check to dataclasses with slots", "The same with `slots=True`.", decode_slots),
    Workload("decode_small", "Decode and check one small body", f"4 fields, {len(ORDER_JSON)} bytes.", decode_small),
    Workload("decode_untyped", "Decode to dicts", "The same 50 rows, without a type.", decode_untyped),
    Workload("compile", f"Compile {TYPES:,} types", "A decoder for each of so many dataclasses of five fields.", compile_flat, once=True),
    Workload("compile_nested", f"Compile {TYPES:,} types that hold each other", "The same where each holds a list of the one before it, in chains of ten, which every decoder compiles whole.", compile_nested, once=True),
)  # fmt: skip
