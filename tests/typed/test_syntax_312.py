"""Type parameters in their own syntax, where the interpreter has it (3.12) and has their defaults (3.13)."""

import sys
from typing import Any

import pytest

from covet import ConfigurationError
from covet._types.reading import read_type
from tests.typed.shapes import fields, shape, shape_of

pytestmark = pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax came with 3.12")

SOURCE = """
from dataclasses import dataclass
from typing import Annotated, NamedTuple, TypedDict
from covet import Field, Gt

type Id = int
type Positive = Annotated[int, Gt(0)]
type Named = Annotated[str, Field(alias="n")]
type Many[T] = list[T]
type Table[K, V] = dict[K, Many[V]]
type Json = None | bool | int | float | str | list[Json] | dict[str, Json]
type Chain[T] = tuple[T, Chain[T] | None]
type Loop = Loop | None
type Broken = list[Nowhere]

@dataclass
class Box[T]:
    value: T
    text: "list[T]"
    next: "Box[T] | None" = None

@dataclass
class Below[U](Box[Many[U]]):
    own: U | None = None
    name: Named = ""

class Page[T](TypedDict):
    items: Many[T]

class Cell[T](NamedTuple):
    value: T
"""


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    import types

    module = types.ModuleType("syntax_312")
    sys.modules[module.__name__] = module
    exec(SOURCE, vars(module))
    return vars(module)


CASES = [
    ("Id", "int"),
    ("Positive", ("int", {"gt": 0})),
    ("Many[int]", ("list", {"cls": list, "item": "int"})),
    ("Many", ("list", {"cls": list, "item": "any"})),
    ("Many[Positive] | None", ("nullable", {"inner": ("list", {"cls": list, "item": ("int", {"gt": 0})})})),
    ("Table[str, int]", ("dict", {"cls": dict, "key": "str", "value": ("list", {"cls": list, "item": "int"})})),
]


@pytest.mark.parametrize(("text", "expected"), CASES, ids=lambda value: str(value)[:40])
def test_alias(names: dict[str, Any], text: str, expected: object) -> None:
    assert shape(eval(text, names)) == expected
    assert shape(text, globalns=names) == expected


def test_recursive_alias(names: dict[str, Any]) -> None:
    node = read_type(names["Json"])
    assert [option.kind for option in node.inner.options] == ["bool", "int", "float", "str", "list", "dict"]
    assert node.inner.options[4].item is node
    assert node.inner.options[5].value is node


def test_recursive_alias_with_parameters(names: dict[str, Any]) -> None:
    node = read_type(names["Chain"][int])
    assert node.items[0].kind == "int"
    assert node.items[1].inner is node


def test_generic_classes(names: dict[str, Any]) -> None:
    assert [each[:2] for each in fields(names["Box"][int])] == [
        ("value", "int"),
        ("text", ("list", {"cls": list, "item": "int"})),
        ("next", ("nullable", {"inner": "<Box[int]>"})),
    ]
    node = read_type(names["Below"][int])
    by_name = {each.name: each for each in node.fields}
    assert shape_of(by_name["value"].node, {}) == ("list", {"cls": list, "item": "int"})
    assert by_name["next"].node.inner.name == "Box[list[int]]"
    assert by_name["name"].alias == "n"
    assert fields(names["Page"][int]) == [("items", ("list", {"cls": list, "item": "int"}))]
    assert fields(names["Cell"][int]) == [("value", "int")]


def test_errors(names: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="is defined as itself: write what it holds"):
        read_type(names["Loop"])
    with pytest.raises(ConfigurationError, match="is Broken, which uses the name 'Nowhere', which is not defined"):
        read_type(names["Broken"])


@pytest.mark.skipif(sys.version_info < (3, 13), reason="defaults of type parameters came with 3.13")
def test_defaults(names: dict[str, Any]) -> None:
    module = dict(names)
    exec("@dataclass\nclass D[T = int, U = list[T]]:\n  a: T\n  b: U", module)
    assert fields(module["D"]) == [("a", "int"), ("b", ("list", {"cls": list, "item": "int"}))]
    assert fields(module["D"][str])[0] == ("a", "str")
