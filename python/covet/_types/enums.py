"""Enum classes and Literal: closed lists of values.

Owns which values they may have on the wire: str, int, bool and None.
"""

import enum
from typing import Any

from covet._types.nodes import EnumNode
from covet._types.scope import shown
from covet.errors import ConfigurationError


def read_enum(cls: type[enum.Enum]) -> EnumNode:
    """An Enum by its members' values; a Flag by any int that its members make."""
    if issubclass(cls, enum.Flag):
        return EnumNode(cls, [(member.value, member) for member in cls], is_flag=True)
    members = [(_wire(member.value), member) for member in cls]
    for value, member in members:
        if not _holds(value):
            raise ConfigurationError(
                f"is the enum {cls.__qualname__} whose {member.name} is {member.value!r}: "
                f"give it a str, int, bool or None, or register a codec with @covet.codec({cls.__qualname__})"
            )
    if not members:
        raise ConfigurationError(f"is the enum {cls.__qualname__}, which has no members: give it some")
    return EnumNode(cls, list(members))


def read_literal(annotation: object, values: tuple[object, ...]) -> EnumNode:
    """A Literal by its values; a member of an Enum by its value."""
    members = list[tuple[object, object]]()
    seen = set[tuple[type[Any], object]]()
    for value in values:
        wire = _wire(value.value if isinstance(value, enum.Enum) else value)
        if not _holds(wire):
            raise ConfigurationError(
                f"is {shown(annotation)}: JSON cannot tell {value!r}; its values may be str, int, bool, None "
                f"and members of an Enum"
            )
        if (type(wire), wire) in seen:
            raise ConfigurationError(f"is {shown(annotation)}: two of its values are written {wire!r}; keep one")
        seen.add((type(wire), wire))
        members.append((wire, value))
    return EnumNode(None, members)


def _wire(value: object) -> object:
    """The value without a subclass of str or int around it."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return int.__int__(value)
    return value


def _holds(value: object) -> bool:
    return value is None or isinstance(value, (str, int))
