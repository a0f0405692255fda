"""The types that `json_encode` takes beyond JSON's own, its `default=` hook and its `keys=`."""

import collections
import collections.abc
import dataclasses
import datetime as dt
import decimal
import enum
import ipaddress
import pathlib
import sys
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import msgspec
import pydantic
import pytest

from covet._native import EncodeError, json_encode


class Pairs(collections.abc.Mapping[str, int]):
    def __getitem__(self, key: str) -> int:
        return {"a": 1, "b": 2}[key]

    def __iter__(self) -> Iterator[str]:
        return iter("ab")

    def __len__(self) -> int:
        return 2


class Countdown(collections.abc.Sequence[int]):
    def __getitem__(self, index: Any) -> Any:
        return [3, 2, 1][index]

    def __len__(self) -> int:
        return 3


class Colour(enum.Enum):
    RED = "red"
    PAIR = (1, 2)


class Word(enum.StrEnum):
    YES = "yes"


class Level(enum.IntEnum):
    LOW = 1


@attrs.define
class Slotted:
    a: int
    _b: list[int]


@attrs.define(slots=False)
class Loose:
    a: int
    b: str = "default"


class Plain(msgspec.Struct):
    a: int
    b: list[str]


class Renamed(msgspec.Struct, rename="camel", tag_field="kind", tag="r"):
    first_name: str


class Numbered(msgspec.Struct, tag=7):
    a: int


class Sparse(msgspec.Struct):
    a: int | msgspec.UnsetType = msgspec.UNSET
    b: int | msgspec.UnsetType = msgspec.UNSET


class Model(pydantic.BaseModel):
    a: int
    when: dt.date
    b: str = pydantic.Field(alias="bee")


@dataclasses.dataclass
class WithProperty:
    a: int

    @property
    def doubled(self) -> int:
        return self.a * 2


@dataclasses.dataclass
class Shadowed:
    """`a` is kept elsewhere: the property must be asked."""

    a: int

    def _read(self) -> int:
        return int(self.__dict__["hidden"]) + 1

    def _write(self, value: int) -> None:
        self.__dict__["hidden"] = value


Shadowed.a = property(Shadowed._read, Shadowed._write)  # type: ignore[assignment]


@dataclasses.dataclass
class Watched:
    a: int

    def __getattribute__(self, name: str) -> Any:
        return 42 if name == "a" else super().__getattribute__(name)


@dataclasses.dataclass(slots=True)
class Base:
    a: int


@dataclasses.dataclass(slots=True)
class Derived(Base):
    b: float


def with_dict() -> WithProperty:
    """Its attributes are no longer inside the object."""
    value = WithProperty(1)
    value.__dict__ = {"z": 0, "a": 5}
    return value


TABLE: list[tuple[Any, str]] = [
    (decimal.Decimal("1.50"), '"1.50"'),
    (dt.timedelta(), '"PT0S"'),
    (dt.timedelta(days=1), '"P1D"'),
    (dt.timedelta(days=1, hours=2, minutes=3, seconds=4, microseconds=500_000), '"P1DT2H3M4.5S"'),
    (dt.timedelta(seconds=-1), '"-PT1S"'),
    (dt.timedelta(microseconds=-1), '"-PT0.000001S"'),
    (dt.timedelta(days=-2, hours=1), '"-P1DT23H"'),
    (dt.timedelta.max, '"P999999999DT23H59M59.999999S"'),
    (b"", '""'),
    (b"a", '"YQ=="'),
    (b"ab", '"YWI="'),
    (b"abc", '"YWJj"'),
    (bytes(range(250, 256)), '"+vv8/f7/"'),
    (bytearray(b"abc"), '"YWJj"'),
    (memoryview(b"xabcx")[1:4], '"YWJj"'),
    (ipaddress.ip_address("127.0.0.1"), '"127.0.0.1"'),
    (ipaddress.ip_address("::1"), '"::1"'),
    (ipaddress.ip_network("10.0.0.0/8"), '"10.0.0.0/8"'),
    (ipaddress.ip_interface("10.0.0.1/8"), '"10.0.0.1/8"'),
    (pathlib.PurePosixPath("/a/b"), '"/a/b"'),
    ({1}, "[1]"),
    (frozenset(["x"]), '["x"]'),
    (collections.deque([1, [2]]), "[1,[2]]"),
    (range(3), "[0,1,2]"),
    (Pairs(), '{"a":1,"b":2}'),
    (Countdown(), "[3,2,1]"),
    (collections.ChainMap({"a": 1}), '{"a":1}'),
    (Slotted(1, [2]), '{"a":1,"_b":[2]}'),
    (Loose(1), '{"a":1,"b":"default"}'),
    (Plain(1, ["x"]), '{"a":1,"b":["x"]}'),
    (Renamed("n"), '{"kind":"r","firstName":"n"}'),
    ([Numbered(1), Plain(2, [])], '[{"type":7,"a":1},{"a":2,"b":[]}]'),
    ([Sparse(), Sparse(b=1), Sparse(a=1)], '[{},{"b":1},{"a":1}]'),
    (Model(a=1, when=dt.date(2024, 1, 2), bee="c"), '{"a":1,"when":"2024-01-02","bee":"c"}'),
    (WithProperty(3), '{"a":3}'),
    (with_dict(), '{"a":5}'),
    (Shadowed(1), '{"a":2}'),
    (Watched(1), '{"a":42}'),
    (Derived(1, 2.5), '{"a":1,"b":2.5}'),
    ([Base(1), Derived(2, 0.5), Base(3)], '[{"a":1},{"a":2,"b":0.5},{"a":3}]'),
    ([{}, [{}], {"a": {}}], '[{},[{}],{"a":{}}]'),
    ([{"a": [1, {"b": [2]}]}, [[[]]], [{}], ({},)], '[{"a":[1,{"b":[2]}]},[[[]]],[{}],[{}]]'),
    (
        [99_999_999, 100_000_000, -99_999_999, 2**31, -(2**63)],
        "[99999999,100000000,-99999999,2147483648,-9223372036854775808]",
    ),
]


@pytest.mark.parametrize(("value", "text"), TABLE, ids=[f"{n}-{row[1][:20]}" for n, row in enumerate(TABLE)])
def test_table(value: Any, text: str) -> None:
    assert json_encode(value).decode() == text
    assert json_encode([value, value]).decode() == f"[{text},{text}]"


def test_dicts_of_every_kind_of_table() -> None:
    gaps: dict[Any, int] = {f"k{number}": number for number in range(2_000)}
    for number in range(0, 2_000, 3):
        del gaps[f"k{number}"]
    expected = ",".join(f'"k{number}":{number}' for number in range(2_000) if number % 3)
    assert json_encode(gaps).decode() == f"{{{expected}}}"
    mixed: dict[Any, int] = {1: 1, "a": 2}
    del mixed[1]
    shared = vars(Loose(1))
    emptied = {"a": 1}
    del emptied["a"]
    cleared = {"a": 1}
    cleared.clear()
    assert json_encode([mixed, shared, emptied, cleared]) == b'[{"a":2},{"a":1,"b":"default"},{},{}]'


def test_a_class_that_changes_after_it_was_seen() -> None:
    @dataclasses.dataclass
    class Changing:
        a: int

    value = Changing(1)
    assert json_encode(value) == b'{"a":1}'
    Changing.a = property(lambda self: "from the property", lambda self, value: None)  # type: ignore[assignment]
    assert json_encode(value) == b'{"a":"from the property"}'


def test_fields_that_were_set_in_another_order() -> None:
    @dataclasses.dataclass
    class Late:
        a: int = 1
        b: int = 2

        def __init__(self) -> None:
            self.b = 20
            self.other = None
            self.a = 10

    assert json_encode([Late(), Late()]) == b'[{"a":10,"b":20},{"a":10,"b":20}]'
    value = Late()
    del value.a
    assert json_encode(value) == b'{"a":1,"b":20}'


def test_default_is_asked_for_what_has_no_form() -> None:
    assert (
        json_encode([1j, {"a": 2j}], default=lambda value: [value.real, value.imag]) == b'[[0.0,1.0],{"a":[0.0,2.0]}]'
    )
    assert json_encode(1, default=lambda value: pytest.fail("asked for an int")) == b"1"


def test_default_that_never_comes_to_an_end() -> None:
    with pytest.raises(EncodeError, match="nested deeper than 128"):
        json_encode(1j, default=lambda value: value)


def test_default_that_raises() -> None:
    def refuse(value: object) -> object:
        raise TypeError(f"no {value}")

    with pytest.raises(EncodeError, match=r"default\(\) raised TypeError: no 1j \(at \$\.a\[0\]\)") as caught:
        json_encode({"a": [1j]}, default=refuse)
    assert isinstance(caught.value.__cause__, TypeError)


CHANGES: list[Callable[[Any], object]] = [
    lambda box: box.clear(),
    lambda box: box.pop(),
    lambda box: box.extend([f"new {n}" * 10 for n in range(1_000)]),
    lambda box: box.__setitem__(slice(None), [[object()] for _ in box]),
]


@pytest.mark.parametrize("change", CHANGES)
def test_default_that_changes_the_list_it_is_asked_from(change: Callable[[Any], object]) -> None:
    made = []

    def act(value: object) -> object:
        if isinstance(value, complex):
            change(box)
            made.append([object() for _ in range(200)])
        return "x" * 20

    for _ in range(50):
        box: list[Any] = ["a" * 30, ["b" * 30, 1j], {"k" * 20: [str(n) for n in range(5)]}, [[1j]], "c" * 30]
        try:
            text = json_encode({"outer": box, "after": ["d"]}, default=act)
        except EncodeError as error:
            assert "changed size" in str(error)
        else:
            assert text.startswith(b'{"outer":["aaa')


def test_default_that_changes_dicts_and_objects_around_it() -> None:
    def act(value: object) -> object:
        inner.clear()
        inner.update({f"n{n}": [n] * 3 for n in range(100)})
        row.__dict__ = {"a": "gone", "b": ["other"]}
        return {"here": 1}

    for _ in range(50):
        row = Loose(1j, [["x"] * 3, "y" * 40])  # type: ignore[arg-type]
        inner: dict[str, Any] = {"one": [row, "z" * 40], "two": {"three": "w" * 40}}
        with pytest.raises(EncodeError, match="dict changed size"):
            json_encode([inner], default=act)


KEYS: list[tuple[Any, str]] = [
    ({1: "a"}, '{"1":"a"}'),
    ({2**70: 1}, '{"1180591620717411303424":1}'),
    ({1.5: 1, True: 2, None: 3}, '{"1.5":1,"true":2,"null":3}'),
    ({uuid.UUID(int=0): 1}, '{"00000000-0000-0000-0000-000000000000":1}'),
    ({dt.date(2024, 1, 2): {3: 4}}, '{"2024-01-02":{"3":4}}'),
    ({Colour.RED: 1, Word.YES: 2, Level.LOW: 3}, '{"red":1,"yes":2,"1":3}'),
    ({decimal.Decimal("1.0"): 1, b"abc": 2}, '{"1.0":1,"YWJj":2}'),
    ({"a": 1, 2: 'q"'}, '{"a":1,"2":"q\\""}'),
]


@pytest.mark.parametrize(("value", "text"), KEYS, ids=[text for _, text in KEYS])
def test_keys_that_are_no_text(value: Any, text: str) -> None:
    assert json_encode(value, keys="any").decode() == text


def test_keys_are_text_unless_asked() -> None:
    with pytest.raises(EncodeError, match="dict key of type int cannot be encoded as JSON: use str"):
        json_encode({1: 2})
    for key in ((1, 2), frozenset(), Colour.PAIR, 1j):
        with pytest.raises(EncodeError, match="dict key of type .* cannot be encoded as JSON: use a str, a number"):
            json_encode({key: 2}, keys="any")
    with pytest.raises(EncodeError, match="a number must be finite"):
        json_encode({float("nan"): 2}, keys="any")
    with pytest.raises(EncodeError) as caught:
        json_encode({1: [2j]}, keys="any")
    assert caught.value.path == '$["1"][0]'
    with pytest.raises(ValueError, match='keys="all" is not known: use "str" or "any"'):
        json_encode({}, keys="all")  # type: ignore[arg-type]


def test_no_reference_is_left_over_or_lost() -> None:
    leaf, row, key = object(), Loose(1, "b" * 50), "key " * 10
    values: list[Any] = [leaf, row, key, Plain(1, [key]), [row, [key]], {key: [row]}, (row,), {key}, Colour.RED]

    def refuse(value: object) -> object:
        raise LookupError

    def encode_all() -> None:
        for value in values:
            json_encode(value, default=lambda value: [key, row])
            with pytest.raises(EncodeError):
                json_encode([value, {key: [row, leaf]}], default=refuse)

    encode_all()
    before = [sys.getrefcount(value) for value in values]
    for _ in range(100):
        encode_all()
    assert [sys.getrefcount(value) for value in values] == before
