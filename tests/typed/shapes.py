"""Nodes as plain tuples, to be compared in tables: (kind, what is not the default, ...)."""

import dataclasses
from typing import Any

from covet._types.nodes import FieldNode, Node, ObjectNode
from covet._types.reading import read_type


def shape(annotation: object, **namespaces: Any) -> Any:
    """The shape of what an annotation is read as."""
    return shape_of(read_type(annotation, **namespaces), {})


def shape_of(value: Any, seen: dict[int, str]) -> Any:
    """The shape of a node; a node that was met before is its name or kind in angle brackets."""
    if isinstance(value, list):
        return [shape_of(each, seen) for each in value]
    if isinstance(value, FieldNode):
        return _field(value, seen)
    if not isinstance(value, Node):
        return value
    if isinstance(value, ObjectNode) and id(value) in seen:
        return f"<{value.name}>"
    seen[id(value)] = value.kind
    made: dict[str, Any] = {}
    for field in dataclasses.fields(value):  # type: ignore[arg-type]
        found = shape_of(getattr(value, field.name), seen)
        default = field.default_factory() if callable(field.default_factory) else field.default
        if found != default or type(found) is not type(default):
            made[field.name] = found
    return (value.kind, made) if made else value.kind


def _field(field: FieldNode, seen: dict[int, str]) -> Any:
    node = shape_of(field.node, seen)
    said: dict[str, Any] = {}
    for each in dataclasses.fields(field):
        value = getattr(field, each.name)
        if each.name not in ("name", "alias", "node") and value != each.default:
            said[each.name] = value
    if field.alias != field.name:
        said["alias"] = field.alias
    return (field.name, node, said) if said else (field.name, node)


def fields(annotation: object, **namespaces: Any) -> Any:
    """The shapes of an object's fields."""
    node = read_type(annotation, **namespaces)
    assert isinstance(node, ObjectNode), node
    seen = {id(node): "object"}
    return [shape_of(field, seen) for field in node.fields]


def build(cls: object) -> str:
    """How an object is built, with "+" where `__post_init__` is called by the builder."""
    node = read_type(cls)
    assert isinstance(node, ObjectNode), node
    return node.build + ("+" if node.post_init else "")
