"""What all objects with fields share: names on the wire, options of a field, type variables, docstrings.

Owns the way from a class and its fields to an ObjectNode; which fields a class has is known by the file of its kind.
"""

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from covet import params
from covet._types.nodes import (
    CheckedNode,
    DictNode,
    EnumNode,
    FieldNode,
    ListNode,
    Node,
    NullableNode,
    ObjectNode,
    TupleNode,
    UnionNode,
)
from covet._types.scope import Scope, own_annotations
from covet._types.walking import Pending
from covet.errors import ConfigurationError
from covet.models import ModelOptions, options_of, renamed


@dataclass(slots=True)
class FieldReading:
    """A field's annotation, read."""

    node: Node
    field: params.Field | None
    """Its `Field(...)`."""
    qualifiers: frozenset[str]
    """Of Required, NotRequired, ReadOnly, Final, ClassVar and InitVar those that stand around it."""
    unset: object = None
    """msgspec.UNSET, where the annotation has UnsetType beside other types."""


class ReadsFields(Protocol):
    """What reads the fields of a class."""

    def read(self, annotation: object, scope: Scope) -> Node:
        """The node of `annotation`, which stands in `scope`."""
        ...

    def read_field(self, annotation: object, scope: Scope, place: str) -> FieldReading:
        """The annotation of the field `place`, as `Order.id`."""
        ...

    def later(self, check: Callable[[], None]) -> None:
        """Run `check` when the whole tree is there."""
        ...


@dataclass(slots=True)
class ClassReading:
    """A class whose fields are being read."""

    reads: ReadsFields
    cls: type[Any]
    node: ObjectNode
    scopes: Mapping[type[Any], Scope]
    """The scope of each class in the MRO, with what its own type variables stand for there."""

    def field(self, name: str, annotation: object, home: type[Any]) -> tuple[FieldNode, FieldReading]:
        """A required field under its name on the wire, and what its annotation said."""
        scope = self.scopes.get(home) or self.scopes[self.cls]
        reading = self.reads.read_field(annotation, scope, f"{home.__qualname__}.{name}")
        made = FieldNode(name, wire_name(name, reading.field, options_of(self.cls)), reading.node)
        if reading.field is not None:
            made = replace(
                made,
                description=reading.field.description,
                examples=reading.field.examples,
                deprecated=reading.field.deprecated,
            )
        if reading.unset is not None:
            made.absent = reading.unset
        return made, reading


def wire_name(name: str, field: params.Field | None, options: ModelOptions) -> str:
    """The name on the wire: the alias, else what the class's rename style makes of it."""
    if field is not None and field.alias is not None:
        return field.alias
    return name if options.rename is None else renamed(name, options.rename)


def title(node: Node) -> str:
    """A type in the name of another one, as the `int` of `Box[int]`."""
    if isinstance(node, ObjectNode):
        return node.name
    if isinstance(node, NullableNode):
        return f"{title(node.inner)} | None"
    if isinstance(node, UnionNode):
        return " | ".join(title(option) for option in node.options)
    if isinstance(node, TupleNode):
        return f"tuple[{', '.join(title(item) for item in node.items)}]"
    if isinstance(node, DictNode):
        return f"{node.cls.__name__}[{title(node.key)}, {title(node.value)}]"
    if isinstance(node, ListNode):
        return f"{node.cls.__name__}[{title(node.item)}]"
    if isinstance(node, EnumNode) and node.cls is None:
        return f"Literal[{', '.join(repr(value) for value, _ in node.members)}]"
    if isinstance(node, CheckedNode):
        return title(node.inner)
    if isinstance(node, Pending):
        return node.name
    cls = getattr(node, "cls", None)
    return {"any": "Any", "none": "None"}.get(node.kind, node.kind) if cls is None else str(cls.__name__)


def new_object(cls: type[Any], arguments: tuple[Node, ...]) -> ObjectNode:
    """An ObjectNode without fields yet."""
    name = cls.__qualname__.rpartition("<locals>.")[2]
    if arguments:
        name += f"[{', '.join(title(each) for each in arguments)}]"
    unknown = options_of(cls).unknown_fields
    forbid = None if unknown is None else unknown == "forbid"
    return ObjectNode(cls, name, "call", forbid_unknown=forbid, description=docstring(cls))


def check_names(node: ObjectNode) -> None:
    """Refuse two fields of one name on the wire."""
    seen = {} if node.tag_field is None else {node.tag_field: "the tag"}
    for field in node.fields:
        if not field.init:
            continue
        other = seen.setdefault(field.alias, field.name)
        if other != field.name:
            raise ConfigurationError(
                f"{node.name} has {other} and {field.name} both written {field.alias!r}: give one another alias"
            )


def docstring(cls: type[Any]) -> str | None:
    """What a person wrote about a class; not what `dataclass` and `NamedTuple` write themselves."""
    text = vars(cls).get("__doc__")
    if not isinstance(text, str) or not text.strip():
        return None
    if text.startswith(f"{cls.__name__}(") and text.endswith(")") and "\n" not in text:
        return None
    return inspect.cleandoc(text)


def scopes_of(
    cls: type[Any], arguments: tuple[Node, ...], reads: ReadsFields, outer: Scope, node: Node
) -> dict[type[Any], Scope]:
    """The scope of every class in the MRO of `cls[arguments]`, type variables followed through the bases.

    `node` is what Self means.
    """
    found: dict[type[Any], Scope] = {}
    _add_scopes(cls, arguments, reads, replace(outer, variables={typing.Self: node}), found)
    return found


def _add_scopes(
    cls: type[Any], arguments: tuple[Node, ...], reads: ReadsFields, outer: Scope, found: dict[type[Any], Scope]
) -> None:
    parameters: tuple[Any, ...] = getattr(cls, "__parameters__", ())
    variables = {**outer.variables, **dict[Any, Node](zip(parameters, arguments, strict=False))}
    scope = found.setdefault(cls, outer.of_class(cls, variables))
    for base in vars(cls).get("__orig_bases__", cls.__bases__):
        origin = typing.get_origin(base) or base
        if not isinstance(origin, type) or origin in (typing.Generic, typing.Protocol, object, dict):
            continue
        below = typing.get_args(base)
        inherited = replace(outer, variables={typing.Self: outer.variables[typing.Self]})
        _add_scopes(origin, tuple(reads.read(each, scope) for each in below), reads, inherited, found)


def home_of(cls: type[Any], name: str, counts: Callable[[type[Any]], bool]) -> tuple[type[Any], object]:
    """The class of the MRO that annotates the field `name`, and its annotation; only where `counts(class)`."""
    for home in cls.__mro__:
        if counts(home):
            annotations = own_annotations(home)
            if name in annotations:
                return home, annotations[name]
    return cls, Any
