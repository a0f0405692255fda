# ruff: noqa: UP007
"""covet.json: decoding and encoding through types, the cache, errors; without a server."""

import gc
import pickle
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypedDict, Union

import attrs
import msgspec
import pydantic
import pytest

pytest.importorskip("covet.json", reason="needs the native module", exc_type=ImportError)

import covet
from covet import ConfigurationError, Pattern
from covet import json as covet_json
from covet.json import DecodeError, Decoder, EncodeError, Encoder, ValidationError, decode, encode, schema


@dataclass(slots=True)
class Item:
    id: int
    next: "Item | None" = None


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    covet_json._by_identity.clear()
    covet_json._by_value.clear()


def test_without_a_type() -> None:
    assert decode('{"a": [1, null]}') == {"a": [1, None]}
    assert encode({"a": [1, None]}) == b'{"a":[1,null]}'


@pytest.mark.parametrize(
    "data", ['{"id": 1}', b'{"id": 1}', bytearray(b'{"id": 1}'), memoryview(b'{"id": 1}')], ids=type
)
def test_kinds_of_data(data: Any) -> None:
    assert decode(data, type=Item) == Item(1)
    assert Decoder(Item).decode(data) == Item(1)


def test_errors() -> None:
    with pytest.raises(ValidationError) as raised:
        decode(b'{"id": "x", "next": {"next": 5}}', type=Item)
    assert isinstance(raised.value, ValueError)
    assert [(each["pointer"], each["code"], each["input"]) for each in raised.value.errors] == [
        ("/id", "int", "str"),
        ("/next/next", "object", "int"),
        ("/next/id", "missing", None),
    ]
    assert "x" not in str(raised.value.errors[0])


def test_malformed() -> None:
    with pytest.raises(DecodeError) as raised:
        decode(b'{"id": 1', type=Item)
    assert raised.value.offset == 8
    with pytest.raises(DecodeError):
        decode(b"{")


@pytest.mark.parametrize("cls", [DecodeError, EncodeError, ValidationError])
def test_errors_have_the_names_they_are_imported_by(cls: type[ValueError]) -> None:
    assert (cls.__module__, cls.__qualname__) == ("covet.json", cls.__name__)
    assert getattr(covet_json, cls.__name__) is cls
    assert pickle.loads(pickle.dumps(cls("why"))).args == ("why",)


def test_what_a_traceback_says() -> None:
    with pytest.raises(ValidationError) as raised:
        decode(b'"x"', type=int)
    assert traceback.format_exception_only(raised.value) == [
        "covet.json.ValidationError: the value is not a whole number\n"
    ]


def test_forbid_unknown() -> None:
    text = b'{"id": 1, "other": 2}'
    assert decode(text, type=Item) == Item(1)
    for made in (Decoder(Item, forbid_unknown=True).decode, lambda data: decode(data, type=Item, forbid_unknown=True)):
        with pytest.raises(ValidationError) as raised:
            made(text)
        assert [(each["pointer"], each["code"]) for each in raised.value.errors] == [("/other", "unknown")]


def test_an_error_of_the_type_is_the_programs() -> None:
    for read in (lambda: Decoder(list[complex]), lambda: decode(b"1", type=complex), lambda: schema(complex)):
        with pytest.raises(ConfigurationError, match="which JSON has no form for"):
            read()
    with pytest.raises(ConfigurationError, match="is not a regular expression"):
        Decoder(Annotated[str, Pattern("(")])


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    read = list[object]()
    inner: Callable[[object], Any] = covet_json.read_type

    def counting(annotation: object, **names: Any) -> Any:
        read.append(annotation)
        return inner(annotation, **names)

    monkeypatch.setattr(covet_json, "read_type", counting)
    return read


def test_a_type_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read = count_reads(monkeypatch)
    for _ in range(3):
        decode(b'{"id": 1}', type=Item)
        decode(b"[1]", type=list[int])
        Decoder(list[int])
    assert read == [Item, list[int]]
    decode(b'{"id": 1}', type=Item, forbid_unknown=True)
    assert len(read) == 3


def test_equal_types_that_differ() -> None:
    assert decode(b'"2026-01-31T12:30:00"', type=Union[datetime, str]) == datetime(2026, 1, 31, 12, 30)
    assert decode(b'"2026-01-31T12:30:00"', type=Union[str, datetime]) == "2026-01-31T12:30:00"


def test_a_type_without_hash() -> None:
    annotation = Annotated[int, ["unhashable"]]
    assert decode(b"1", type=annotation) == 1
    assert decode(b"2", type=Annotated[int, ["unhashable"]]) == 2


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(covet_json, "_KEPT", 4)
    for number in range(20):
        decode(b"5", type=Annotated[int, number])
        gc.collect()
    assert len(covet_json._by_identity) == len(covet_json._by_value) == 4


def test_names_where_the_caller_stands() -> None:
    @dataclass
    class Outer:
        inner: "Inner"

    @dataclass
    class Inner:
        a: int

    assert decode(b'{"inner": {"a": 1}}', type=Outer) == Outer(Inner(1))
    assert decode(b'[{"inner": {"a": 1}}]', type=list["Outer"]) == [Outer(Inner(1))]
    assert Decoder(Outer).decode(b'{"inner": {"a": 1}}') == Outer(Inner(1))
    assert schema(Outer)["$defs"].keys() == {"Inner"}


class Struct(msgspec.Struct, rename="camel"):
    the_id: int
    tags: list[str] = []
    other: int | msgspec.UnsetType = msgspec.UNSET


class Model(pydantic.BaseModel):
    a: int
    at: datetime | None = None


@attrs.define
class Attrs:
    a: int
    b: list[int] = attrs.field(factory=list)
    c: int = attrs.field(default=0, converter=int)


ADAPTED: list[tuple[Any, bytes, Any]] = [
    (Struct, b'{"theId":1,"tags":["a"],"other":5}', Struct(1, ["a"], 5)),
    (Attrs, b'{"a":1,"b":[2],"c":3}', Attrs(1, [2], 3)),
    (Model, b'{"a":1,"at":null}', Model(a=1)),
]


@pytest.mark.parametrize(("cls", "text", "value"), ADAPTED, ids=lambda value: getattr(value, "__name__", ""))
def test_adapted(cls: Any, text: bytes, value: Any) -> None:
    assert decode(text, type=cls) == value
    with pytest.raises(ValidationError):
        decode(b"{}", type=cls)


@pytest.mark.parametrize(
    ("annotation", "text", "name"), [(list[Struct], '{"theId": 1}', "tags"), (list[Attrs], '{"a": 1}', "b")], ids=str
)
def test_defaults_are_new_for_each_object(annotation: Any, text: str, name: str) -> None:
    first, second = decode(f"[{text}, {text}]", type=annotation)
    assert first == second
    assert getattr(first, name) is not getattr(second, name)


def test_errors_of_pydantic_have_their_place() -> None:
    with pytest.raises(ValidationError) as raised:
        decode(b'[{"a": "x", "at": 5}]', type=list[Model])
    assert [(each["pointer"], each["code"]) for each in raised.value.errors] == [("/0/a", "value")]


class Coordinates:
    def __init__(self, x: int, y: int) -> None:
        self.x, self.y = x, y


@covet.codec(Coordinates)
class CoordinatesCodec:
    def decode(self, value: tuple[int, int]) -> Coordinates:
        if value[0] < 0:
            raise ValueError("is west of here")
        return Coordinates(*value)

    def encode(self, value: Coordinates) -> tuple[int, int]:
        return (value.x, value.y)


def test_codec() -> None:
    assert decode(b"[[1, 2]]", type=list[Coordinates])[0].y == 2
    for text, found in [(b"[[-1, 2]]", ("/0", "value")), (b'[[1, "a"]]', ("/0/1", "int"))]:
        with pytest.raises(ValidationError) as raised:
            decode(text, type=list[Coordinates])
        assert [(each["pointer"], each["code"]) for each in raised.value.errors] == [found]


@pytest.mark.parametrize(("cls", "text", "value"), ADAPTED, ids=lambda value: getattr(value, "__name__", ""))
def test_encoded(cls: Any, text: bytes, value: Any) -> None:
    assert encode(value, type=cls) == text
    assert Encoder(cls).encode(value) == text


class Partial(TypedDict):
    a: int | msgspec.UnsetType
    b: list[int] | msgspec.UnsetType
    c: int


class Bag:
    def __init__(self, **values: object) -> None:
        self.__dict__.update(values)


UNSET = msgspec.UNSET


@pytest.mark.parametrize(
    ("cls", "value", "text"),
    [
        (Struct, Struct(1), b'{"theId":1,"tags":[]}'),
        (list[Struct], [Struct(1), Struct(2, ["a"], 3)], b'[{"theId":1,"tags":[]},{"theId":2,"tags":["a"],"other":3}]'),
        (Partial, {"a": UNSET, "b": UNSET, "c": 1}, b'{"c":1}'),
        (Partial, {"a": 1, "b": [2], "c": 3}, b'{"a":1,"b":[2],"c":3}'),
    ],
    ids=str,
)
def test_unset_is_not_written(cls: Any, value: object, text: bytes) -> None:
    assert encode(value, type=cls) == text


def test_unset_is_not_written_by_attribute() -> None:
    schema_of_struct = covet_json._compiled(Struct, forbid_unknown=False, depth=1)
    bag = Bag(the_id=1, tags=[], other=UNSET)
    assert schema_of_struct.encode(bag, by_attribute=True) == b'{"theId":1,"tags":[]}'


@attrs.define
class Private:
    _a: int = attrs.field(converter=int)


def test_private_names_of_attrs() -> None:
    assert decode(b'{"a": 1}', type=Private) == Private(1)
    assert encode(Private(1), type=Private) == b'{"a":1}'
    assert covet_json._compiled(Private, forbid_unknown=False, depth=1).convert_fields([("a", "1")]) == Private(1)


def test_encoding_another_type() -> None:
    with pytest.raises(EncodeError):
        encode("a", type=int)


def test_shown() -> None:
    assert repr(Decoder(Item)) == f"Decoder({Item!r})"
