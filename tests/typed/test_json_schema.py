"""Every schema is one by the official metaschema, and accepts and refuses what the decoder does."""

import enum
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, NotRequired, Optional, TypedDict, TypeVar, Union
from uuid import UUID

import jsonschema
import msgspec
import pydantic
import pytest

import covet
from covet import ConfigurationError, Field, Ge, Gt, Len, Lt, MaxLen, MultipleOf, Pattern, Unix
from covet._types.json_schema import SchemaWriter, schema_of
from covet._types.reading import read_type

T = TypeVar("T")
DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Color(enum.Enum):
    """Of a thing."""

    RED = "red"
    BLUE = "blue"


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


@dataclass
class Cat:
    kind: Literal["cat"]
    lives: Annotated[int, Ge(0)] = 9


@dataclass
class Dog:
    """A dog."""

    kind: Literal["dog"]
    friends: "list[Cat | Dog]" = field(default_factory=list)


@covet.model(unknown_fields="forbid", rename="camel")
@dataclass
class Order:
    """What somebody wants."""

    order_id: Annotated[int, Gt(0), Field(description="Its number.", examples=[1, 2])]
    color: Color = Color.RED
    note: Annotated[str | None, Field(deprecated=True), MaxLen(3)] = None
    seed: InitVar[int] = 0
    total: float = field(init=False, default=0.0)
    cat: Cat | None = None


@dataclass
class Tree:
    value: int
    children: list["Tree"]


@dataclass
class Box(Generic[T]):
    value: T


class Keys(TypedDict):
    a: int
    b: NotRequired[str]


class Point(NamedTuple):
    x: int
    y: int = 0


class Get(msgspec.Struct, tag="get"):
    key: str


class Put(msgspec.Struct, tag="put"):
    key: str
    value: int | msgspec.UnsetType = msgspec.UNSET


class Inner(pydantic.BaseModel):
    a: int


class Outer(pydantic.BaseModel):
    inner: Inner
    again: "Outer | None" = None


Json = Union[None, bool, int, float, str, "list[Json]", "dict[str, Json]"]

CASES: list[tuple[Any, Any, list[Any], list[Any]]] = [
    (None, {"type": "null"}, [None], [0]),
    (bool, {"type": "boolean"}, [True], [1]),
    (int, {"type": "integer"}, [1, 10**40], ["1", True, 1.5]),
    (float, {"type": "number"}, [1, 1.5], ["1", True]),
    (str, {"type": "string"}, [""], [1]),
    (bytes, {"type": "string", "contentEncoding": "base64"}, ["YQ=="], [1]),
    (
        Annotated[bytes, Len(1, 4)],
        {"type": "string", "contentEncoding": "base64", "minLength": 4, "maxLength": 8},
        ["YQ=="],
        [""],
    ),
    (Any, {}, [1, None, {}], []),
    (Decimal, {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "number"}]}, ["1.5", 1], [True]),
    (UUID, {"type": "string", "format": "uuid"}, ["123e4567-e89b-12d3-a456-426614174000"], [1]),
    (datetime, {"type": "string", "format": "date-time"}, ["2024-01-01T00:00:00Z"], [1]),
    (
        Annotated[datetime, Unix()],
        {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "number"}]},
        [1],
        [None],
    ),
    (timedelta, {"type": "string", "format": "duration"}, ["PT1S"], [1]),
    (IPv4Address, {"type": "string", "format": "ipv4"}, ["1.2.3.4"], [1]),
    (Path, {"type": "string", "format": "path"}, ["/a"], [1]),
    (
        Annotated[int, Gt(0), Lt(9), MultipleOf(2)],
        {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 9, "multipleOf": 2},
        [2],
        [0, 9, 3],
    ),
    (
        Annotated[str, Pattern("^a"), Len(1, 2)],
        {"type": "string", "minLength": 1, "maxLength": 2, "pattern": "^a"},
        ["ab"],
        ["", "b", "abc"],
    ),
    (
        Annotated[date, Ge(date(2024, 1, 1))],
        {"type": "string", "format": "date", "description": "at least 2024-01-01"},
        ["2024-01-01"],
        [1],
    ),
    (Literal["a", 1], {"enum": ["a", 1]}, ["a", 1], ["b", True]),
    (Literal["a"], {"const": "a"}, ["a"], ["b"]),
    (Rights, {"type": "integer", "minimum": 0}, [3], ["READ"]),
    (int | None, {"type": ["integer", "null"]}, [1, None], ["a"]),
    (
        Literal["a", "b"] | None,
        {"anyOf": [{"type": "string", "enum": ["a", "b"]}, {"type": "null"}]},
        ["a", None],
        ["c"],
    ),
    (
        Decimal | None,
        {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "number"}, {"type": "null"}]},
        [None, 1],
        [True],
    ),
    (Optional[Any], {}, [None, 1], []),
    (int | str, {"anyOf": [{"type": "integer"}, {"type": "string"}]}, [1, "a"], [1.5]),
    (list, {"type": "array"}, [[1, "a"]], [{}]),
    (
        Annotated[list[int], Len(1, 2)],
        {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2},
        [[1]],
        [[], ["a"], [1, 2, 3]],
    ),
    (
        tuple[int, str],
        {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2, "maxItems": 2},
        [[1, "a"]],
        [[1], ["a", 1], [1, "a", 2]],
    ),
    (tuple[()], {"type": "array", "minItems": 0, "maxItems": 0}, [[]], [[1]]),
    (dict, {"type": "object", "additionalProperties": True}, [{"a": 1}], [[]]),
    (
        Annotated[Mapping[str, int], MaxLen(1)],
        {"type": "object", "additionalProperties": {"type": "integer"}, "maxProperties": 1},
        [{"a": 1}],
        [{"a": "b"}, {"a": 1, "b": 2}],
    ),
    (
        dict[UUID, int],
        {
            "type": "object",
            "additionalProperties": {"type": "integer"},
            "propertyNames": {"type": "string", "format": "uuid"},
        },
        [{}],
        [1],
    ),
    (
        dict[Color, int],
        {"type": "object", "additionalProperties": {"type": "integer"}, "propertyNames": {"enum": ["red", "blue"]}},
        [{"red": 1}],
        [{"green": 1}],
    ),
    (dict[int, int], {"type": "object", "additionalProperties": {"type": "integer"}}, [{"1": 1}], [[]]),
    (Color, {"type": "string", "enum": ["red", "blue"], "description": "Of a thing."}, ["red"], ["green"]),
    (
        Keys,
        {
            "title": "Keys",
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "string"}},
            "required": ["a"],
        },
        [{"a": 1}, {"a": 1, "c": 2}],
        [{}, {"a": 1, "b": 2}],
    ),
    (
        Point,
        {
            "title": "Point",
            "type": "object",
            "properties": {"x": {"type": "integer"}, "y": {"type": "integer", "default": 0}},
            "required": ["x"],
        },
        [{"x": 1}],
        [[1, 2]],
    ),
    (
        Order,
        {
            "title": "Order",
            "type": "object",
            "description": "What somebody wants.",
            "properties": {
                "orderId": {"type": "integer", "exclusiveMinimum": 0, "description": "Its number.", "examples": [1, 2]},
                "color": {"$ref": "#/$defs/Color", "default": "red"},
                "note": {"type": ["string", "null"], "maxLength": 3, "deprecated": True, "default": None},
                "seed": {"type": "integer", "default": 0, "writeOnly": True},
                "total": {"type": "number", "default": 0.0, "readOnly": True},
                "cat": {"anyOf": [{"$ref": "#/$defs/Cat"}, {"type": "null"}], "default": None},
            },
            "required": ["orderId"],
            "additionalProperties": False,
            "$defs": {
                "Color": {"type": "string", "enum": ["red", "blue"], "description": "Of a thing."},
                "Cat": {
                    "title": "Cat",
                    "type": "object",
                    "properties": {"kind": {"const": "cat"}, "lives": {"type": "integer", "minimum": 0, "default": 9}},
                    "required": ["kind"],
                },
            },
        },
        [{"orderId": 1, "color": "blue", "note": None, "cat": {"kind": "cat"}}],
        [{}, {"orderId": 0}, {"orderId": 1, "x": 1}, {"orderId": 1, "note": "long"}],
    ),
    (
        Tree,
        {
            "$ref": "#/$defs/Tree",
            "$defs": {
                "Tree": {
                    "title": "Tree",
                    "type": "object",
                    "properties": {
                        "value": {"type": "integer"},
                        "children": {"type": "array", "items": {"$ref": "#/$defs/Tree"}},
                    },
                    "required": ["value", "children"],
                }
            },
        },
        [{"value": 1, "children": [{"value": 2, "children": []}]}],
        [{"value": 1, "children": [{"value": 2}]}],
    ),
    (
        Get | Put,
        {
            "oneOf": [{"$ref": "#/$defs/Get"}, {"$ref": "#/$defs/Put"}],
            "discriminator": {"propertyName": "type", "mapping": {"get": "#/$defs/Get", "put": "#/$defs/Put"}},
            "$defs": {
                "Get": {
                    "title": "Get",
                    "type": "object",
                    "properties": {"type": {"const": "get"}, "key": {"type": "string"}},
                    "required": ["type", "key"],
                },
                "Put": {
                    "title": "Put",
                    "type": "object",
                    "properties": {"type": {"const": "put"}, "key": {"type": "string"}, "value": {"type": "integer"}},
                    "required": ["type", "key"],
                },
            },
        },
        [{"type": "get", "key": "a"}, {"type": "put", "key": "a"}],
        [{"key": "a"}, {"type": "no", "key": "a"}],
    ),
]


@pytest.mark.parametrize(("annotation", "expected", "good", "bad"), CASES, ids=lambda value: str(value)[:40])
def test_schema(annotation: Any, expected: Any, good: list[Any], bad: list[Any]) -> None:
    schema = schema_of(read_type(annotation, globalns=globals()))
    assert schema == {"$schema": DIALECT, **expected}
    check(schema, good, bad)


def check(schema: Any, good: list[Any], bad: list[Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for value in good:
        assert validator.is_valid(value), value
    for value in bad:
        assert not validator.is_valid(value), value


@pytest.mark.parametrize(
    ("annotation", "good", "bad"),
    [
        (Cat | Dog, [{"kind": "dog", "friends": [{"kind": "cat"}]}], [{"kind": "fish"}, {"kind": "cat", "lives": -1}]),
        (Json, [None, [1, {"a": [True, "x"]}]], [object()]),
        (Outer, [{"inner": {"a": 1}, "again": {"inner": {"a": 2}}}], [{}, {"inner": {}}]),
        (tuple[Outer, list[Outer]], [[{"inner": {"a": 1}}, []]], [[{"inner": {}}, []]]),
        (list[Box[Box[int]]], [[{"value": {"value": 1}}]], [[{"value": {"value": "a"}}], [{"value": 1}]]),
        (list[Tree], [[{"value": 1, "children": []}]], [[{"value": 1}]]),
    ],
    ids=str,
)
def test_instances(annotation: Any, good: list[Any], bad: list[Any]) -> None:
    schema = schema_of(read_type(annotation, globalns=globals()))
    check(schema, good, [each for each in bad if type(each) is not object])


def test_names_of_definitions() -> None:
    def other() -> type:
        @dataclass
        class Cat:
            a: int

        return Cat

    schema = schema_of(read_type(tuple[Cat, other(), Box[int], Box[list[str] | None]]))
    assert list(schema["$defs"]) == ["Cat", "Cat_2", "Box_int", "Box_list_str_None"]
    assert schema["$defs"]["Box_int"]["title"] == "Box[int]"
    check(schema, [[{"kind": "cat"}, {"a": 1}, {"value": 1}, {"value": None}]], [])


def test_definitions_elsewhere() -> None:
    nodes = [read_type(Dog), read_type(Tree), read_type(Outer)]
    writer = SchemaWriter("#/components/schemas/", nodes)
    assert writer.write(nodes[0]) == {"$ref": "#/components/schemas/Dog"}
    assert writer.write(nodes[1]) == {"$ref": "#/components/schemas/Tree"}
    assert writer.write(nodes[2])["$ref"] == "#/components/schemas/Outer"
    assert set(writer.definitions) == {"Dog", "Cat", "Tree", "Outer", "Inner"}


class Cents:
    pass


@covet.codec(Cents)
class CentsCodec:
    schema = {"type": "string", "pattern": "^[0-9]+$"}

    def decode(self, value: int) -> Cents:
        return Cents()

    def encode(self, value: Cents) -> int:
        return 0


def test_schema_of_a_codec() -> None:
    assert schema_of(read_type(list[Cents]))["items"] == CentsCodec.schema


@dataclass
class Bad:
    a: Annotated[int, Field(examples=[object])]


def test_example_that_is_no_json() -> None:
    with pytest.raises(ConfigurationError, match="the field a has the example .*: write it as JSON holds it"):
        schema_of(read_type(Bad))
