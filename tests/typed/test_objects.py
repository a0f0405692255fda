# ruff: noqa: UP006, UP007, UP035, F821
"""Classes with fields: dataclasses, TypedDict, NamedTuple, generics, recursion, @model; and how each is built."""

import abc
import collections
import dataclasses
import sys
import types
from dataclasses import InitVar, dataclass, field
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    Generic,
    Literal,
    NamedTuple,
    NotRequired,
    Optional,
    Required,
    Self,
    TypedDict,
    TypeVar,
)

import pytest
import typing_extensions

import covet
from covet import ConfigurationError, Discriminator, Field, Gt
from covet._types.nodes import ObjectNode, UnionNode
from covet._types.reading import read_type
from tests.typed.shapes import build, fields, shape

T = TypeVar("T")
U = TypeVar("U")


@dataclass
class Plain:
    """What it is."""

    id: int
    name: str = "none"
    tags: list[str] = field(default_factory=list)
    shared: ClassVar[int] = 0
    fixed: Final[int] = 3


def test_dataclass() -> None:
    node = read_type(Plain)
    assert (node.cls, node.name, node.build, node.post_init) == (Plain, "Plain", "attributes", False)
    assert (node.description, node.forbid_unknown, node.tag_field) == ("What it is.", None, None)
    assert fields(Plain) == [
        ("id", "int"),
        ("name", "str", {"required": False, "default": "none"}),
        ("tags", ("list", {"cls": list, "item": "str"}), {"required": False, "default_factory": list}),
        ("fixed", "int", {"required": False, "default": 3}),
    ]


@dataclass(kw_only=True)
class Options:
    a: int = 1
    b: str
    seed: InitVar[int]
    start: InitVar[int] = 5
    total: int = field(init=False)
    count: int = field(init=False, default=7)
    listed: list[int] = field(init=False, default_factory=list)

    def __post_init__(self, seed: int, start: int) -> None:
        self.total = seed + start


def test_init_only_and_not_init() -> None:
    assert fields(Options) == [
        ("a", "int", {"required": False, "default": 1}),
        ("b", "str"),
        ("seed", "int", {"init_only": True}),
        ("start", "int", {"required": False, "default": 5, "init_only": True}),
        ("total", "int", {"init": False}),
        ("count", "int", {"required": False, "default": 7, "init": False}),
        ("listed", ("list", {"cls": list, "item": "int"}), {"required": False, "default_factory": list, "init": False}),
    ]
    assert build(Options) == "attributes+"


@dataclass
class Described:
    a: Annotated[int, Field(alias="A", description="the a", examples=[1], deprecated=True), Gt(0)]
    b: "Annotated[str, Field(alias='B')] | None" = None


def test_field_options() -> None:
    with pytest.raises(ConfigurationError, match="Described.b has Field\\(alias='B'\\) inside of a type"):
        read_type(Described)
    Described.__annotations__["b"] = Annotated["str | None", Field(alias="B")]
    options = {"description": "the a", "examples": (1,), "deprecated": True, "alias": "A"}
    assert fields(Described) == [
        ("a", ("int", {"gt": 0}), options),
        ("b", ("nullable", {"inner": "str"}), {"required": False, "alias": "B"}),
    ]


class OwnInit:
    a: int

    def __init__(self, a: int) -> None:
        self.a = a


def initialise(self: Any, a: int) -> None:
    self.a = a


class Hooked:
    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


class Made:
    def __new__(cls, *args: object, **kwargs: object) -> Self:
        return object.__new__(cls)


class Meta(type):
    def __call__(cls, *args: object, **kwargs: object) -> object:
        return super().__call__(*args, **kwargs)


class Lazy:
    def __getattr__(self, name: str) -> object:
        raise AttributeError(name)


def child(base: type, **options: Any) -> Any:
    return dataclass(**options)(type("Child", (base,), {"__annotations__": {"a": int}}))


class Undecorated(Plain):
    extra: int = 5


class PostInitLater(Plain):
    def __post_init__(self) -> None: ...


@dataclass(slots=True)
class Slots:
    a: int
    b: InitVar[int] = 0

    def __post_init__(self, b: int) -> None: ...


@dataclass(slots=True)
class SlotsBelow(Plain):
    z: int = 0


@dataclass(frozen=True)
class Frozen:
    a: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenSlots:
    a: int


@dataclass(init=False)
class InheritsPlainInit(Plain):
    more: int = 0


def exec_own_init() -> type:
    names: dict[str, Any] = {"dataclass": dataclass}
    exec("@dataclass\nclass Own:\n  a: int\n  def __init__(self, a): self.a = a", names)
    made: type = names["Own"]
    return made


BUILDS: list[tuple[type, str]] = [
    (Plain, "attributes"),
    (Frozen, "attributes"),
    (Slots, "slots+"),
    (FrozenSlots, "slots"),
    (SlotsBelow, "slots"),
    (Undecorated, "attributes"),
    (PostInitLater, "attributes"),
    (dataclass(OwnInit), "call"),
    (dataclass(init=False)(type("NoInit", (), {"__annotations__": {"a": int}, "__init__": initialise})), "call"),
    (dataclass(init=False)(type("NoInitAtAll", (), {"__annotations__": {"a": int}})), "call"),
    (InheritsPlainInit, "call"),
    (exec_own_init(), "call"),
    (child(Hooked), "call"),
    (child(Hooked, slots=True), "call"),
    (child(Made), "call"),
    (child(Lazy), "call"),
    (child(list), "call"),
    (child(ValueError), "call"),
    (Meta("ByMeta", (Frozen,), {}), "call"),
    (dataclasses.make_dataclass("Dynamic", [("a", int)]), "attributes"),
    (type("ReplacedInit", (Plain,), {"__init__": initialise}), "call"),
]


@pytest.mark.parametrize(("cls", "expected"), BUILDS, ids=lambda value: getattr(value, "__name__", value))
def test_build(cls: type, expected: str) -> None:
    assert build(cls) == expected


def test_undecorated_children_have_their_parents_fields() -> None:
    assert [each[0] for each in fields(Undecorated)] == ["id", "name", "tags", "fixed"]


class Abstract(abc.ABC):
    @abc.abstractmethod
    def area(self) -> float: ...


def test_abstract() -> None:
    with pytest.raises(ConfigurationError, match="is Child, which is abstract: write the classes that can be made"):
        read_type(child(Abstract))


class Total(TypedDict):
    """A dict."""

    a: int
    b: NotRequired[Annotated[str, Field(alias="B")]]
    c: Annotated["NotRequired[int]", Gt(0)]


class Partial(Total, total=False):
    d: Required[int]
    e: "Required[int]"
    f: int


class Read(typing_extensions.TypedDict):
    a: typing_extensions.ReadOnly[int]
    b: typing_extensions.NotRequired[typing_extensions.ReadOnly[int]]


def test_typed_dict() -> None:
    node = read_type(Partial)
    assert (node.build, node.name, read_type(Total).description) == ("dict", "Partial", "A dict.")
    optional = {"required": False}
    assert fields(Partial) == [
        ("a", "int"),
        ("b", "str", {"required": False, "alias": "B"}),
        ("c", ("int", {"gt": 0}), optional),
        ("d", "int"),
        ("e", "int"),
        ("f", "int", optional),
    ]
    assert fields(Read) == [("a", "int"), ("b", "int", optional)]


class Point(NamedTuple):
    x: int
    y: "float" = 0.5


class PointBelow(Point):
    pass


class PointOwn(Point):
    def __new__(cls, x: int, y: float = 0.0) -> "PointOwn":
        return super().__new__(cls, x, y)


def test_named_tuple() -> None:
    assert fields(Point) == [("x", "int"), ("y", "float", {"required": False, "default": 0.5})]
    assert [build(each) for each in (Point, PointBelow, PointOwn)] == ["tuple", "tuple", "call"]
    loose: Any = getattr(collections, "namedtuple")("loose", "a b", defaults=[1])
    assert fields(loose) == [("a", "any"), ("b", "any", {"required": False, "default": 1})]
    assert read_type(Point).description is None


@dataclass
class Tree:
    value: int
    children: "list[Tree]"
    parent: Optional["Tree"] = None
    same: Self | None = None


def test_recursive() -> None:
    assert shape(Tree) == (
        "object",
        {
            "cls": Tree,
            "name": "Tree",
            "build": "attributes",
            "fields": [
                ("value", "int"),
                ("children", ("list", {"cls": list, "item": "<Tree>"})),
                ("parent", ("nullable", {"inner": "<Tree>"}), {"required": False}),
                ("same", ("nullable", {"inner": "<Tree>"}), {"required": False}),
            ],
        },
    )
    node = read_type(Tree)
    assert node.fields[1].node.item is node


def test_local_classes_see_the_names_given() -> None:
    @dataclass
    class Item:
        next: "Item | None"
        other: "Other"

    @dataclass
    class Other:
        a: int

    with pytest.raises(ConfigurationError, match="^Item.*other uses the name 'Other' in 'Other'|Item.other uses"):
        read_type(Item)
    node = read_type(Item, localns=locals())
    assert node.name == "Item"
    assert node.fields[0].node.inner is node
    assert node.fields[1].node.cls is Other


@dataclass
class Shadow:
    """A field whose name is a type's: the module's name counts, as for typing."""

    T: "int"
    int: "int" = 5


def test_names_of_fields_do_not_hide_types() -> None:
    assert [each[1] for each in fields(Shadow)] == ["int", "int"]


@dataclass
class Box(Generic[T]):
    value: T
    more: "list[Box[T]]" = field(default_factory=list)


@dataclass
class Pair(Box[list[U]], Generic[T, U]):
    first: Optional[T] = None
    swapped: "Pair[U, T] | None" = None


class Page(TypedDict, Generic[T]):
    items: list[T]


class Numbered(Page[list[U]], Generic[U]):
    number: U


class Cell(NamedTuple, Generic[T]):
    value: T


@dataclass
class Ints(Box[int]):
    pass


def test_generic() -> None:
    boxed = ("list", {"cls": list, "item": "<Box[int]>"})
    assert read_type(Box[int]).name == "Box[int]"
    assert fields(Box[int])[0] == ("value", "int")
    assert shape(Box[int])[1]["fields"][1][1] == boxed
    assert fields(Box)[0] == ("value", "any")
    assert fields(Ints)[0] == ("value", "int")
    assert read_type(list[Box[str]]).item.name == "Box[str]"
    assert fields(Cell[int]) == [("value", "int")]
    assert fields(Page[str]) == [("items", ("list", {"cls": list, "item": "str"}))]
    assert fields(Numbered[int]) == [
        ("items", ("list", {"cls": list, "item": ("list", {"cls": list, "item": "int"})})),
        ("number", "int"),
    ]


def test_generic_through_bases_and_back() -> None:
    node = read_type(Pair[int, str])
    by_name = {each.name: each.node for each in node.fields}
    assert by_name["value"].item.kind == "str"
    assert by_name["more"].item.name == "Box[list[str]]"
    assert by_name["first"].inner.kind == "int"
    swapped = by_name["swapped"].inner
    assert swapped.name == "Pair[str, int]"
    assert {each.name: each.node for each in swapped.fields}["swapped"].inner is node


@dataclass
class Growing(Generic[T]):
    next: "Growing[list[T]] | None"


def test_generic_that_grows() -> None:
    with pytest.raises(ConfigurationError, match="is Growing, which holds itself with ever new arguments"):
        read_type(Growing[int])


Default = typing_extensions.TypeVar("Default", default=int)


@dataclass
class WithDefault(Generic[Default]):
    value: Default


def test_default_of_a_type_variable() -> None:
    assert fields(WithDefault) == [("value", "int")]
    assert fields(WithDefault[str]) == [("value", "str")]


@dataclass
class Cat:
    kind: Literal["cat"]


@dataclass
class Dog:
    name: str
    kind: Literal["dog", "puppy"] = "dog"
    friends: "list[Cat | Dog]" = field(default_factory=list)


@dataclass
class Fish:
    kind: str


@dataclass
class Second:
    kind: Literal["cat"]


def test_a_shared_literal_decides() -> None:
    node = read_type(Cat | Dog)
    assert (node.discriminator, node.tags) == ("kind", [("cat", 0), ("dog", 1), ("puppy", 1)])
    inner = node.options[1].fields[2].node.item
    assert isinstance(inner, UnionNode)
    assert inner.discriminator == "kind"
    assert read_type(Optional[Cat | Dog]).inner.discriminator == "kind"
    assert read_type(Annotated[Cat | Dog, Discriminator("kind")]).tags == node.tags


@pytest.mark.parametrize("annotation", [Cat | Fish, Cat | int, Cat | Second, Cat | list[Dog]], ids=str)
def test_nothing_decides(annotation: object) -> None:
    node = read_type(annotation)
    assert (node.discriminator, node.tags) == (None, [])


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (Annotated[Cat | Fish, Discriminator("kind")], "but Fish has no Literal field of that name on the wire"),
        (Annotated[Cat | Dog, Discriminator("type")], 'write `type: Literal["..."]` there'),
        (Annotated[Cat | Second, Discriminator("kind")], "but Cat and Second both say 'cat': give each its own"),
        (Annotated[Cat | int, Discriminator("kind")], "but one of its types has no fields"),
    ],
    ids=str,
)
def test_discriminator_that_does_not_fit(annotation: object, message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read_type(annotation)
    assert message in str(raised.value)


@covet.model(rename="camel", unknown_fields="forbid")
@dataclass
class Renamed:
    first_name: int
    _private_one: int
    known_as: Annotated[int, Field(alias="aka")]


@dataclass
class RenamedBelow(Renamed):
    last_name: int


def test_model() -> None:
    node = read_type(Renamed)
    assert node.forbid_unknown is True
    assert [each.alias for each in node.fields] == ["firstName", "_privateOne", "aka"]
    below = read_type(RenamedBelow)
    assert (below.forbid_unknown, below.fields[-1].alias) == (True, "lastName")
    again = covet.model(unknown_fields="ignore")(dataclass(type("Again", (Renamed,), {})))
    assert (read_type(again).forbid_unknown, read_type(again).fields[0].alias) == (False, "first_name")


@pytest.mark.parametrize(
    ("style", "names"),
    [
        ("camel", ["userId", "url", "_x", "aB2C", "httpURL"]),
        ("pascal", ["UserId", "Url", "_X", "AB2C", "HttpURL"]),
        ("kebab", ["user-id", "url", "_x", "a-b2-c", "http-URL"]),
        ("snake", ["user_id", "url", "_x", "a_b2_c", "http_url"]),
        ("upper", ["USER_ID", "URL", "_X", "A_B2_C", "HTTP_URL"]),
        ("lower", ["user_id", "url", "_x", "a_b2_c", "http_url"]),
    ],
)
def test_rename_styles(style: Any, names: list[str]) -> None:
    cls = covet.model(rename=style)(
        dataclasses.make_dataclass("Any", [(name, int) for name in ("user_id", "url", "_x", "a_b2_c", "http_URL")])
    )
    assert [each.alias for each in read_type(cls).fields] == names


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: covet.model(rename="train"),
            "model has rename='train': write one of camel, pascal, kebab, snake, upper",
        ),
        (lambda: covet.model(unknown_fields="drop"), 'model has unknown_fields=\'drop\': write "ignore" or "forbid"'),
        (
            lambda: read_type(covet.model(rename="lower")(dataclasses.make_dataclass("Two", [("a", int), ("A", int)]))),
            "Two has a and A both written 'a': give one another alias",
        ),
    ],
)
def test_model_that_is_wrong(make: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        make()
    assert message in str(raised.value)


class Money:
    def __init__(self, cents: int) -> None:
        self.cents = cents


@covet.codec(Money)
class MoneyCodec:
    schema = {"type": "string", "pattern": "^[0-9]+$"}

    def decode(self, value: "str") -> Money:
        return Money(int(value))

    def encode(self, value: Money) -> str:
        return str(value.cents)


def test_codec() -> None:
    node = read_type(list[Money]).item
    assert (node.kind, node.cls, node.inner.kind, node.schema) == ("custom", Money, "str", MoneyCodec.schema)
    assert node.encode(node.decode("5")) == "5"


class NoHint:
    pass


def test_codec_that_is_wrong() -> None:
    with pytest.raises(ConfigurationError, match="codec is for 5, which is no class: write @codec\\(MyClass\\)"):
        covet.codec(5)
    with pytest.raises(ConfigurationError, match="Money has a codec already, MoneyCodec: keep one"):
        covet.codec(Money)(MoneyCodec)
    with pytest.raises(ConfigurationError, match="the codec of NoHint has no decode: write"):
        covet.codec(NoHint)(NoHint)
    covet.codec(NoHint)(type("Loose", (), {"decode": lambda self, value: value, "encode": lambda self, value: value}))
    with pytest.raises(
        ConfigurationError, match="is NoHint, whose codec does not say what it reads: annotate the parameter"
    ):
        read_type(NoHint)


@dataclass
class Order:
    items: list[complex]


@dataclass
class Basket:
    orders: "list[Order]"


def test_errors_say_where() -> None:
    with pytest.raises(ConfigurationError, match="^Order.items is complex, which JSON has no form for"):
        read_type(dict[str, Basket])


def test_many_classes_in_a_row() -> None:
    cls: type = int
    for number in range(2000):
        cls = dataclasses.make_dataclass(f"C{number}", [("a", cls)])
    node = read_type(cls)
    assert isinstance(node, ObjectNode)
    assert node.name == "C1999"


FUTURE = """
from __future__ import annotations
import datetime
from dataclasses import dataclass, field, InitVar, KW_ONLY
from typing import Annotated, ClassVar, Generic, Literal, NamedTuple, NotRequired, Required, TypedDict, TypeVar
from covet import Field, Gt

T = TypeVar("T")

@dataclass
class Data(Generic[T]):
    date: datetime.date
    kind: Literal["int", "Nowhere"]
    _: KW_ONLY
    value: Annotated[T, Field(alias="v")]
    shared: ClassVar[int] = 0
    seed: InitVar[int] = 0
    next: Data[T] | None = None
    def __post_init__(self, seed: int) -> None: ...

class Keys(TypedDict, total=False):
    a: Required[int]
    b: NotRequired[Annotated[int, Gt(0)]]
    c: str

class More(Keys):
    d: int
    e: NotRequired[Keys]

class Named(NamedTuple):
    a: int
    b: Data[int] | None = None
"""


def test_annotations_that_are_all_text() -> None:
    names = module("future_annotations", FUTURE)
    by_name = {each.name: each for each in read_type(names["Data"][int]).fields}
    assert list(by_name) == ["date", "kind", "value", "seed", "next"]
    assert by_name["date"].node.name == "date"
    assert [value for value, _ in by_name["kind"].node.members] == ["int", "Nowhere"]
    assert (by_name["value"].node.kind, by_name["value"].alias) == ("int", "v")
    assert by_name["seed"].init_only
    assert by_name["next"].node.inner.name == "Data[int]"
    assert build(names["Data"]) == "attributes+"
    assert [(each.name, each.required, each.node.kind) for each in read_type(names["More"]).fields] == [
        ("a", True, "int"),
        ("b", False, "int"),
        ("c", False, "str"),
        ("d", True, "int"),
        ("e", False, "object"),
    ]
    assert [each.node.kind for each in read_type(names["Named"]).fields] == ["int", "nullable"]


def module(name: str, source: str) -> dict[str, Any]:
    made = types.ModuleType(name)
    sys.modules[name] = made
    exec(source, vars(made))
    return vars(made)


def test_a_typed_dict_is_read_in_the_modules_of_its_parents() -> None:
    module(
        "far_away", "from typing import TypedDict\nThing = int\nclass Far(TypedDict):\n  a: 'Thing'\n  b: 'list[Thing]'"
    )
    near = module("near", "from far_away import Far\nThing = str\nclass Near(Far):\n  c: 'Thing'")
    assert [each.node.kind for each in read_type(near["Near"]).fields] == ["int", "list", "str"]
    assert read_type(near["Near"]).fields[1].node.item.kind == "int"
