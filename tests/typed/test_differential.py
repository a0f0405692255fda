"""Generated types with generated values: against the standard library, msgspec and pydantic, and against each other.

`COVET_TEST_BUDGET` multiplies the examples (`make ci-full`).
"""

import dataclasses
import json
import math
import os
from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias
from uuid import UUID

import attrs
import jsonschema
import msgspec
import pydantic
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from covet import MaxLen
from covet import json as covet_json
from covet._native import Schema, json_decode, json_encode
from covet._types.json_schema import schema_of
from covet._types.reading import read_type
from covet.json import DecodeError, ValidationError
from tests.typed.generated import FLOATS, KINDS, PLAIN_KINDS, TEXT, Kind, Level

BUDGET = int(os.environ.get("COVET_TEST_BUDGET", "1"))


def examples(count: int) -> settings:
    return settings(max_examples=count * BUDGET, deadline=None, suppress_health_check=list(HealthCheck))


Decode: TypeAlias = Callable[[Any, bytes], object]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | TEXT,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(TEXT, below, max_size=4),
    max_leaves=12,
)


def nested(depth: int) -> list[Any]:
    made: list[Any] = []
    for _ in range(depth - 1):
        made = [made]
    return made


class Refused:
    """What is compared where there is no value."""


def ours(annotation: Any, data: bytes) -> object:
    return Schema(read_type(annotation)).decode(data)


def msgspecs(annotation: Any, data: bytes) -> object:
    return msgspec.json.decode(data, type=annotation)


def pydantics(annotation: Any, data: bytes) -> object:
    return pydantic.TypeAdapter(annotation).validate_json(data, strict=True)


PEERS: dict[str, Decode] = {"msgspec": msgspecs, "pydantic": pydantics}


def outcome(decode: Decode, annotation: Any, data: bytes) -> object:
    try:
        return decode(annotation, data)
    except (ValidationError, DecodeError, msgspec.DecodeError, pydantic.ValidationError):
        return Refused


def parts(value: Any) -> Iterable[Any]:
    """What is inside, where its order means something."""
    if isinstance(value, (list, tuple, deque)):
        return value
    if dataclasses.is_dataclass(value):
        return [getattr(value, field.name) for field in dataclasses.fields(value)]
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.astuple(value)
    return attrs.astuple(value, recurse=False) if attrs.has(type(value)) else ()


def is_same(one: Any, other: Any) -> bool:
    """Equal, and of the same types all the way down: 1 is not True, nor 1.0."""
    if type(one) is not type(other) or one != other:
        return False
    if isinstance(one, dict):
        return all(is_same(value, other[key]) for key, value in one.items())
    return all(is_same(*pair) for pair in zip(parts(one), parts(other), strict=True))


@examples(150)
@given(VALUES)
def test_untyped_as_the_standard_library(value: Any) -> None:
    written = json_encode(value)
    assert is_same(json.loads(written), value)
    for text in (written, json.dumps(value).encode(), json.dumps(value, ensure_ascii=False, indent=1).encode()):
        assert is_same(json_decode(text), value)
        assert is_same(covet_json.decode(text, type=Any), value)


@examples(250)
@given(st.data())
def test_every_type(data: st.DataObject) -> None:
    kind = data.draw(KINDS)
    values = data.draw(st.lists(kind.values, min_size=1, max_size=3))
    tree = read_type(kind.annotation)
    compiled, described = Schema(tree), schema_of(tree)
    jsonschema.Draft202012Validator.check_schema(described)
    validator = jsonschema.Draft202012Validator(described)
    for value in values:
        written = compiled.encode(value)
        assert is_same(compiled.decode(written), value), written
        assert validator.is_valid(json.loads(written)), (described, written)
        assert json.loads(json_encode(value, keys="any")) == json.loads(written)
        for name in kind.peers:
            assert PEERS[name](kind.annotation, written) == value, (name, written)


def strange(value: Any, draw: Callable[[st.SearchStrategy[Any]], Any]) -> Any:
    """A value of JSON with one part replaced, dropped or added."""
    if isinstance(value, list) and value and draw(st.booleans()):
        index = draw(st.integers(0, len(value) - 1))
        return [*value[:index], strange(value[index], draw), *value[index + 1 :]]
    if isinstance(value, dict) and value and draw(st.booleans()):
        key = draw(st.sampled_from(sorted(value)))
        if draw(st.booleans()):
            return {name: each for name, each in value.items() if name != key}
        return {**value, key: strange(value[key], draw)}
    # An int for a float and 1.0 for an int are in the table below.
    return draw(st.sampled_from([None, True, "", "1", [], {}, [None], {"a": "b"}, 10**30, 1.5]))


@examples(250)
@given(st.data())
def test_what_is_refused(data: st.DataObject) -> None:
    kind: Kind = data.draw(PLAIN_KINDS)
    told = strange(json.loads(covet_json.encode(data.draw(kind.values), type=kind.annotation)), data.draw)
    text = json.dumps(told).encode()
    found = outcome(ours, kind.annotation, text)
    for name in kind.peers:
        theirs = outcome(PEERS[name], kind.annotation, text)
        assert is_same(found, theirs), (name, kind, text, found, theirs)
    validator = jsonschema.Draft202012Validator(covet_json.schema(kind.annotation))
    assert validator.is_valid(told) == (found is not Refused), (kind, text)


class Point(NamedTuple):
    x: int


X = Refused
DIFFERENCES: list[tuple[Any, str, object, object, object]] = [
    # A key that comes twice is read differently by different programs.
    (dict[str, int], '{"a": 1, "a": 2}', X, {"a": 2}, {"a": 2}),
    (dict[int, int], '{"1": 1, "01": 2}', X, X, {1: 2}),
    (dict[int, int], '{"+1": 1}', X, X, {1: 1}),
    # A number is finite.
    (float, "1e999", X, X, math.inf),
    (float, "-Infinity", X, X, -math.inf),
    (Any, "Infinity", X, X, math.inf),
    # Of a Decimal each digit is kept, and it is nothing but digits.
    (Decimal, "1.10", Decimal("1.10"), Decimal("1.10"), Decimal("1.1")),
    (Decimal, '"-Infinity"', X, Decimal("-Infinity"), X),
    (Decimal, '"1_0"', X, Decimal(10), Decimal(10)),
    # One way to write a UUID.
    (UUID, f'"{"0" * 32}"', X, UUID(int=0), UUID(int=0)),
    # Seconds may be left out of a time; a number in quotes is none, and neither is an hour in colons.
    (datetime, '"2026-01-31T12:30"', datetime(2026, 1, 31, 12, 30), X, datetime(2026, 1, 31, 12, 30)),
    (datetime, '"0"', X, X, datetime(1970, 1, 1, tzinfo=UTC)),
    # Months have no length.
    (timedelta, '"P1M"', X, X, timedelta(days=30)),
    (timedelta, '"01:00:00"', X, X, timedelta(hours=1)),
    # bytes are base64.
    (bytes, '"YQ=="', b"a", b"a", b"YQ=="),
    # A named tuple is an object and nothing else.
    (Point, '{"x": 1}', Point(1), X, Point(1)),
    (Point, "[1]", X, Point(1), Point(1)),
    # true and 1.0 are not 1.
    (Level, "true", X, X, Level.LOW),
    (Level, "1.0", X, X, Level.LOW),
    (Literal[1], "true", X, X, 1),
    # Types that only two of us know.
    (IPv4Address, '"192.0.2.1"', IPv4Address("192.0.2.1"), X, IPv4Address("192.0.2.1")),
    # Markers of one's own mean nothing to others.
    (Annotated[str, MaxLen(1)], '"ab"', X, "ab", "ab"),
    # 128 deep is deep enough.
    (Any, "[" * 150 + "]" * 150, X, nested(150), nested(150)),
]
"""What is otherwise with msgspec and pydantic, and is so on purpose."""


@pytest.mark.parametrize(("annotation", "text", "covet", "of_msgspec", "of_pydantic"), DIFFERENCES, ids=str)
def test_differences_on_purpose(
    annotation: Any, text: str, covet: object, of_msgspec: object, of_pydantic: object
) -> None:
    found = [outcome(decode, annotation, text.encode()) for decode in (ours, msgspecs, pydantics)]
    assert all(map(is_same, found, [covet, of_msgspec, of_pydantic])), found
