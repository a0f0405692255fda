"""What must hold whatever the bytes are: a value or the documented error; what is accepted is JSON and is written back.

The first byte chooses a type, the rest is the text. Needs nothing beside covet, so that the fuzzer has an environment
of its own.
"""

import enum
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Network
from pathlib import PurePosixPath
from typing import Annotated, Any, Final, Literal, NamedTuple, NotRequired, Optional, TypedDict, Union
from urllib.parse import parse_qsl
from uuid import UUID

from covet import Ge, Len, MultipleOf, Pattern, Unix
from covet._native import DecodeError, EncodeError, Schema, ValidationError, json_decode
from covet._types.reading import read_type

CODES: Final = frozenset(
    (
        "missing unknown repeated null bool int float str bytes decimal uuid datetime date time timedelta ip path "
        "choice array object length gt ge lt le multiple_of min_length max_length pattern discriminator union key "
        "value malformed depth digits duplicate encoding"
    ).split()
)
KINDS: Final = frozenset({"null", "bool", "int", "float", "str", "array", "object", None})


class Color(enum.Enum):
    """By text and number."""

    RED = "red"
    ONE = 1


class Rights(enum.Flag):
    """A sum."""

    READ = 1
    WRITE = 2


@dataclass
class Scalars:
    """What JSON has."""

    number: int
    text: str
    share: float = 0.5
    yes: bool | None = None
    extra: Any = None


@dataclass(slots=True)
class Tree:
    """Holds itself."""

    name: str
    children: "list[Tree]" = field(default_factory=list)
    left: "Tree | None" = None


@dataclass(frozen=True)
class Cat:
    """Told by its kind."""

    kind: Literal["cat"]
    lives: int = 9


@dataclass
class Dog:
    """Told by its kind."""

    kind: Literal["dog"]
    friends: "list[Cat | Dog]" = field(default_factory=list)


class Movie(TypedDict):
    """A dict."""

    title: str
    year: NotRequired[int]


class Point(NamedTuple):
    """A tuple."""

    x: int
    y: float = 0.0


@dataclass
class Strict:
    """Whose own code refuses."""

    a: Annotated[int, abs]
    b: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuse some."""
        if self.a > 5:
            raise ValueError("is too large")


TYPES: Final[list[Any]] = [
    Any,
    Scalars,
    list[Scalars],
    Tree,
    Cat | Dog,
    Union[Tree, Scalars, dict[str, int], list[int], int, str, None],
    dict[int, dict[str, float]],
    dict[UUID, bool],
    set[tuple[int, str]],
    tuple[bytes, Decimal, UUID, Color, Rights],
    deque[Literal["a", 1, True, None]],
    Movie,
    Point,
    list[datetime | date | time | timedelta],
    tuple[Annotated[datetime, Unix()], Annotated[timedelta, Unix("milliseconds")]],
    dict[PurePosixPath, IPv4Address | IPv6Network],
    dict[Annotated[str, Len(1, 5), Pattern("^[a-z]")], Annotated[int, Ge(0), MultipleOf(5)]],
    Strict,
    Optional[frozenset[int]],
]
COMPILED: Final = [Schema(read_type(each), forbid_unknown=number % 2 == 1) for number, each in enumerate(TYPES)]


def check(data: bytes) -> None:
    """Raise where a claim does not hold."""
    if not data:
        return
    place = (data[0] - ord("A")) % len(TYPES)
    schema, text = COMPILED[place], data[1:]
    untyped = read_untyped(text)
    try:
        value = schema.decode(text)
    except DecodeError as error:
        assert 0 <= error.offset <= len(text), error.offset
        assert untyped is None, "what is JSON without a type is JSON"
    except ValidationError as error:
        well_said(error)
    else:
        assert untyped is not None, "what is no JSON has no value"
        if TYPES[place] is not Strict:
            written_back(schema, value)
    texts(schema, text)


def written_back(schema: Schema, value: object) -> None:
    """What is written of the value is read as it; only a default can have made it too deep."""
    try:
        written = schema.encode(value)
    except EncodeError as error:
        assert "nested deeper" in str(error), error
        return
    again = schema.decode(written)
    assert again == value, (value, again)


def read_untyped(text: bytes) -> list[Any] | None:
    """The value without a type, in a list, which the standard library must agree with; None where it is refused."""
    try:
        value = json_decode(text)
    except DecodeError as error:
        assert 0 <= error.offset <= len(text), error.offset
        return None
    assert json.loads(text) == value
    return [value]


def texts(schema: Schema, data: bytes) -> None:
    """The same as a text of a query, as several, and as named ones."""
    text = data.decode("utf-8", "replace")
    calls: list[Callable[[], object]] = [
        lambda: schema.convert(text),
        lambda: schema.convert_many(text.split(",")),
        lambda: schema.convert_fields(parse_qsl(text)),
    ]
    for call in calls:
        try:
            call()
        except ValidationError as error:
            well_said(error)


def well_said(error: ValidationError) -> None:
    """The errors are in the documented form."""
    assert 0 < len(error.errors) <= 100
    for problem in error.errors:
        assert problem["code"] in CODES
        assert problem["input"] in KINDS
        assert problem["message"]
        assert not problem["pointer"] or problem["pointer"].startswith("/")
