"""What `json_encode` writes, against the standard library and in tables."""

import collections
import dataclasses
import datetime as dt
import enum
import json
import math
import sys
import uuid
from typing import Any, ClassVar, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from covet._native import json_encode

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30)


@given(VALUES)
@example({"hello": "world"})
@example([[], {}, [[]], {"": {}}])
@example([2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**4000])
@example([0.0, -0.0, 5e-324, sys.float_info.max, 1e16, 1e-7, 0.1 + 0.2])
def test_standard_library_reads_back_the_same(value: Any) -> None:
    assert repr(json.loads(json_encode(value))) == repr(value)


@given(st.text())
def test_strings_are_written_as_the_standard_library_writes_them(text: str) -> None:
    assert json_encode(text).decode() == json.dumps(text, ensure_ascii=False)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_are_as_short_as_repr(number: float) -> None:
    def digits(text: str) -> str:
        return text.split("e")[0].replace(".", "").strip("-0")

    assert digits(json_encode(number).decode()) == digits(repr(number))


@given(st.datetimes(timezones=st.none() | st.timezones()))
def test_datetimes_read_back_as_the_same_instant(moment: dt.datetime) -> None:
    try:
        text = json.loads(json_encode(moment))
    except ValueError:
        assert moment.tzinfo is not None
        assert moment.year in (1, 9999)
        return
    again = dt.datetime.fromisoformat(text)
    offset = again.utcoffset()
    assert (offset is None) == (moment.tzinfo is None)
    if offset is None:
        assert again == moment
    else:
        assert offset % dt.timedelta(minutes=1) == dt.timedelta(0)
        assert again.astimezone(dt.UTC) == moment.astimezone(dt.UTC)


@given(st.uuids())
def test_uuids_are_their_text(value: uuid.UUID) -> None:
    assert json.loads(json_encode(value)) == str(value)


class Text(str):
    __slots__ = ()


class Number(int):
    def __repr__(self) -> str:
        return "not this"

    __str__ = __repr__


class Ratio(float):
    def __repr__(self) -> str:
        return "not this"


class Rows(list[Any]):
    pass


class Point(NamedTuple):
    x: int
    y: int


class Nearer(Point):
    def __iter__(self) -> Any:
        raise AssertionError("the items are read as they are")


untyped: Any = collections.namedtuple
Bare = untyped("Bare", "")
Untold = untyped("Untold", ["é", "def"], rename=True)


class Couple(tuple[int, int]):
    pass


class Misnamed(tuple[int, int]):
    _fields = ("a", 5)


class Listed(tuple[int, int]):
    _fields = ["a", "b"]


class Colour(enum.Enum):
    RED = "red"
    BOTH = (1, "two")


class Word(enum.StrEnum):
    YES = "yes"


class Mixed(str, enum.Enum):  # noqa: UP042 - what programs wrote before StrEnum
    A = "a"


class Level(enum.IntEnum):
    LOW = 1


class Flags(enum.Flag):
    A = 1
    B = 2


@dataclasses.dataclass
class Base:
    a: int
    kind: ClassVar[str] = "never"
    start: dataclasses.InitVar[int] = 0


@dataclasses.dataclass
class Derived(Base):
    b: list[Any] = dataclasses.field(default_factory=list)
    _c: str = "private, but declared"


@dataclasses.dataclass(slots=True, frozen=True)
class Slotted:
    name: str
    ratio: float


@dataclasses.dataclass
class Nothing:
    pass


@dataclasses.dataclass
class NamedText(str):
    """A dataclass is an object of its fields, whatever it inherits."""

    a: int = 1


def extended() -> Base:
    value = Base(1)
    value.extra = 2  # type: ignore[attr-defined]
    return value


def moved(order: list[str]) -> collections.OrderedDict[str, int]:
    value = collections.OrderedDict(a=1, b=2)
    for key in order:
        value.move_to_end(key)
    return value


MINUS_FIVE = dt.timezone(dt.timedelta(hours=-5))
WITH_SECONDS = dt.timezone(dt.timedelta(minutes=53, seconds=28))

TABLE: list[tuple[Any, str]] = [
    (None, "null"),
    (True, "true"),
    (False, "false"),
    (0, "0"),
    (-1, "-1"),
    (1.0, "1.0"),
    ('\x00\x1f\x7f"\\/\b\f\n\r\té\u2028😀', '"\\u0000\\u001f\x7f\\"\\\\/\\b\\f\\n\\r\\té\u2028😀"'),
    ([], "[]"),
    ((), "[]"),
    ({}, "{}"),
    ({"a": (1, [2], {"b": None})}, '{"a":[1,[2],{"b":null}]}'),
    (Text('q"'), '"q\\""'),
    ({Text("k"): Text("v")}, '{"k":"v"}'),
    (Number(7), "7"),
    (Number(10**20), "100000000000000000000"),
    (Ratio(0.5), "0.5"),
    (Rows([1, Rows()]), "[1,[]]"),
    (Point(1, 2), '{"x":1,"y":2}'),
    ([Point(1, [Point(2, 3)])], '[{"x":1,"y":[{"x":2,"y":3}]}]'),
    (Nearer(1, 2), '{"x":1,"y":2}'),
    (Bare(), "{}"),
    (Untold("é", 'a"b'), '{"é":"é","_1":"a\\"b"}'),
    (tuple.__new__(Point, (1, 2, 3)), "[1,2,3]"),
    (Couple((1, 2)), "[1,2]"),
    (Misnamed((1, 2)), "[1,2]"),
    (Listed((1, 2)), "[1,2]"),
    (collections.defaultdict(int, a=1), '{"a":1}'),
    (collections.Counter("aab"), '{"a":2,"b":1}'),
    (moved(["a"]), '{"b":2,"a":1}'),
    (Colour.RED, '"red"'),
    (Colour.BOTH, '[1,"two"]'),
    (Word.YES, '"yes"'),
    (Mixed.A, '"a"'),
    (Level.LOW, "1"),
    (Flags.A | Flags.B, "3"),
    ({Word.YES: 1, Mixed.A: 2}, '{"yes":1,"a":2}'),
    (Base(1), '{"a":1}'),
    (extended(), '{"a":1}'),
    (Derived(1, b=[Base(2)]), '{"a":1,"b":[{"a":2}],"_c":"private, but declared"}'),
    (Slotted("n", 1.5), '{"name":"n","ratio":1.5}'),
    (Nothing(), "{}"),
    (NamedText(), '{"a":1}'),
    (uuid.UUID(int=0), '"00000000-0000-0000-0000-000000000000"'),
    (dt.date(1, 2, 3), '"0001-02-03"'),
    (dt.time(1, 2), '"01:02:00"'),
    (dt.time(1, 2, 3, 4, tzinfo=MINUS_FIVE), '"01:02:03.000004-05:00"'),
    (dt.datetime(2024, 2, 29, 12), '"2024-02-29T12:00:00"'),
    (dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC), '"2024-02-29T12:00:00+00:00"'),
    (dt.datetime(2024, 2, 29, 12, 0, 0, 5, tzinfo=MINUS_FIVE), '"2024-02-29T12:00:00.000005-05:00"'),
    (dt.datetime(2024, 2, 29, 12, tzinfo=WITH_SECONDS), '"2024-02-29T11:06:32+00:00"'),
]


@pytest.mark.parametrize(("value", "text"), TABLE, ids=[text[:30] for _, text in TABLE])
def test_table(value: Any, text: str) -> None:
    assert json_encode(value).decode() == text


def nested(depth: int, kind: type) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = {"k": value} if kind is dict else Base(value) if kind is Base else kind([value])
    return value


@pytest.mark.parametrize("kind", [list, tuple, dict, Base, Rows])
def test_depth_just_below_at_and_above_the_limit(kind: type) -> None:
    json_encode(nested(127, kind))
    json_encode(nested(128, kind))
    with pytest.raises(ValueError, match="nested deeper than 128"):
        json_encode(nested(129, kind))


def test_ten_megabytes_of_text() -> None:
    text = "é" * 5_000_000
    assert json_encode(text) == f'"{text}"'.encode()
    quotes = '"' * 10_000_000
    assert len(json_encode(quotes)) == 20_000_002


def test_more_types_than_are_remembered() -> None:
    for number in range(2_500):
        made = dataclasses.make_dataclass(f"Made{number}", [(f"f{number}", int)])
        assert json_encode([made(1), made(2)]).decode() == f'[{{"f{number}":1}},{{"f{number}":2}}]'


def test_integers_end_at_the_interpreters_limit_of_digits() -> None:
    assert json_encode(10**4299) == b"1" + b"0" * 4299
    with pytest.raises(ValueError, match="converting an int to text raised ValueError"):
        json_encode(10**4300)


def test_not_a_number_is_told_from_infinity() -> None:
    for value, name in [(math.nan, "nan"), (math.inf, "an infinite float"), (-math.inf, "an infinite float")]:
        with pytest.raises(ValueError, match=f"{name} cannot be encoded as JSON: a number must be finite"):
            json_encode(value)
