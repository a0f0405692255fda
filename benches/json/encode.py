"""Encoding of 50 rows, 3.7 KB: `python -m benches.json.encode [--rounds N] [--output FILE]`.

Every subject is measured in turn in each round, so that what disturbs the machine disturbs all; the figures are medians
over the rounds, the ratios are to orjson in the same run. Build with `make build` first, and install the peers.
"""

import argparse
import dataclasses
import gc
import importlib.metadata
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pydantic

from covet import _native

ROWS = 50
REPEATS = 200


@dataclasses.dataclass
class Row:
    """A dataclass whose objects have a dict."""

    id: int
    name: str
    score: float
    active: bool
    tags: list[str]


@dataclasses.dataclass(slots=True)
class SlottedRow:
    """A dataclass with slots."""

    id: int
    name: str
    score: float
    active: bool
    tags: list[str]


class StructRow(msgspec.Struct):
    """What msgspec writes fastest."""

    id: int
    name: str
    score: float
    active: bool
    tags: list[str]


class ModelRow(pydantic.BaseModel):
    """What pydantic writes."""

    id: int
    name: str
    score: float
    active: bool
    tags: list[str]


def plain_rows() -> list[dict[str, Any]]:
    """The rows as dicts."""
    return [
        {
            "id": number,
            "name": f"row number {number}",
            "score": number * 1.25 + 0.1,
            "active": number % 3 == 0,
            "tags": ["a", "bb"],
        }
        for number in range(ROWS)
    ]


def subjects() -> dict[str, dict[str, Callable[[], bytes]]]:
    """For each kind of rows the encoders by name; `orjson` is what the others are compared with."""
    rows = plain_rows()
    dataclass_rows = [Row(**row) for row in rows]
    slotted_rows = [SlottedRow(**row) for row in rows]
    struct_rows = [StructRow(**row) for row in rows]
    model_rows = [ModelRow(**row) for row in rows]
    msgspec_encode = msgspec.json.Encoder().encode
    dicts_adapter = pydantic.TypeAdapter(list[dict[str, Any]])
    dataclass_adapter = pydantic.TypeAdapter(list[Row])
    slotted_adapter = pydantic.TypeAdapter(list[SlottedRow])
    model_adapter = pydantic.TypeAdapter(list[ModelRow])
    covet = _native.json_encode
    orjson_structs = lambda: orjson.dumps(struct_rows, default=msgspec.structs.asdict)  # noqa: E731
    found: dict[str, dict[str, Callable[[], bytes]]] = {
        "dicts": {
            "orjson": lambda: orjson.dumps(rows),
            "covet": lambda: covet(rows),
            "msgspec": lambda: msgspec_encode(rows),
            "pydantic": lambda: dicts_adapter.dump_json(rows),
            "json": lambda: json.dumps(rows, separators=(",", ":")).encode(),
        },
        "dataclasses": {
            "orjson": lambda: orjson.dumps(dataclass_rows),
            "covet": lambda: covet(dataclass_rows),
            "msgspec": lambda: msgspec_encode(dataclass_rows),
            "pydantic": lambda: dataclass_adapter.dump_json(dataclass_rows),
        },
        "slots dataclasses": {
            "orjson": lambda: orjson.dumps(slotted_rows),
            "covet": lambda: covet(slotted_rows),
            "msgspec": lambda: msgspec_encode(slotted_rows),
            "pydantic": lambda: slotted_adapter.dump_json(slotted_rows),
        },
        "structs": {
            "orjson": orjson_structs,
            "covet": lambda: covet(struct_rows),
            "msgspec": lambda: msgspec_encode(struct_rows),
            "pydantic": lambda: model_adapter.dump_json(model_rows),
        },
    }
    add_typed(
        found, {"dicts": rows, "dataclasses": dataclass_rows, "slots dataclasses": slotted_rows, "structs": struct_rows}
    )
    return found


def add_typed(found: dict[str, dict[str, Callable[[], bytes]]], rows: dict[str, list[Any]]) -> None:
    """The compiled path, where the native module has it."""
    make = getattr(_native, "Schema", None)
    if make is None:
        return
    from covet._types import nodes

    def schema(cls: type[Any]) -> Any:
        builds = {dict: "dict", Row: "attributes", SlottedRow: "slots"}
        field_nodes = [
            nodes.FieldNode("id", "id", nodes.IntNode()),
            nodes.FieldNode("name", "name", nodes.StrNode()),
            nodes.FieldNode("score", "score", nodes.FloatNode()),
            nodes.FieldNode("active", "active", nodes.BoolNode()),
            nodes.FieldNode("tags", "tags", nodes.ListNode(list, nodes.StrNode())),
        ]
        return make(nodes.ListNode(list, nodes.ObjectNode(cls, cls.__name__, builds.get(cls, "call"), field_nodes)))

    for name, values in rows.items():
        encode = schema(type(values[0])).encode
        found[name]["covet typed"] = lambda encode=encode, values=values: encode(values)


def measure(call: Callable[[], bytes], repeats: int) -> float:
    """Microseconds of one call."""
    start = time.perf_counter_ns()
    for _ in range(repeats):
        call()
    return (time.perf_counter_ns() - start) / repeats / 1_000


def run(rounds: int) -> dict[str, dict[str, list[float]]]:
    """Every round of every subject, in microseconds."""
    cases = subjects()
    for name, calls in cases.items():
        lengths = {encoder: len(call()) for encoder, call in calls.items()}
        if len(set(lengths.values())) != 1:
            raise SystemExit(f"{name}: the encoders do not write the same: {lengths}")
    results: dict[str, dict[str, list[float]]] = {name: {e: [] for e in calls} for name, calls in cases.items()}
    gc.disable()
    for _ in range(rounds):
        for name, calls in cases.items():
            for encoder, call in calls.items():
                results[name][encoder].append(measure(call, REPEATS if encoder != "json" else REPEATS // 10))
    return results


def main() -> None:
    """Measure, print a table, and write the rounds where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    results = run(arguments.rounds)
    for name, encoders in results.items():
        reference = statistics.median(encoders["orjson"])
        print(f"\n{name}")
        for encoder, values in encoders.items():
            median = statistics.median(values)
            print(f"  {encoder:12} {median:8.2f} us  {median / reference:5.2f}x orjson  (best {min(values):.2f})")
    if arguments.output:
        peers = {name: importlib.metadata.version(name) for name in ("orjson", "msgspec", "pydantic")}
        about = {"python": platform.python_version(), "machine": platform.machine(), "versions": peers}
        text = json.dumps({"about": about, "unit": "microseconds", "rounds": results}, indent=1)
        arguments.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
