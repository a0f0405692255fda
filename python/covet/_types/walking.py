"""The nodes below a node, and putting others into their place.

Owns which attributes of a node hold nodes. Recursive types are read with `Pending` where the type is still being read;
`resolve` puts what was meant into its place, so that nobody else ever meets one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from covet._types.nodes import CheckedNode, CustomNode, Node, NullableNode, ObjectNode, UnionNode
from covet._types.scope import shown
from covet.errors import ConfigurationError

_SINGLE = ("inner", "item", "key", "value")
_LISTS = ("items", "options")


@dataclass(eq=False, slots=True)
class Pending(Node):
    """A type that is being read, met again inside itself."""

    kind: ClassVar[str] = "pending"
    annotation: object
    target: Node | None = None

    @property
    def name(self) -> str:
        """The type, for messages."""
        return shown(self.annotation)


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below."""
    for name in _SINGLE:
        below = getattr(node, name, None)
        if isinstance(below, Node):
            yield below
    for name in _LISTS:
        yield from getattr(node, name, ())
    if isinstance(node, ObjectNode):
        yield from (field.node for field in node.fields)


def resolve(root: Node) -> Node:
    """`root` with every Pending replaced by its target. A type that is nothing but itself: ConfigurationError."""
    root = _target(root)
    seen = {id(root)}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        _replace(node, _target)
        for below in children(node):
            if id(below) not in seen:
                seen.add(id(below))
                waiting.append(below)
        if isinstance(node, (NullableNode, UnionNode)):
            _check_holds_something(node)
    return root


def _check_holds_something(node: Node) -> None:
    """Refuse a type that is itself or another: no value could ever tell which."""
    seen = set[int]()
    waiting = list(children(node))
    while waiting:
        inner = waiting.pop()
        if inner is node:
            raise ConfigurationError("is defined as itself: write what it holds")
        if isinstance(inner, (NullableNode, UnionNode, CheckedNode, CustomNode)) and id(inner) not in seen:
            seen.add(id(inner))
            _replace(inner, _target)
            waiting.extend(children(inner))


def _replace(node: Any, change: Callable[[Node], Node]) -> None:
    for name in _SINGLE:
        below = getattr(node, name, None)
        if isinstance(below, Node):
            setattr(node, name, change(below))
    for name in _LISTS:
        if hasattr(node, name):
            setattr(node, name, [change(below) for below in getattr(node, name)])
    if isinstance(node, ObjectNode):
        for field in node.fields:
            field.node = change(field.node)


def _target(node: Node) -> Node:
    met = list[Node]()
    while isinstance(node, Pending):
        if node in met or node.target is None:
            raise ConfigurationError(f"is {node.name}, which is defined as itself: write what it holds")
        met.append(node)
        node = node.target
    return node
