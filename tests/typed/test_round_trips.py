"""Generated values: what is encoded is decoded to itself, and what the decoder takes, the schema takes."""

import enum
import json
import string
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, TypedDict
from uuid import UUID

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("covet.json", reason="needs the native module", exc_type=ImportError)

import covet
from covet import Ge, Len, Lt, MinLen, MultipleOf
from covet.json import Decoder, Encoder, ValidationError, schema


class Color(enum.Enum):
    RED = "red"
    ONE = 1


@covet.model(rename="camel")
@dataclass
class Plain:
    first_name: str
    count: int
    share: float = 0.5
    color: Color = Color.RED


@dataclass(frozen=True, slots=True)
class Cat:
    kind: Literal["cat"]
    lives: int | None = None


@dataclass
class Dog:
    kind: Literal["dog"]
    friends: "list[Cat | Dog]"


class Movie(TypedDict):
    title: str
    year: NotRequired[int]


class Point(NamedTuple):
    x: int
    y: float = 0.0


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
CATS = st.builds(Cat, st.just("cat"), st.none() | st.integers())
ANIMALS = st.recursive(CATS, lambda below: st.builds(Dog, st.just("dog"), st.lists(below, max_size=3)), max_leaves=6)
TYPES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (bool, st.booleans()),
    (int, st.integers()),
    (float, FLOATS),
    (str, TEXT),
    (bytes, st.binary()),
    (Decimal, st.decimals(allow_nan=False, allow_infinity=False)),
    (UUID, st.uuids()),
    (datetime, st.datetimes() | st.datetimes(timezones=st.just(UTC))),
    (date, st.dates()),
    (time, st.times()),
    (timedelta, st.timedeltas()),
    (Color, st.sampled_from(Color)),
    (Literal["a", 1, True, None], st.sampled_from(["a", 1, True, None])),
    (int | None, st.none() | st.integers()),
    (int | str | bool, st.integers() | TEXT | st.booleans()),
    (list[int], st.lists(st.integers())),
    (set[str], st.sets(TEXT)),
    (tuple[int, str], st.tuples(st.integers(), TEXT)),
    (dict[str, list[bool]], st.dictionaries(TEXT, st.lists(st.booleans()))),
    (dict[int, float], st.dictionaries(st.integers(), FLOATS)),
    (dict[UUID, None], st.dictionaries(st.uuids(), st.none())),
    (Annotated[int, Ge(0), Lt(50), MultipleOf(5)], st.integers(0, 9).map(lambda value: value * 5)),
    (Annotated[str, Len(1, 3)], st.text(string.ascii_letters, min_size=1, max_size=3)),
    (Annotated[list[str], MinLen(1)], st.lists(TEXT, min_size=1)),
    (Plain, st.builds(Plain, TEXT, st.integers(), FLOATS, st.sampled_from(Color))),
    (Cat | Dog, ANIMALS),
    (Movie, st.fixed_dictionaries({"title": TEXT}, optional={"year": st.integers()})),
    (Point, st.builds(Point, st.integers(), FLOATS)),
]
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | FLOATS
    | st.sampled_from(["", "cat", "dog", "red", "1", "2026-01-31", "PT1S"]),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kind", "friends", "lives", "x", "y", "title", "firstName", "count", "1"]),
            below,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(("annotation", "values"), TYPES, ids=lambda value: str(value)[:40])
def test_round_trip(annotation: Any, values: st.SearchStrategy[Any]) -> None:
    encoder, decoder = Encoder(annotation), Decoder(annotation)
    validator = jsonschema.Draft202012Validator(schema(annotation))

    @QUICK
    @given(values)
    def check(value: Any) -> None:
        written = encoder.encode(value)
        again = decoder.decode(written)
        assert (type(again), again) == (type(value), value)
        assert validator.is_valid(json.loads(written))

    check()


@pytest.mark.parametrize("annotation", [each for each, _ in TYPES], ids=lambda value: str(value)[:40])
def test_the_schema_takes_what_the_decoder_takes(annotation: Any) -> None:
    decoder = Decoder(annotation)
    validator = jsonschema.Draft202012Validator(schema(annotation))

    @QUICK
    @given(JSON)
    def check(value: Any) -> None:
        try:
            decoder.decode(json.dumps(value))
        except ValidationError:
            return
        assert validator.is_valid(value)

    check()
