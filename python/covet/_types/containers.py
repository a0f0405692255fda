"""Lists, sets, tuples and dicts, by their classes and by the abstract ones.

Owns what is built for an abstract class, and which types can be members of a set or keys of a dict.
"""

import collections
from collections import abc
from typing import Any, Final, Protocol, Unpack, get_origin

from covet._types.nodes import (
    AnyNode,
    BoolNode,
    BytesNode,
    CheckedNode,
    CustomNode,
    DictNode,
    EnumNode,
    FloatNode,
    IntNode,
    ListNode,
    Node,
    NullableNode,
    ObjectNode,
    StrNode,
    TextNode,
    TupleNode,
    UnionNode,
)
from covet._types.scope import Scope, shown
from covet.errors import ConfigurationError


class Reads(Protocol):
    """What reads the types inside a type."""

    def read(self, annotation: object, scope: Scope) -> Node:
        """The node of `annotation`, which stands in `scope`."""
        ...

    def later(self, check: abc.Callable[[], None]) -> None:
        """Run `check` when the whole tree is there."""
        ...


_LISTS: Final[dict[object, type[Any]]] = {
    list: list,
    set: set,
    frozenset: frozenset,
    collections.deque: collections.deque,
    abc.Sequence: list,
    abc.MutableSequence: list,
    abc.Iterable: list,
    abc.Collection: list,
    abc.Set: frozenset,
    abc.MutableSet: set,
}
_DICTS: Final[dict[object, type[Any]]] = {
    dict: dict,
    collections.OrderedDict: collections.OrderedDict,
    abc.Mapping: dict,
    abc.MutableMapping: dict,
}
_KEYS: Final = (StrNode, IntNode, FloatNode, BoolNode, BytesNode, TextNode, EnumNode, AnyNode)


def read_container(
    reads: Reads, origin: object, arguments: tuple[object, ...] | None, scope: Scope, annotation: object
) -> Node | None:
    """The node of a container; `arguments` is None where it was written bare. None for other types."""
    if origin is tuple:
        return _read_tuple(reads, arguments, scope, annotation)
    cls = _LISTS.get(origin) if isinstance(origin, abc.Hashable) else None
    if cls is not None:
        _check_count(arguments, 1, cls, annotation)
        item = reads.read(arguments[0], scope) if arguments else AnyNode()
        node = ListNode(cls, item)
        if issubclass(cls, (set, frozenset)):
            reads.later(lambda: _check_hashable(node.item, annotation))
        return node
    mapping = _DICTS.get(origin) if isinstance(origin, abc.Hashable) else None
    if mapping is not None:
        _check_count(arguments, 2, mapping, annotation)
        key, value = (reads.read(each, scope) for each in (arguments or (Any, Any)))
        made = DictNode(mapping, key, value)
        reads.later(lambda: _check_key(made.key, annotation))
        return made
    return None


def _check_count(arguments: tuple[object, ...] | None, wanted: int, cls: type[Any], annotation: object) -> None:
    """Refuse more or fewer types than a container has; Python itself does not look."""
    if arguments is not None and len(arguments) != wanted:
        example = "dict[str, int]" if wanted == 2 else "list[int]"
        raise ConfigurationError(
            f"is {shown(annotation)}, but a {cls.__name__} takes {wanted} inside its brackets: write it as {example}"
        )


def _read_tuple(reads: Reads, arguments: tuple[object, ...] | None, scope: Scope, annotation: object) -> Node:
    if arguments is None:
        return ListNode(tuple, AnyNode())
    if any(getattr(each, "__unpacked__", False) or get_origin(each) is Unpack for each in arguments):
        raise ConfigurationError(
            f"is {shown(annotation)}, which has some items and any number of others: write a list, or two fields"
        )
    if len(arguments) == 2 and arguments[1] is ...:
        return ListNode(tuple, reads.read(arguments[0], scope))
    return TupleNode([reads.read(each, scope) for each in arguments])


def _check_hashable(node: Node, annotation: object) -> None:
    """Refuse a set of what has no hash."""
    if isinstance(node, (CheckedNode, NullableNode)):
        _check_hashable(node.inner, annotation)
    elif isinstance(node, (UnionNode, TupleNode)):
        for each in node.options if isinstance(node, UnionNode) else node.items:
            _check_hashable(each, annotation)
    elif isinstance(node, ListNode) and node.cls is tuple:
        _check_hashable(node.item, annotation)
    elif (
        isinstance(node, (ListNode, DictNode, BytesNode, ObjectNode, CustomNode))
        and getattr(node.cls, "__hash__", None) is None
    ):
        frozen = ", or write @dataclass(frozen=True)" if hasattr(node.cls, "__dataclass_fields__") else ""
        raise ConfigurationError(
            f"is {shown(annotation)}, but {node.cls.__name__} has no hash: write a list instead of a set{frozen}"
        )


def _check_key(node: Node, annotation: object) -> None:
    """Refuse a dict whose keys are no texts."""
    inner = node
    while isinstance(inner, (CheckedNode, CustomNode)):
        inner = inner.inner
    members = inner.members if isinstance(inner, EnumNode) else ()
    unhashable = isinstance(inner, BytesNode) and inner.cls is bytearray
    if not isinstance(inner, _KEYS) or any(value is None for value, _ in members) or unhashable:
        raise ConfigurationError(
            f"is {shown(annotation)}: JSON's keys are texts; write a key that is one text, as str, int, UUID or an Enum"
        )
