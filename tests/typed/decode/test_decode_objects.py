"""Objects: every way to build one, what is absent, unknown or twice there, what code of the class raises."""

import json
from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from typing import Any, NamedTuple, TypedDict

import pytest

from covet._native import DecodeError, Schema, ValidationError
from covet._types.nodes import AnyNode, Build, FieldNode, IntNode, ListNode, ObjectNode, StrNode
from covet.errors import ConfigurationError


@dataclass
class Plain:
    """With a dict."""

    a: int
    b: str = "x"
    c: list[int] = field(default_factory=list)


@dataclass(slots=True, frozen=True)
class Slotted:
    """With slots, frozen."""

    a: int
    b: str = "x"
    c: list[int] = field(default_factory=list)


class Called:
    """With an `__init__` of its own."""

    def __init__(self, a: int, b: str = "x", c: list[int] | None = None) -> None:
        self.a = a
        self.b = b
        self.c = [] if c is None else c


class Typed(TypedDict, total=False):
    """A dict."""

    a: int
    b: str
    c: list[int]


class Named(NamedTuple):
    """A tuple."""

    a: int
    b: str
    c: list[int]


BUILDS: list[tuple[Any, Build]] = [
    (Plain, "attributes"),
    (Slotted, "slots"),
    (Slotted, "attributes"),
    (Called, "call"),
    (Typed, "dict"),
    (Named, "tuple"),
]
SHARED: list[int] = [7]


def node(cls: Any, build: Build, **more: Any) -> ObjectNode:
    """A type of three fields, one with another name on the wire."""
    fields = [
        FieldNode("a", "A", IntNode()),
        FieldNode("b", "b", StrNode(), required=False, default="x"),
        FieldNode("c", "c", ListNode(list, IntNode()), required=False, default=SHARED),
    ]
    return ObjectNode(cls, cls.__name__, build, fields, **more)


def errors(schema: Schema, data: str) -> list[tuple[str, str]]:
    """Place and code of every error."""
    with pytest.raises(ValidationError) as raised:
        schema.decode(data)
    return [(error["pointer"], error["code"]) for error in raised.value.errors]


def read(value: Any, name: str) -> Any:
    """A field, absent ones as None."""
    return value.get(name) if isinstance(value, dict) else getattr(value, name)


@pytest.mark.parametrize(("cls", "build"), BUILDS)
@pytest.mark.parametrize(
    "data",
    [
        '{"A":1,"b":"y","c":[2]}',
        ' { "A" : 1 , "b" : "y" , "c" : [ 2 ] } ',
        '{"c":[2],"b":"y","A":1}',
        '{"A":1,"z":{"A":[5]},"b":"y","c":[2],"":null}',
        '{"\\u0041":1,"b":"y","c":[2]}',
    ],
)
def test_whole_objects(cls: Any, build: Build, data: str) -> None:
    value = Schema(node(cls, build)).decode(data)
    assert isinstance(value, dict if build == "dict" else cls)
    assert (read(value, "b"), read(value, "c")) == ("y", [2])
    assert value.get("a") == 1 if isinstance(value, dict) else value.a == 1


@pytest.mark.parametrize(("cls", "build"), BUILDS)
def test_defaults(cls: Any, build: Build) -> None:
    schema = Schema(node(cls, build))
    first, second = schema.decode('{"A":1}'), schema.decode('{"A":1}')
    if build == "dict":
        assert first == {"a": 1}
        return
    assert first.b == "x"
    assert first.c is not second.c
    assert first.c is not SHARED
    assert build == "call" or first.c == SHARED


@pytest.mark.parametrize(("cls", "build"), BUILDS)
def test_every_error_is_collected(cls: Any, build: Build) -> None:
    schema = Schema(ListNode(list, node(cls, build)))
    data = '[{"b":1,"c":[1,"x",{}]},{"A":"1","b":"y"},5,{"A":1}]'
    assert errors(schema, data) == [
        ("/0/b", "str"),
        ("/0/c/1", "int"),
        ("/0/c/2", "int"),
        ("/0/A", "missing"),
        ("/1/A", "int"),
        ("/2", "object"),
    ]


@pytest.mark.parametrize(("cls", "build"), BUILDS)
@pytest.mark.parametrize(
    ("data", "offset"),
    [
        ('{"A":1,"A":2}', 7),
        ('{"A":"bad","A":2}', 11),
        ('{"A":1,"z":1,"z":2}', 13),
        ('{"A":1,"z":1,"\\u007a":2}', 13),
        ('{"A":1,"z":{"y":1,"y":2}}', 18),
    ],
)
def test_a_key_twice(cls: Any, build: Build, data: str, offset: int) -> None:
    with pytest.raises(DecodeError) as raised:
        Schema(node(cls, build)).decode(data)
    assert raised.value.offset == offset


def test_unknown_fields() -> None:
    data = '{"A":1,"z/z":[{}],"b":5}'
    expected = [("/z~1z", "unknown"), ("/b", "str")]
    assert errors(Schema(node(Plain, "attributes"), forbid_unknown=True), data) == expected
    assert errors(Schema(node(Plain, "attributes", forbid_unknown=True)), data) == expected
    assert errors(Schema(node(Plain, "attributes", forbid_unknown=False), forbid_unknown=True), data) == [("/b", "str")]


def test_at_most_100_errors() -> None:
    schema = Schema(ListNode(list, IntNode()))
    assert len(errors(schema, "[" + ",".join(['""'] * 99) + "]")) == 99
    assert len(errors(schema, "[" + ",".join(['""'] * 5000) + "]")) == 100
    nested = Schema(ListNode(list, node(Plain, "attributes")))
    found = errors(nested, "[" + ",".join(['{"A":"","b":1,"c":2}'] * 50) + "]")
    assert len(found) == 100
    assert found[99] == ("/33/A", "int")


def test_tags() -> None:
    schema = Schema(node(Plain, "attributes", tag_field="kind", tag="plain"))
    for data in ('{"kind":"plain","A":1}', '{"A":1,"kind":"plain"}', '{"A":1}'):
        assert schema.decode(data) == Plain(1, "x", [7])
    assert errors(schema, '{"A":1,"kind":"other","b":1}') == [("/kind", "discriminator"), ("/b", "str")]
    assert errors(schema, '{"A":1,"kind":{}}') == [("/kind", "discriminator")]
    with pytest.raises(DecodeError):
        schema.decode('{"kind":"plain","A":1,"kind":"plain"}')


@dataclass
class Counted:
    """With `__post_init__` and an InitVar."""

    a: int
    seed: InitVar[int] = 3
    total: int = field(init=False)

    def __post_init__(self, seed: int) -> None:
        if self.a < 0:
            raise ValueError("a is negative")
        if self.a > 100:
            raise LookupError("too much")
        self.total = self.a + seed


COUNTED = ObjectNode(
    Counted,
    "Counted",
    "attributes",
    [
        FieldNode("a", "a", IntNode()),
        FieldNode("seed", "seed", IntNode(), required=False, default=3, init_only=True),
        FieldNode("total", "total", IntNode(), init=False),
    ],
    post_init=True,
)


def test_post_init() -> None:
    schema = Schema(ListNode(list, COUNTED))
    assert schema.decode('[{"a":1},{"a":1,"seed":5,"total":99}]') == [Counted(1), Counted(1, 5)]
    with pytest.raises(ValidationError) as raised:
        schema.decode('[{"a":1},{"a":-1}]')
    assert raised.value.errors == [
        {"source": "body", "pointer": "/1", "code": "value", "message": "a is negative", "input": "object"}
    ]
    with pytest.raises(LookupError):
        schema.decode('[{"a":101}]')


@pytest.mark.parametrize(("cls", "build"), BUILDS[:2])
def test_a_default_factory(cls: Any, build: Build) -> None:
    def raising() -> list[int]:
        raise ValueError("out of lists")

    def schema(factory: Callable[[], object]) -> Schema:
        made = node(cls, build)
        made.fields[2].default_factory = factory
        return Schema(made)

    assert schema(lambda: [5]).decode('{"A":1}').c == [5]
    with pytest.raises(ValueError, match="out of lists") as raised:
        schema(raising).decode('{"A":1}')
    assert not isinstance(raised.value, ValidationError)


def test_what_a_class_of_its_own_raises() -> None:
    class Strict:
        def __init__(self, a: int) -> None:
            if a == 1:
                raise ValueError("one")
            raise TypeError("not one")

    schema = Schema(ObjectNode(Strict, "Strict", "call", [FieldNode("a", "a", AnyNode())]))
    assert errors(schema, '{"a":1}') == [("", "value")]
    with pytest.raises(TypeError):
        schema.decode('{"a":2}')


def test_an_instance_is_as_one_made_by_its_class() -> None:
    schema = Schema(node(Plain, "attributes"))
    for _ in range(100):
        made, own = schema.decode('{"b":"y","c":[2],"A":1}'), Plain(1, "y", [2])
        assert list(vars(made).items()) == list(vars(own).items())
        made.extra = 5
        del made.a
        assert vars(made) == {"b": "y", "c": [2], "extra": 5}
    for count in (1, 5, 6, 7, 24, 25, 29, 30, 31, 40):
        names = [f"f{number}" for number in range(count)]
        many = type("Many", (), {})
        fields = [FieldNode(name, name, IntNode()) for name in names]
        data = "{" + ",".join(f'"{name}":{number}' for number, name in enumerate(reversed(names))) + "}"
        value = Schema(ObjectNode(many, "Many", "attributes", fields)).decode(data)
        assert list(vars(value)) == names
        assert [getattr(value, name) for name in names] == list(reversed(range(count)))


def test_classes_that_hold_attributes_in_other_ways() -> None:
    class Guarded:
        """A property stands where a field is named."""

        def __init__(self) -> None:
            self._a = 0

        @property
        def a(self) -> int:
            return self._a

        @a.setter
        def a(self, value: int) -> None:
            self._a = value * 2

    class Late:
        """`__del__` must see whole instances only."""

        a: int

        def __del__(self) -> None:
            assert isinstance(self.a, int)

    class Weak:
        """Slots and a dict."""

        __slots__ = ("__dict__", "__weakref__", "a")

    for cls, expected in ((Guarded, 10), (Late, 5), (Weak, 5), (type("Child", (Guarded,), {}), 10)):
        schema = Schema(ObjectNode(cls, "X", "attributes", [FieldNode("a", "a", IntNode())]))
        assert schema.decode('{"a":5}').a == expected


@pytest.mark.parametrize(
    "options", [{}, {"frozen": True}, {"gc": False}, {"weakref": True, "cache_hash": True, "frozen": True}]
)
def test_structs_of_msgspec(options: dict[str, bool]) -> None:
    msgspec = pytest.importorskip("msgspec")
    cls = msgspec.defstruct("S", [("a", int), ("b", str, "x"), ("c", list[int], [])], **options)
    schema = Schema(node(cls, "slots"))
    for _ in range(100):
        value = schema.decode('{"A":1,"c":[5]}')
        assert value == cls(1, "x", [5])
        assert msgspec.to_builtins(value) == {"a": 1, "b": "x", "c": [5]}
    assert errors(schema, '{"A":""}') == [("/A", "int")]


def test_what_cannot_be_compiled() -> None:
    twice = [FieldNode("a", "x", IntNode()), FieldNode("b", "x", IntNode())]
    with pytest.raises(ConfigurationError, match='"x"'):
        Schema(ObjectNode(Plain, "Plain", "attributes", twice))
    with pytest.raises(TypeError, match="slot"):
        Schema(ObjectNode(Plain, "Plain", "slots", [FieldNode("a", "a", IntNode())]))


def test_aliases_that_need_escapes_or_are_long() -> None:
    for alias in ('a"b', "a\\b", "a\nb", "é", "k" * 100, "", "fourteen_bytes", "thirteen_byte"):
        schema = Schema(ObjectNode(dict, "X", "dict", [FieldNode("a", alias, IntNode())]))
        for ascii_only in (True, False):
            assert schema.decode(json.dumps({alias: 1}, ensure_ascii=ascii_only)) == {"a": 1}


@pytest.mark.parametrize("first", ["1", "{}", "1,1"])
def test_at_most_a_hundred_errors_although_one_object_lacks_several(first: str) -> None:
    fields = [FieldNode(name, name, IntNode()) for name in "abc"]
    schema = Schema(ListNode(list, ObjectNode(Plain, "Plain", "attributes", fields)))
    with pytest.raises(ValidationError) as raised:
        schema.decode(f"[{first},{','.join(['{}'] * 60)}]")
    assert len(raised.value.errors) == 100
