"""The types whose node depends on nothing else: None, numbers, texts, and what is written as text.

Owns the table. A subclass of one of them is not in it: only `covet.codec` could build it.
"""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from pathlib import PurePath
from types import NoneType
from typing import Any, Final
from uuid import UUID

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
    UUID: "uuid",
    datetime: "datetime",
    date: "date",
    time: "time",
    timedelta: "timedelta",
    IPv4Address: "ipv4",
    IPv6Address: "ipv6",
    IPv4Network: "ipv4_network",
    IPv6Network: "ipv6_network",
    IPv4Interface: "ipv4_interface",
    IPv6Interface: "ipv6_interface",
}


def read_scalar(annotation: Any) -> Node | None:
    """A new node of a scalar type; None for other types."""
    if annotation is not None and annotation is not Any and not isinstance(annotation, type):
        return None
    plain = _PLAIN.get(annotation)
    if plain is not None:
        return plain()
    text = _TEXTS.get(annotation)
    cls: Any = annotation
    if text is None and isinstance(cls, type) and issubclass(cls, PurePath):
        text = "path"
    return None if text is None else TextNode(text, cls)
