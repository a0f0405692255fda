"""JSON for programs of any kind: values to text and back, through a type or without one, and the schema of a type.

Owns the public names and the cache of compiled types; needs no server. A type is compiled at its first use, and what is
wrong with it is a ConfigurationError then.
"""

import builtins
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypedDict, TypeVar, overload

from covet._native import DecodeError, EncodeError, Schema, ValidationError, json_decode, json_encode
from covet._types.json_schema import schema_of
from covet._types.nodes import Node
from covet._types.reading import read_type
from covet._types.scope import UnresolvedName

__all__ = [
    "DecodeError",
    "Decoder",
    "EncodeError",
    "Encoder",
    "ValidationError",
    "ValidationProblem",
    "decode",
    "encode",
    "schema",
]

_T = TypeVar("_T")
_KEPT: Final = 4096
_UNTYPED: Final[Any] = object()

_lock: Final = threading.Lock()
_by_identity: Final[dict[tuple[int, bool], tuple[object, Schema]]] = {}
_by_value: Final[dict[tuple[object, str, bool], Schema]] = {}


class ValidationProblem(TypedDict):
    """One thing that is wrong with a value, in the `errors` of a ValidationError; never holds the value."""

    pointer: str
    """JSON pointer to it (RFC 6901); empty for the whole."""
    code: str
    """For programs: one of the closed table."""
    message: str
    """For people."""
    input: str | None
    """What was there: null, bool, int, float, str, array or object; None where nothing was."""


class Decoder(Generic[_T]):
    """JSON to values of one type, compiled once: `Decoder(Order).decode(data)`."""

    __slots__ = ("decode", "type")

    decode: Callable[[bytes | bytearray | memoryview | str], _T]
    """The value of a JSON text. Malformed: DecodeError; no value of the type: ValidationError."""
    type: object
    """What is decoded."""

    @overload
    def __init__(self, type: "builtins.type[_T]", *, forbid_unknown: bool = False) -> None: ...
    @overload
    def __init__(self: "Decoder[Any]", type: Any, *, forbid_unknown: bool = False) -> None: ...
    def __init__(self, type: Any, *, forbid_unknown: bool = False) -> None:
        """`forbid_unknown` refuses fields that a class does not have, where the class does not say itself.

        A type that JSON has no form for: ConfigurationError.
        """
        self.type = type
        self.decode = _compiled(type, forbid_unknown=forbid_unknown, depth=2).decode

    def __repr__(self) -> str:
        """With its type."""
        return f"Decoder({self.type!r})"


class Encoder(Generic[_T]):
    """Values of one type to JSON, compiled once: exactly the fields of the type are written."""

    __slots__ = ("encode", "type")

    encode: Callable[[_T], bytes]
    """A value as JSON. A value of another type: EncodeError."""
    type: object
    """What is encoded."""

    @overload
    def __init__(self, type: "builtins.type[_T]") -> None: ...
    @overload
    def __init__(self: "Encoder[Any]", type: Any) -> None: ...
    def __init__(self, type: Any) -> None:
        """A type that JSON has no form for: ConfigurationError."""
        self.type = type
        self.encode = _compiled(type, forbid_unknown=False, depth=2).encode

    def __repr__(self) -> str:
        """With its type."""
        return f"Encoder({self.type!r})"


def encode(value: object, *, type: Any = _UNTYPED) -> bytes:
    """`value` as JSON: every field that it has, or with `type` exactly that type's. It has no JSON: EncodeError."""
    if type is _UNTYPED:
        return json_encode(value)
    return _compiled(type, forbid_unknown=False, depth=2).encode(value)


@overload
def decode(data: bytes | bytearray | memoryview | str, *, forbid_unknown: bool = False) -> Any: ...
@overload
def decode(
    data: bytes | bytearray | memoryview | str, *, type: "builtins.type[_T]", forbid_unknown: bool = False
) -> _T: ...
@overload
def decode(data: bytes | bytearray | memoryview | str, *, type: Any, forbid_unknown: bool = False) -> Any: ...
def decode(data: bytes | bytearray | memoryview | str, *, type: Any = _UNTYPED, forbid_unknown: bool = False) -> Any:
    """The value of a JSON text: dicts and lists, or with `type` a value of that type.

    Malformed: DecodeError, with the `offset` of the byte; no value of the type: ValidationError, with all `errors`.
    `forbid_unknown` as for Decoder.
    """
    if type is _UNTYPED:
        return json_decode(data)
    return _compiled(type, forbid_unknown=forbid_unknown, depth=2).decode(data)


def schema(type: Any) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a type: of what is decoded to it and encoded from it."""
    return schema_of(_read(type, depth=2))


def _compiled(annotation: Any, *, forbid_unknown: bool, depth: int) -> Schema:
    """The compiled type, from the cache. By the object first; equal unions may differ in the order of their types."""
    known = _by_identity.get((id(annotation), forbid_unknown))
    if known is not None:
        return known[1]
    key = (annotation, repr(annotation), forbid_unknown)
    keeps = not isinstance(annotation, builtins.type)
    try:
        made = _by_value.get(key)
    except TypeError:  # an annotation with metadata that has no hash
        made, keeps = None, False
    if made is None:
        made = Schema(_read(annotation, depth=depth + 1), forbid_unknown=forbid_unknown)
        # The entry holds the annotation, so nothing else can have its id while it is there.
        _remember(_by_identity, (id(annotation), forbid_unknown), (annotation, made))
        if keeps:
            _remember(_by_value, key, made)
    return made


def _remember(cache: dict[Any, Any], key: object, made: object) -> None:
    """Keep `made`; the oldest goes where there are too many."""
    with _lock:
        while len(cache) >= _KEPT:
            del cache[next(iter(cache))]
        cache[key] = made


def _read(annotation: Any, *, depth: int) -> Node:
    """The tree of a type. Names that its module does not have are looked up where the caller stands."""
    try:
        return read_type(annotation)
    except UnresolvedName:
        frame = sys._getframe(depth)
        names: Mapping[str, Any] = frame.f_locals
        return read_type(annotation, globalns=frame.f_globals, localns=names)
