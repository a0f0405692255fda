"""`json_encode` beside orjson and the standard library, on generated values."""

import dataclasses
import datetime as dt
import enum
import json
import uuid
from typing import Any

import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from covet._native import EncodeError, json_encode

SIXTY_FOUR = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | SIXTY_FOUR | FLOATS | PLAIN | st.text('ab"\\\n\x00é', max_size=70)


class Colour(enum.Enum):
    RED = "red"
    ONE = 1


@dataclasses.dataclass
class Row:
    a: Any
    b: Any


@dataclasses.dataclass(slots=True)
class Slotted:
    a: Any
    b: Any


def extend(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return (
        st.lists(inner)
        | st.dictionaries(PLAIN, inner)
        | st.tuples(inner, inner)
        | st.builds(Row, inner, inner)
        | st.builds(Slotted, inner, inner)
    )


RICH = st.uuids() | st.dates() | st.sampled_from(Colour) | st.datetimes()
VALUES = st.recursive(SCALARS | RICH, extend, max_leaves=40)


@given(VALUES)
@example([1e16, 1e-5, 123456789012345680.0, 5e-324, -0.0])
@example([[1, [2, {"a": [3, {"b": [[4]]}]}]], {"": [[], {}, [{}], [[]]]}])
def test_the_same_bytes_as_orjson(value: Any) -> None:
    assert json_encode(value) == orjson.dumps(value)


OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))


@given(st.datetimes(timezones=OFFSETS | st.just(dt.UTC)))
def test_moments_as_orjson_writes_them(moment: dt.datetime) -> None:
    assert json_encode(moment) == orjson.dumps(moment)


@given(st.times(timezones=st.none() | OFFSETS), st.dates())
def test_times_and_dates_are_in_the_form_of_iso_8601(time: dt.time, date: dt.date) -> None:
    assert json.loads(json_encode([time, date])) == [time.isoformat(), date.isoformat()]


@given(st.dictionaries(SIXTY_FOUR | st.booleans() | st.uuids() | st.dates() | PLAIN, SCALARS))
def test_keys_as_orjson_writes_them(value: dict[Any, Any]) -> None:
    assert json_encode(value, keys="any") == orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)


@given(st.lists(st.text(), max_size=5), st.dictionaries(st.text(), st.integers()))
def test_whatever_text_reads_back(texts: list[str], numbers: dict[str, int]) -> None:
    value = [texts, numbers]
    assert json.loads(json_encode(value)) == value


@given(st.text(st.characters(), max_size=40))
def test_a_lone_surrogate_is_refused_as_orjson_refuses_it(text: str) -> None:
    def refused(call: Any) -> bool:
        try:
            call(text)
        except (EncodeError, orjson.JSONEncodeError):
            return True
        return False

    assert refused(json_encode) == refused(orjson.dumps)


@given(st.integers(0, 2), st.integers(120, 130))
def test_the_limit_of_depth_holds_in_every_mixture(innermost: int, depth: int) -> None:
    value: Any = [[], {}, [1]][innermost]
    for number in range(depth - 1):
        value = [value] if number % 3 else {"k": value}
    try:
        json_encode(value)
    except EncodeError:
        assert depth > 128
    else:
        assert depth <= 128


def test_uuids_of_every_class_of_value() -> None:
    values = [uuid.UUID(int=1 << shift) for shift in range(128)]
    assert json_encode(values) == orjson.dumps(values)
