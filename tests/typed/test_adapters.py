"""msgspec, pydantic and attrs: their classes as nodes, and nothing of them where they are not imported."""

import subprocess
import sys
from datetime import datetime
from typing import Annotated, Generic, TypeVar

import attrs
import msgspec
import pydantic
import pytest

import covet
from covet import ConfigurationError, Field
from covet._types.reading import read_type
from tests.typed.shapes import build, fields, shape

T = TypeVar("T")


class Item(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A Struct."""

    item_id: Annotated[int, msgspec.Meta(gt=0, le=9)]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=5, pattern="^a", description="its name")] = "a"
    tags: list[str] = []
    given: int | None | msgspec.UnsetType = msgspec.UNSET
    known_as: Annotated[str, Field(alias="aka")] = ""
    at: Annotated[datetime | None, msgspec.Meta(tz=True)] = None
    other: "Item | None" = None


class Get(msgspec.Struct, tag=True):
    key: str


class Put(msgspec.Struct, tag="put", tag_field="type"):
    key: str

    def __post_init__(self) -> None: ...


class Box(msgspec.Struct, Generic[T]):
    value: T


class Row(msgspec.Struct, array_like=True):
    a: int
    b: str = "b"


def test_struct() -> None:
    node = read_type(Item)
    assert (node.build, node.post_init, node.forbid_unknown) == ("slots", False, True)
    assert (node.name, node.description) == ("Item", "A Struct.")
    assert fields(Item) == [
        ("item_id", ("int", {"gt": 0, "le": 9}), {"alias": "itemId"}),
        (
            "name",
            ("str", {"min_length": 1, "max_length": 5, "pattern": "^a"}),
            {"required": False, "default": "a", "description": "its name"},
        ),
        ("tags", ("list", {"cls": list, "item": "str"}), {"required": False, "default_factory": list}),
        (
            "given",
            ("nullable", {"inner": "int"}),
            {"required": False, "default": msgspec.UNSET, "absent": msgspec.UNSET},
        ),
        ("known_as", "str", {"required": False, "default": "", "alias": "aka"}),
        (
            "at",
            ("nullable", {"inner": ("text", {"name": "datetime", "cls": datetime, "timezone": True})}),
            {"required": False},
        ),
        ("other", ("nullable", {"inner": "<Item>"}), {"required": False}),
    ]


def test_tags() -> None:
    node = read_type(Get)
    assert (node.tag_field, node.tag) == ("type", "Get")
    union = read_type(Get | Put)
    assert (union.discriminator, union.tags) == ("type", [("Get", 0), ("put", 1)])
    assert build(Put) == "slots+"


def test_generic_struct() -> None:
    assert fields(Box[int]) == [("value", "int")]
    assert read_type(Box[int]).name == "Box[int]"


def test_array_like() -> None:
    node = read_type(Row)
    assert (node.kind, node.inner.kind) == ("custom", "any")
    assert node.decode([1, "x"]) == Row(1, "x")
    assert node.encode(Row(1)) == [1, "b"]
    with pytest.raises(ValueError, match="Expected `int`"):
        node.decode(["1"])


def test_model_is_not_for_structs_and_models() -> None:
    with pytest.raises(
        ConfigurationError, match="Get is a msgspec Struct: write `rename=` and `forbid_unknown_fields=` there"
    ):
        covet.model(rename="camel")(Get)
    with pytest.raises(ConfigurationError, match="User is a pydantic model: write `model_config` there"):
        covet.model(rename="camel")(User)


class User(pydantic.BaseModel):
    id: int
    at: datetime
    full_name: str = pydantic.Field("", alias="fullName")


class Strict(pydantic.BaseModel, strict=True):
    at: datetime


class Many(pydantic.BaseModel, Generic[T]):
    items: list[T]


@pydantic.dataclasses.dataclass
class Checked:
    a: int


def test_pydantic_model() -> None:
    node = read_type(list[User]).item
    assert (node.kind, node.cls, node.inner.kind) == ("custom", User, "any")
    user = node.decode({"id": 1, "at": "2024-01-01T00:00:00Z", "fullName": "A"})
    assert isinstance(user, User)
    assert node.encode(user) == {"id": 1, "at": "2024-01-01T00:00:00Z", "fullName": "A"}
    assert dict(node.schema) == User.model_json_schema()
    with pytest.raises(ValueError) as raised:
        node.decode({"id": "x"})
    assert [error["loc"] for error in raised.value.errors()] == [("id",), ("at",)]


def test_strict_pydantic_model_takes_json() -> None:
    assert read_type(Strict).decode({"at": "2024-01-01T00:00:00Z"}).at.year == 2024


def test_generic_pydantic_model() -> None:
    node = read_type(Many[int])
    assert node.decode({"items": ["1"]}).items == [1]


def test_pydantic_dataclass() -> None:
    node = read_type(Checked)
    assert node.decode({"a": "1"}) == Checked(1)
    assert node.encode(Checked(1)) == {"a": 1}
    assert node.schema["required"] == ["a"]


def double(value: int) -> int:
    return value * 2


def test_pydantic_metadata() -> None:
    assert shape(Annotated[int, pydantic.Field(gt=0, le=5)]) == ("int", {"gt": 0, "le": 5})
    assert shape(Annotated[str, pydantic.Field(pattern="^a", max_length=3)]) == (
        "str",
        {"max_length": 3, "pattern": "^a"},
    )
    assert shape(Annotated[int, pydantic.AfterValidator(double)]) == (
        "checked",
        {"inner": "int", "validators": [double]},
    )
    for extra, name in [
        (pydantic.BeforeValidator(double), "BeforeValidator"),
        (pydantic.PlainValidator(double), "Plain"),
    ]:
        with pytest.raises(ConfigurationError, match=f"has pydantic's {name}"):
            read_type(Annotated[int, extra])


@attrs.define
class Simple:
    a: int
    _b: str = "b"
    c: list[int] = attrs.field(factory=list)


@attrs.frozen(slots=False)
class Frozen:
    a: int


@attrs.define
class Converting:
    a: int = attrs.field(converter=int)


@attrs.define
class Validating:
    a: int = attrs.field(validator=attrs.validators.gt(0))


@attrs.define
class Hooked:
    a: int

    def __attrs_post_init__(self) -> None: ...


@attrs.define
class Made:
    a: int
    b: int = attrs.field(init=False, default=1)
    c: int = attrs.Factory(lambda self: self.a, takes_self=True)


@attrs.define(init=False)
class OwnInit:
    a: int

    def __init__(self, a: int) -> None:
        self.a = a


@covet.model(rename="camel")
@attrs.define
class AttrsBox(Generic[T]):
    the_value: T


def test_attrs() -> None:
    assert fields(Simple) == [
        ("a", "int"),
        ("_b", "str", {"required": False, "default": "b", "keyword": "b", "alias": "b"}),
        ("c", ("list", {"cls": list, "item": "int"}), {"required": False, "default_factory": list}),
    ]
    assert fields(AttrsBox[int]) == [("the_value", "int", {"alias": "theValue"})]
    assert [each[2]["required"] for each in fields(Made)[1:]] == [False, False]
    assert fields(Made)[1] == ("b", "int", {"required": False, "default": 1, "init": False})


@pytest.mark.parametrize(
    ("cls", "expected"),
    [
        (Simple, "slots"),
        (Frozen, "attributes"),
        (Converting, "call"),
        (Validating, "call"),
        (Hooked, "call"),
        (Made, "call"),
        (OwnInit, "call"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_build_of_attrs(cls: type, expected: str) -> None:
    assert build(cls) == expected


def test_nothing_is_imported() -> None:
    program = (
        "import sys; from dataclasses import make_dataclass; from covet._types.reading import read_type;"
        "read_type(make_dataclass('A', [('a', int)]));"
        "print([name for name in ('msgspec', 'pydantic', 'attr', 'annotated_types', 'covet._native') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_modules_of_rare_types_are_not_imported_and_their_types_are_known() -> None:
    program = (
        "import sys; before = set(sys.modules); import covet._pattern; from covet._types.reading import read_type;"
        "read_type(int); rare = {'difflib', 'glob', 'ipaddress', 'json', 'pathlib', 'uuid'};"
        "print(sorted(rare & (set(sys.modules) - before)));"
        "import ipaddress, pathlib, uuid;"
        "print(*(read_type(cls).name for cls in (uuid.UUID, pathlib.Path, ipaddress.IPv4Address, ipaddress.IPv6Interface)))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\nuuid path ipv4 ipv6_interface\n"
