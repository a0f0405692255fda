"""Strategies over the types that are supported: an annotation, the values that it has, and which peers mean the same by it.

The values are those that are written and read back to themselves; what a decoder refuses is made elsewhere.
"""

import dataclasses
import enum
import itertools
import sys
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Network
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, Optional, TypedDict, Union, get_args, get_origin
from uuid import UUID

import attrs
import msgspec
from hypothesis import strategies as st

from covet import Ge, Le, MaxLen

BOTH = frozenset({"msgspec", "pydantic"})
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
NAMES = itertools.count()


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


@dataclass(frozen=True)
class Kind:
    """A type. Its peers are the packages that decode what is written of it to the same value."""

    annotation: Any
    values: st.SearchStrategy[Any]
    shape: str
    """What JSON makes of it, by which a union tells its types."""
    peers: frozenset[str] = BOTH
    is_hashable: bool = True

    def __repr__(self) -> str:
        return str(self.annotation)


PLAIN = [
    Kind(None, st.none(), "null"),
    Kind(bool, st.booleans(), "bool"),
    Kind(int, st.integers(), "number"),
    Kind(float, FLOATS, "number"),
    Kind(str, TEXT, "str"),
]
"""What JSON itself has."""

RICH = [
    Kind(Any, st.none() | st.booleans() | st.integers() | FLOATS | TEXT, "any"),
    Kind(bytes, st.binary(max_size=8), "str", frozenset({"msgspec"})),
    Kind(Decimal, st.decimals(allow_nan=False, allow_infinity=False), "str"),
    Kind(UUID, st.uuids(), "str"),
    Kind(datetime, st.datetimes() | st.datetimes(timezones=st.just(UTC)), "str"),
    Kind(date, st.dates(), "str"),
    Kind(time, st.times(), "str"),
    Kind(timedelta, st.timedeltas(timedelta(days=-10_000), timedelta(days=10_000)), "str"),
    Kind(IPv4Address, st.ip_addresses(v=4), "str", frozenset({"pydantic"})),
    Kind(IPv6Network, st.ip_addresses(v=6).map(IPv6Network), "str", frozenset({"pydantic"})),
    Kind(PurePosixPath, TEXT.map(lambda text: PurePosixPath(text.replace("\0", "0"))), "str", frozenset({"pydantic"})),
    Kind(Color, st.sampled_from(Color), "str"),
    Kind(Level, st.sampled_from(Level), "number"),
    Kind(Rights, st.sampled_from([Rights.READ, Rights.WRITE, Rights.READ | Rights.WRITE]), "number", frozenset()),
    Kind(Literal["a", "b"], st.sampled_from("ab"), "str"),
    # To both of them 1 is True.
    Kind(Literal[1, True, None], st.sampled_from([1, True, None]), "any", frozenset()),
    Kind(Annotated[int, Ge(0), Le(9)], st.integers(0, 9), "number"),
    Kind(Annotated[str, MaxLen(3)], TEXT.map(lambda text: text[:3]), "str"),
]
KEYS = [
    Kind(str, TEXT, "str"),
    Kind(int, st.integers(), "str"),
    Kind(UUID, st.uuids(), "str"),
    Kind(date, st.dates(), "str"),
    Kind(Color, st.sampled_from(Color), "str"),
]


# As objects that are subscripted with what is generated.
LIST: Any = list
TUPLE: Any = tuple
DICT: Any = dict
ORDERED: Any = OrderedDict
OPTIONAL: Any = Optional
UNION: Any = Union
NOT_REQUIRED: Any = NotRequired


def array(origin: Any, peers: frozenset[str] = BOTH, *, hashable: bool = False) -> Callable[[Kind], Kind]:
    """Arrays of one kind of item."""

    def of(item: Kind) -> Kind:
        annotation = origin[item.annotation, ...] if origin is tuple else origin[item.annotation]
        values = st.lists(item.values, max_size=3).map(origin)
        return Kind(annotation, values, "array", item.peers & peers, hashable and item.is_hashable)

    return of


ARRAYS = [array(LIST), array(deque, frozenset({"pydantic"})), array(TUPLE, hashable=True)]
SETS = [array(set), array(frozenset, hashable=True)]


def fixed(items: list[Kind]) -> Kind:
    annotation = TUPLE[tuple(item.annotation for item in items)]
    values = st.tuples(*(item.values for item in items))
    return Kind(annotation, values, "array", shared(items), all(item.is_hashable for item in items))


def dictionary(key: Kind, value: Kind, ordered: bool) -> Kind:
    values = st.dictionaries(key.values, value.values, max_size=3)
    if ordered:
        return Kind(ORDERED[key.annotation, value.annotation], values.map(OrderedDict), "object", frozenset(), False)
    return Kind(DICT[key.annotation, value.annotation], values, "object", value.peers, False)


def optional(inner: Kind) -> Kind:
    shape = inner.shape if inner.shape in ("any", "null") else "any"
    return Kind(OPTIONAL[inner.annotation], st.none() | inner.values, shape, inner.peers, inner.is_hashable)


def union(options: list[Kind]) -> Kind:
    """Of types that JSON tells apart; where only one is left, that one."""
    apart = list({option.shape: option for option in options if option.shape != "any"}.values())
    if len(apart) < 2:
        return options[0]
    annotation = UNION[tuple(option.annotation for option in apart)]
    values = st.one_of([option.values for option in apart])
    return Kind(annotation, values, "any", shared(apart), all(option.is_hashable for option in apart))


def shared(kinds: list[Kind]) -> frozenset[str]:
    """The peers of all."""
    return BOTH.intersection(*(kind.peers for kind in kinds))


def record(form: str, fields: list[Kind], last_has_default: bool) -> Kind:
    """A class with these fields; the last one's default is None where it takes that."""
    name = f"{form.title()}{next(NAMES)}"
    named = {f"field_{index}": field for index, field in enumerate(fields)}
    annotations = {key: field.annotation for key, field in named.items()}
    last, defaults = f"field_{len(fields) - 1}", dict[str, Any]()
    takes_null = get_origin(annotations[last]) is Union and type(None) in get_args(annotations[last])
    if last_has_default and (takes_null or annotations[last] is None):
        defaults[last] = None
    built: Any
    peers = shared(fields)
    if form in ("dataclass", "slots", "frozen"):
        made = [(key, kind, dataclasses.field(**default(defaults, key))) for key, kind in annotations.items()]
        built = dataclasses.make_dataclass(name, made, slots=form == "slots", frozen=form == "frozen")
    elif form == "named":
        built, peers = NamedTuple(name, list(annotations.items())), frozenset()
        defaults = {}
    elif form == "struct":
        built = msgspec.defstruct(
            name, [(key, kind, *default(defaults, key).values()) for key, kind in annotations.items()]
        )
        peers &= {"msgspec"}
    elif form == "attrs":
        built = attrs.make_class(
            name, {key: attrs.field(type=annotations[key], **default(defaults, key)) for key in named}
        )
        peers = frozenset()
    else:
        made_of = {key: NOT_REQUIRED[kind] if key in defaults else kind for key, kind in annotations.items()}
        built = make_typed_dict(name, made_of)
        peers = peers if sys.version_info >= (3, 12) else peers - {"pydantic"}
    built.__module__ = __name__
    values = {key: field.values for key, field in named.items()}
    absent = {key: values.pop(key) for key in list(defaults)}
    every = st.fixed_dictionaries(values, optional=absent)
    return Kind(built, every.map(lambda given: built(**given)), "object", peers, False)


make_typed_dict: Any = TypedDict


def default(defaults: dict[str, Any], key: str) -> dict[str, Any]:
    """The keyword of a default, where there is one."""
    return {"default": defaults[key]} if key in defaults else {}


def larger(below: st.SearchStrategy[Kind]) -> st.SearchStrategy[Kind]:
    """Types of which `below` are parts."""
    forms = st.sampled_from(["dataclass", "slots", "frozen", "typeddict", "named", "struct", "attrs"])
    some = st.lists(below, min_size=1, max_size=4)
    return st.one_of(
        st.builds(lambda make, item: make(item), st.sampled_from(ARRAYS), below),
        st.builds(lambda make, item: make(item), st.sampled_from(SETS), below.filter(lambda kind: kind.is_hashable)),
        st.builds(fixed, some),
        st.builds(dictionary, st.sampled_from(KEYS), below, st.booleans()),
        st.builds(optional, below),
        st.builds(union, some),
        st.builds(record, forms, some, st.booleans()),
        st.builds(record, forms, some, st.booleans()),
    )


KINDS = st.recursive(st.sampled_from(PLAIN + RICH), larger, max_leaves=6)
"""Every type, nested."""


def plainer(below: st.SearchStrategy[Kind]) -> st.SearchStrategy[Kind]:
    """As `larger`, of what the peers refuse by the same rules."""
    some = st.lists(below, min_size=1, max_size=3)
    return st.one_of(
        st.builds(ARRAYS[0], below),
        st.builds(lambda value: dictionary(KEYS[0], value, False), below),
        st.builds(optional, below),
        st.builds(record, st.sampled_from(["dataclass", "slots"]), some, st.booleans()),
    )


PLAIN_KINDS = st.recursive(st.sampled_from(PLAIN), plainer, max_leaves=5)
"""What JSON has, in lists, dicts and dataclasses."""
