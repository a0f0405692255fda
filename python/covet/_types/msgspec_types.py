"""msgspec's classes, where the program has imported msgspec: Struct, Meta, UNSET.

Owns how they are said with nodes and markers. Nothing here imports the package: a Struct exists only when it is there.
"""

import sys
from collections.abc import Iterator
from typing import Any

from covet import params
from covet._types.markers import Zone
from covet._types.nodes import AnyNode, CustomNode, Node
from covet._types.objects import ClassReading, home_of


def is_struct(cls: type[Any]) -> bool:
    """Whether `cls` is a msgspec Struct."""
    msgspec = sys.modules.get("msgspec")
    return msgspec is not None and issubclass(cls, msgspec.Struct)


def unset_type() -> tuple[object, object] | None:
    """(UnsetType, UNSET), where msgspec is there."""
    msgspec = sys.modules.get("msgspec")
    return None if msgspec is None else (msgspec.UnsetType, msgspec.UNSET)


def read_array_struct(cls: type[Any]) -> Node | None:
    """A Struct with array_like=True, which msgspec itself reads and writes; None for others."""
    if not cls.__struct_config__.array_like:
        return None
    msgspec = sys.modules["msgspec"]
    return CustomNode(
        cls,
        AnyNode(),
        decode=lambda value: msgspec.convert(value, cls, builtin_types=()),
        encode=lambda value: msgspec.to_builtins(value, str_keys=True),
        schema=msgspec.json.schema(cls),
    )


def fill_struct(reading: ClassReading) -> None:
    """Fields of a Struct, which has a slot for each of them, and no `__init__` that it would call."""
    cls, node = reading.cls, reading.node
    config = cls.__struct_config__
    node.forbid_unknown = True if config.forbid_unknown_fields else node.forbid_unknown
    if config.tag is not None:
        node.tag_field, node.tag = config.tag_field, config.tag
    defaults = cls.__struct_defaults__
    first_default = len(cls.__struct_fields__) - len(defaults)
    nodefault = sys.modules["msgspec"].NODEFAULT
    for index, (name, alias) in enumerate(zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True)):
        home, annotation = home_of(cls, name, is_struct)
        made, said = reading.field(name, annotation, home)
        if said.field is None or said.field.alias is None:
            made.alias = alias
        default = defaults[index - first_default] if index >= first_default else nodefault
        made.required = default is nodefault
        if type(default).__name__ == "Factory":
            made.default_factory = default.factory
        elif default is not nodefault:
            made.default = default
        node.fields.append(made)
    node.build = "slots"
    node.post_init = hasattr(cls, "__post_init__")


def read_meta(extra: Any) -> Iterator[object]:
    """`msgspec.Meta` as covet's markers."""
    if type(extra).__name__ != "Meta":
        return
    for marker in (params.Gt, params.Ge, params.Lt, params.Le, params.MultipleOf):
        bound = getattr(extra, marker.__slots__[0])
        if bound is not None:
            yield marker(bound)
    if extra.pattern is not None:
        yield params.Pattern(extra.pattern)
    if extra.min_length is not None:
        yield params.MinLen(extra.min_length)
    if extra.max_length is not None:
        yield params.MaxLen(extra.max_length)
    if extra.tz is not None:
        yield Zone(extra.tz)
    if extra.description or extra.examples:
        yield params.Field(description=extra.description or None, examples=extra.examples or ())
