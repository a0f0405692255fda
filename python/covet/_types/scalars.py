"""The types whose node depends on nothing else: None, numbers, texts, and what is written as text.

Owns the tables. A subclass of one of them is not in them: only `covet.codec` could build it. A program that names a
type of `ipaddress`, `pathlib` or `uuid` has imported its module; nothing here does, for small applications need none.
"""

import sys
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from types import NoneType
from typing import Any, Final

from covet._types.nodes import (
    AnyNode,
    BoolNode,
    BytesNode,
    FloatNode,
    IntNode,
    Node,
    NoneNode,
    StrNode,
    TextName,
    TextNode,
)

_PLAIN: Final[dict[object, Callable[[], Node]]] = {
    None: NoneNode,
    NoneType: NoneNode,
    Any: AnyNode,
    object: AnyNode,
    bool: BoolNode,
    int: IntNode,
    float: FloatNode,
    str: StrNode,
    bytes: BytesNode,
    bytearray: lambda: BytesNode(cls=bytearray),
}
_TEXTS: Final[dict[object, TextName]] = {
    Decimal: "decimal",
    datetime: "datetime",
    date: "date",
    time: "time",
    timedelta: "timedelta",
}
_NAMED: Final[dict[tuple[str, str], TextName]] = {
    ("uuid", "UUID"): "uuid",
    ("ipaddress", "IPv4Address"): "ipv4",
    ("ipaddress", "IPv6Address"): "ipv6",
    ("ipaddress", "IPv4Network"): "ipv4_network",
    ("ipaddress", "IPv6Network"): "ipv6_network",
    ("ipaddress", "IPv4Interface"): "ipv4_interface",
    ("ipaddress", "IPv6Interface"): "ipv6_interface",
}
"""Texts by the module and the name of their type."""


def read_scalar(annotation: Any) -> Node | None:
    """A new node of a scalar type; None for other types."""
    if annotation is not None and annotation is not Any and not isinstance(annotation, type):
        return None
    plain = _PLAIN.get(annotation)
    if plain is not None:
        return plain()
    cls: Any = annotation
    text = _TEXTS.get(cls) or _text_by_name(cls)
    return None if text is None else TextNode(text, cls)


def _text_by_name(cls: type[Any]) -> TextName | None:
    """What a type of a module that only some programs import is written as."""
    name = (cls.__module__, cls.__qualname__)
    if name in _NAMED and cls is _loaded(*name):
        return _NAMED[name]
    paths = _loaded("pathlib", "PurePath")
    return "path" if paths is not None and issubclass(cls, paths) else None


def _loaded(module: str, name: str) -> type[Any] | None:
    """A class of a module; None where nothing has imported that."""
    return getattr(sys.modules.get(module), name, None)
