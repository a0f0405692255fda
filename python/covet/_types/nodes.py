"""The tree of a type: what a value must be and how it is built. The contract with the native half.

Plain data, made by `covet._types.reading`, read by the native `Schema` and by `covet._types.json_schema`. The tree may
contain itself (recursive types): nodes are compared by identity. Every node class has a `kind` that the native half
dispatches on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

Number: TypeAlias = int | float


class Node:
    """Base of the nodes."""

    __slots__ = ()
    kind: ClassVar[str]


@dataclass(eq=False, slots=True)
class AnyNode(Node):
    """`Any` and `object`: whatever the JSON says."""

    kind: ClassVar[str] = "any"


@dataclass(eq=False, slots=True)
class NoneNode(Node):
    """`None`: JSON null."""

    kind: ClassVar[str] = "none"


@dataclass(eq=False, slots=True)
class BoolNode(Node):
    """`bool`: true and false."""

    kind: ClassVar[str] = "bool"


@dataclass(eq=False, slots=True)
class IntNode(Node):
    """`int`, of any size. Bounds are exact ints."""

    kind: ClassVar[str] = "int"
    gt: int | None = None
    ge: int | None = None
    lt: int | None = None
    le: int | None = None
    multiple_of: int | None = None


@dataclass(eq=False, slots=True)
class FloatNode(Node):
    """`float`: a JSON number, an integer too; never NaN or Infinity."""

    kind: ClassVar[str] = "float"
    gt: float | None = None
    ge: float | None = None
    lt: float | None = None
    le: float | None = None
    multiple_of: float | None = None


@dataclass(eq=False, slots=True)
class StrNode(Node):
    """`str`. Lengths count code points."""

    kind: ClassVar[str] = "str"
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    """A regular expression of Rust's `regex`, not anchored."""


@dataclass(eq=False, slots=True)
class BytesNode(Node):
    """`bytes` or `bytearray`: a JSON string of base64 (RFC 4648 section 4, padded). Lengths count bytes."""

    kind: ClassVar[str] = "bytes"
    cls: type[Any] = bytes
    min_length: int | None = None
    max_length: int | None = None


TextName: TypeAlias = Literal[
    "decimal", "uuid", "datetime", "date", "time", "timedelta", "ipv4", "ipv6", "ipv4_network", "ipv6_network",
    "ipv4_interface", "ipv6_interface", "path",
]  # fmt: skip
"""The types that are written as text."""


@dataclass(eq=False, slots=True)
class TextNode(Node):
    """A type of the standard library that JSON holds as a string (`Decimal` also as a number)."""

    kind: ClassVar[str] = "text"
    name: TextName
    cls: type[Any]
    """What is built: `Decimal`, `UUID`, `datetime`, `PurePosixPath`, ..."""
    timezone: bool | None = None
    """For datetime and time: True demands an offset, False refuses one, None takes either."""
    unix: Literal["seconds", "milliseconds"] | None = None
    """For datetime and timedelta: take a number too, in this unit, since 1970-01-01T00:00:00Z."""


@dataclass(eq=False, slots=True)
class EnumNode(Node):
    """An Enum by its members' values, a Literal by its values: str, int, bool and None."""

    kind: ClassVar[str] = "enum"
    cls: type[Any] | None
    """The Enum class; None for Literal."""
    members: list[tuple[object, object]]
    """(value on the wire, what is built). Equal texts and numbers of other types (True and 1) are told apart."""
    is_flag: bool = False
    """A Flag: any int that its members can make; `cls(int)` builds it."""


@dataclass(eq=False, slots=True)
class ListNode(Node):
    """A JSON array of equal items: list, set, frozenset, deque or variadic tuple. Lengths count items."""

    kind: ClassVar[str] = "list"
    cls: type[Any]
    """list, tuple, set, frozenset, or another class that is called with a list."""
    item: Node
    min_length: int | None = None
    max_length: int | None = None


@dataclass(eq=False, slots=True)
class TupleNode(Node):
    """`tuple[A, B]`: a JSON array of exactly these items."""

    kind: ClassVar[str] = "tuple"
    items: list[Node]


@dataclass(eq=False, slots=True)
class DictNode(Node):
    """`dict[K, V]` or another Mapping: a JSON object whose keys are read as texts of K."""

    kind: ClassVar[str] = "dict"
    cls: type[Any]
    """dict, or another class that is called with a dict."""
    key: Node
    """Read by the rules of text sources (a str, int, UUID, Enum, ...)."""
    value: Node
    min_length: int | None = None
    max_length: int | None = None


@dataclass(eq=False, slots=True)
class FieldNode:
    """One field of an object. No Node: it is only found in an ObjectNode."""

    name: str
    """The attribute, keyword or key in Python."""
    alias: str
    """The name on the wire, both ways."""
    node: Node
    required: bool = True
    default: object = None
    """The value where it is absent and not required; a list, dict or set is copied for each object."""
    default_factory: Callable[[], object] | None = None
    """Called where it is absent; wins over `default`."""
    init_only: bool = False
    """A dataclass's InitVar: passed to `__post_init__`, never stored nor encoded."""
    init: bool = True
    """False: never read from the wire (dataclass `field(init=False)`), encoded nevertheless.

    `slots` and `attributes` set its default where it is not `required`, and leave it to `__post_init__` where it is.
    """
    description: str | None = None
    examples: tuple[object, ...] = ()
    deprecated: bool = False
    keyword: str | None = None
    """What `call` passes it as, where that is not `name` (attrs takes `_x` as `x`)."""
    absent: object = None
    """Where not None: a value that stands for no field; a field that is this very object is not written (UNSET)."""


Build: TypeAlias = Literal["slots", "attributes", "call", "dict", "tuple"]
"""How the native half builds an object from its fields:

- `slots`: `cls.__new__(cls)`, then each field through its member descriptor
- `attributes`: `cls.__new__(cls)`, then each field as by `object.__setattr__`
- `call`: `cls(**fields)`, absent fields with a default left out: for classes with an `__init__` of their own
- `dict`: a plain dict (TypedDict); absent fields stay absent
- `tuple`: `tuple.__new__(cls, values)` (NamedTuple)

`slots` and `attributes` call `post_init` afterwards, where there is one. The reader chooses them only for classes whose
generated `__init__` does just that.
"""


@dataclass(eq=False, slots=True)
class ObjectNode(Node):
    """A JSON object with known fields: dataclass, TypedDict, NamedTuple, Struct, attrs class."""

    kind: ClassVar[str] = "object"
    cls: type[Any]
    name: str
    """For schemas and messages."""
    build: Build
    fields: list[FieldNode] = field(default_factory=list)
    forbid_unknown: bool | None = None
    """An unknown field is an error; None: as the route or the caller says."""
    post_init: bool = False
    """Call `self.__post_init__(*init_only fields)` after the fields were set."""
    tag_field: str | None = None
    tag: object = None
    """A constant field on the wire (msgspec's tag), checked when read, written first."""
    description: str | None = None


@dataclass(eq=False, slots=True)
class UnionNode(Node):
    """Several types. With `discriminator`: the option whose tag the field has. Else smart matching in their order.

    Smart matching: an option that the JSON type fits exactly wins over one that would convert (int over float, a
    text type over str only where it parses and comes first); among objects the first that has no errors.
    """

    kind: ClassVar[str] = "union"
    options: list[Node]
    discriminator: str | None = None
    """The wire name of the field that decides."""
    tags: list[tuple[object, int]] = field(default_factory=list)
    """(value of the discriminator, index in `options`)."""


@dataclass(eq=False, slots=True)
class NullableNode(Node):
    """`X | None`."""

    kind: ClassVar[str] = "nullable"
    inner: Node


@dataclass(eq=False, slots=True)
class CheckedNode(Node):
    """A value that must pass more: bounds on what natively has none, then validators in their order.

    A validator is called with the value and returns the value that goes on; `ValueError` and `AssertionError` are
    errors of the client (code `value`), anything else is the application's fault.
    """

    kind: ClassVar[str] = "checked"
    inner: Node
    bounds: list[tuple[Literal["gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length"], Any]] = field(
        default_factory=list
    )
    validators: list[Callable[[Any], Any]] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class CustomNode(Node):
    """A type with code of its own (`@covet.codec`, pydantic models): `inner` is read, then `decode(value)` is called.

    `decode` raises ValueError for the client's errors; one that has an `errors()` method as pydantic's gives its
    entries (`loc`, `type`, `msg`). `encode(value)` gives what is encoded by `inner`.
    """

    kind: ClassVar[str] = "custom"
    cls: type[Any]
    inner: Node
    decode: Callable[[Any], Any]
    encode: Callable[[Any], Any]
    schema: Mapping[str, Any] | None = None
    """JSON Schema of the wire form; None: that of `inner`."""
