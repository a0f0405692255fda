# ruff: noqa: UP006, UP007, UP035, UP044, F821, PIE796
"""Annotations to nodes: every type that needs no class of its own, and what cannot be read."""

import collections
import enum
import typing
from collections import abc
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from pathlib import Path, PurePath, PurePosixPath
from typing import Annotated, Any, Dict, ForwardRef, List, Literal, NewType, Optional, Tuple, TypeVar, Union
from uuid import UUID

import pytest

from covet import ConfigurationError
from covet._types.nodes import AnyNode, ListNode, NullableNode, UnionNode
from covet._types.reading import read_type
from covet._types.scope import UnresolvedName
from tests.typed.shapes import shape


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"
    CRIMSON = "red"


class Level(enum.IntEnum):
    LOW = 1


class Mood(enum.StrEnum):
    GOOD = "good"


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Mixed(enum.Enum):
    NOTHING = None
    YES = True


UserId = NewType("UserId", int)
Bound = TypeVar("Bound", bound=int)
Constrained = TypeVar("Constrained", int, str)
Free = TypeVar("Free")

TYPES: list[tuple[object, object]] = [
    (None, "none"),
    (type(None), "none"),
    (bool, "bool"),
    (int, "int"),
    (float, "float"),
    (str, "str"),
    (bytes, "bytes"),
    (bytearray, ("bytes", {"cls": bytearray})),
    (Any, "any"),
    (object, "any"),
    *(
        (cls, ("text", {"name": name, "cls": cls}))
        for cls, name in [
            (Decimal, "decimal"),
            (UUID, "uuid"),
            (datetime, "datetime"),
            (date, "date"),
            (time, "time"),
            (timedelta, "timedelta"),
            (IPv4Address, "ipv4"),
            (IPv6Address, "ipv6"),
            (IPv4Network, "ipv4_network"),
            (IPv6Network, "ipv6_network"),
            (IPv4Interface, "ipv4_interface"),
            (IPv6Interface, "ipv6_interface"),
            (Path, "path"),
            (PurePath, "path"),
            (PurePosixPath, "path"),
        ]
    ),
    (Color, ("enum", {"cls": Color, "members": [("red", Color.RED), ("blue", Color.BLUE)]})),
    (Level, ("enum", {"cls": Level, "members": [(1, Level.LOW)]})),
    (Mood, ("enum", {"cls": Mood, "members": [("good", Mood.GOOD)]})),
    (Mixed, ("enum", {"cls": Mixed, "members": [(None, Mixed.NOTHING), (True, Mixed.YES)]})),
    (Rights, ("enum", {"cls": Rights, "members": [(1, Rights.READ), (2, Rights.WRITE)], "is_flag": True})),
    (Literal["a", 1, None], ("enum", {"cls": None, "members": [("a", "a"), (1, 1), (None, None)]})),
    (Literal[1, True], ("enum", {"cls": None, "members": [(1, 1), (True, True)]})),
    (Literal[Color.RED], ("enum", {"cls": None, "members": [("red", Color.RED)]})),
    (Optional[int], ("nullable", {"inner": "int"})),
    (int | None, ("nullable", {"inner": "int"})),
    (None | int, ("nullable", {"inner": "int"})),
    (int | str, ("union", {"options": ["int", "str"]})),
    (Union[str, int], ("union", {"options": ["str", "int"]})),
    (int | str | None, ("nullable", {"inner": ("union", {"options": ["int", "str"]})})),
    (Union[Annotated[int | None, "a"], str], ("nullable", {"inner": ("union", {"options": ["int", "str"]})})),
    (Union[Annotated[int | str, "a"], str, bool], ("union", {"options": ["int", "str", "bool"]})),
    (list, ("list", {"cls": list, "item": "any"})),
    (List, ("list", {"cls": list, "item": "any"})),
    (list[int], ("list", {"cls": list, "item": "int"})),
    (List[int], ("list", {"cls": list, "item": "int"})),
    (set[int], ("list", {"cls": set, "item": "int"})),
    (frozenset[str], ("list", {"cls": frozenset, "item": "str"})),
    (collections.deque[int], ("list", {"cls": collections.deque, "item": "int"})),
    (abc.Sequence[int], ("list", {"cls": list, "item": "int"})),
    (abc.MutableSequence[int], ("list", {"cls": list, "item": "int"})),
    (typing.Iterable[int], ("list", {"cls": list, "item": "int"})),
    (abc.Collection[int], ("list", {"cls": list, "item": "int"})),
    (abc.Set[int], ("list", {"cls": frozenset, "item": "int"})),
    (typing.AbstractSet[int], ("list", {"cls": frozenset, "item": "int"})),
    (abc.MutableSet[int], ("list", {"cls": set, "item": "int"})),
    (tuple, ("list", {"cls": tuple, "item": "any"})),
    (Tuple, ("list", {"cls": tuple, "item": "any"})),
    (tuple[int, ...], ("list", {"cls": tuple, "item": "int"})),
    (tuple[int, str], ("tuple", {"items": ["int", "str"]})),
    (tuple[()], ("tuple", {"items": []})),
    (Tuple[()], ("tuple", {"items": []})),
    (dict, ("dict", {"cls": dict, "key": "any", "value": "any"})),
    (dict[str, int], ("dict", {"cls": dict, "key": "str", "value": "int"})),
    (Dict[int, str], ("dict", {"cls": dict, "key": "int", "value": "str"})),
    (dict[Color, bool], ("dict", {"cls": dict, "key": shape(Color), "value": "bool"})),
    (abc.Mapping[str, int], ("dict", {"cls": dict, "key": "str", "value": "int"})),
    (abc.MutableMapping[str, int], ("dict", {"cls": dict, "key": "str", "value": "int"})),
    (collections.OrderedDict[str, int], ("dict", {"cls": collections.OrderedDict, "key": "str", "value": "int"})),
    (UserId, "int"),
    (list[UserId], ("list", {"cls": list, "item": "int"})),
    ("list[int]", ("list", {"cls": list, "item": "int"})),
    (list["int"], ("list", {"cls": list, "item": "int"})),
    (List["int"], ("list", {"cls": list, "item": "int"})),
    (Annotated[int, "a note"], "int"),
    (Annotated[list[Annotated[int, 1]], []], ("list", {"cls": list, "item": "int"})),
    (Bound, "int"),
    (Constrained, ("union", {"options": ["int", "str"]})),
    (Free, "any"),
]


@pytest.mark.parametrize(("annotation", "expected"), TYPES, ids=lambda value: str(value)[:50])
def test_type(annotation: object, expected: object) -> None:
    assert shape(annotation) == expected


class Money:
    pass


class Text(str):
    pass


class Empty(enum.Enum):
    pass


class Fractions(enum.Enum):
    HALF = 0.5


ERRORS: list[tuple[object, str]] = [
    (
        complex,
        "the type is complex, which JSON has no form for: register a codec with @covet.codec(complex), or make it a dataclass",
    ),
    (Money, "the type is Money, which JSON has no form for: register a codec with @covet.codec(Money)"),
    (Text, "the type is Text, which JSON has no form for"),
    (list[Money], "the type is Money, which JSON has no form for"),
    (5, "the type is 5, which is no type of values: write the type that the value has"),
    (typing.Callable[[int], str], "which JSON has no form for"),
    (Empty, "is the enum Empty, which has no members: give it some"),
    (
        Fractions,
        "is the enum Fractions whose HALF is 0.5: give it a str, int, bool or None, or register a codec with @covet.codec(Fractions)",
    ),
    (Literal[b"a"], "JSON cannot tell b'a'; its values may be str, int, bool, None and members of an Enum"),
    (Literal["red", Color.RED], "two of its values are written 'red'; keep one"),
    (set[list[int]], "is set[list[int]], but list has no hash: write a list instead of a set"),
    (set[tuple[dict[str, int], ...]], "but dict has no hash"),
    (frozenset[bytearray | None], "but bytearray has no hash"),
    (dict[None, int], "JSON's keys are texts; write a key that is one text, as str, int, UUID or an Enum"),
    (dict[int | str, int], "is dict[int | str, int]: JSON's keys are texts"),
    (dict[tuple[int, int], int], "JSON's keys are texts"),
    (dict[Mixed, int], "JSON's keys are texts"),
    ("1 +", "has the annotation '1 +', which cannot be evaluated: SyntaxError"),
    (typing.Required[int], "has Required[int] inside of a type: it belongs around the type of a field"),
    ([int], "is [<class 'int'>], which is no type of values: write the type that the value has, as list[int]"),
    (list[int, str], "is list[int, str], but a list takes 1 inside its brackets: write it as list[int]"),
    (dict[str], "is dict[str], but a dict takes 2 inside its brackets: write it as dict[str, int]"),
    (tuple[int, typing.Unpack[tuple[str, ...]]], "which has some items and any number of others: write a list"),
    (tuple[int, *tuple[str, ...]], "which has some items and any number of others"),
    (typing.Self, "is Self outside of a class: write the class"),
]


@pytest.mark.parametrize(("annotation", "message"), ERRORS, ids=lambda value: str(value)[:50])
def test_error(annotation: object, message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read_type(annotation)
    assert message in str(raised.value)


@pytest.mark.parametrize("annotation", ["Nowhere", List[ForwardRef("Nowhere")], "list[Nowhere]"])
def test_a_name_that_is_not_defined(annotation: object) -> None:
    with pytest.raises(UnresolvedName, match="uses the name 'Nowhere' in .* which is not defined there: define it"):
        read_type(annotation)
    assert shape(annotation, localns={"Nowhere": int}) == shape(annotation, globalns={"Nowhere": int})


def test_one_node_for_one_type() -> None:
    inner = list[int]
    node = read_type(tuple[inner, inner, int])
    assert node.items[0] is node.items[1]
    assert node.items[0].item is node.items[2]


Json = Union[None, bool, int, float, str, "list[Json]", "dict[str, Json]"]


def test_recursion_through_text() -> None:
    node = read_type(Json, globalns=globals())
    assert isinstance(node, NullableNode)
    assert isinstance(node.inner, UnionNode)
    items = node.inner.options[4]
    assert isinstance(items, ListNode)
    assert isinstance(items.item, NullableNode)
    again = items.item.inner
    assert [option.kind for option in again.options] == ["bool", "int", "float", "str", "list", "dict"]


def test_a_type_that_is_only_itself() -> None:
    with pytest.raises(ConfigurationError, match="is defined as itself: write what it holds"):
        read_type("Loop", globalns={"Loop": Union[ForwardRef("Loop"), None]})


def test_any_keys_stay_any() -> None:
    node = read_type(dict)
    assert isinstance(node.key, AnyNode)
