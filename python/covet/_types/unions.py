"""Unions: which of several types a value is.

Owns what becomes of None, of unions in unions, and how the field is found that decides between objects.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from covet._types.nodes import CheckedNode, EnumNode, Node, NoneNode, NullableNode, ObjectNode, UnionNode
from covet._types.walking import children
from covet.errors import ConfigurationError


def read_union(options: list[Node]) -> Node:
    """One node of the options that were read; unions among them are flattened, None goes outside."""
    flat = list[Node]()
    nullable = False
    for option in options:
        inner = option
        if isinstance(inner, NullableNode):
            nullable, inner = True, inner.inner
        if isinstance(inner, NoneNode):
            nullable = True
        elif isinstance(inner, UnionNode) and inner.discriminator is None:
            flat.extend(each for each in inner.options if each not in flat)
        elif inner not in flat:
            flat.append(inner)
    if not flat:
        return NoneNode()
    node = flat[0] if len(flat) == 1 else UnionNode(flat)
    return NullableNode(node) if nullable else node


def discriminated(node: Node, field: str) -> Node:
    """A union whose types are told apart by `field`. Where it is no union: ConfigurationError."""
    if isinstance(node, NullableNode):
        return NullableNode(discriminated(node.inner, field))
    if not isinstance(node, UnionNode):
        raise ConfigurationError(f"has Discriminator({field!r}), but is no union: leave it out")
    return replace(node, discriminator=field)


def decide(root: Node, placed: Callable[[str, ConfigurationError], Exception]) -> None:
    """Find for every union below `root` the field that decides.

    A Discriminator that does not: an error, made by `placed` from where it stands and what is wrong.
    """
    for place, node in _walk(root):
        if isinstance(node, UnionNode):
            try:
                _decide(node)
            except ConfigurationError as error:
                raise placed(place, error) from None


def _walk(root: Node) -> Iterator[tuple[str, Node]]:
    """Every node below `root` once, inner unions before the outer ones, with the field that it stands in."""
    seen = {id(root)}
    waiting: list[tuple[str, Node]] = [("", root)]
    order = list[tuple[str, Node]]()
    while waiting:
        place, node = waiting.pop()
        order.append((place, node))
        names = {id(field.node): field.name for field in node.fields} if isinstance(node, ObjectNode) else {}
        for below in children(node):
            if id(below) not in seen:
                seen.add(id(below))
                waiting.append((f"{node.name}.{names[id(below)]}" if isinstance(node, ObjectNode) else place, below))
    return reversed(order)


def _decide(node: UnionNode) -> None:
    objects = [_object(option) for option in node.options]
    wanted = node.discriminator
    if wanted is not None:
        node.tags = _tags(wanted, objects, node.options)
        return
    if any(each is None for each in objects):
        return
    for candidate in _candidates(objects[0]):
        try:
            node.tags = _tags(candidate, objects, node.options)
        except ConfigurationError:
            continue
        node.discriminator = candidate
        return


def _object(node: Node) -> ObjectNode | None:
    """The object that an option is, behind its validators."""
    while isinstance(node, CheckedNode):
        node = node.inner
    return node if isinstance(node, ObjectNode) else None


def _candidates(first: ObjectNode | None) -> list[str]:
    """Wire names in the first option that could decide."""
    if first is None:
        return []
    tagged = [] if first.tag_field is None else [first.tag_field]
    return tagged + [field.alias for field in first.fields if field.init and _values(first, field.alias)]


def _tags(wanted: str, objects: list[ObjectNode | None], options: list[Node]) -> list[tuple[object, int]]:
    """(value, index) of each option. A type without the field, a value twice: ConfigurationError."""
    tags = list[tuple[object, int]]()
    seen = dict[tuple[type, object], str]()
    for index, (found, option) in enumerate(zip(objects, options, strict=True)):
        if found is None and isinstance(option, UnionNode) and option.discriminator == wanted:
            values, name = [value for value, _ in option.tags], "the inner union"
        elif found is None:
            raise ConfigurationError(
                f"has Discriminator({wanted!r}), but one of its types has no fields: take it out of the union"
            )
        else:
            values, name = _values(found, wanted), found.name
        if not values:
            raise ConfigurationError(
                f"has Discriminator({wanted!r}), but {name} has no Literal field of that name on the wire: "
                f'write `{wanted}: Literal["..."]` there'
            )
        for value in values:
            before = seen.setdefault((type(value), value), name)
            if (type(value), value) in ((type(tag), tag) for tag, _ in tags):
                raise ConfigurationError(
                    f"has Discriminator({wanted!r}), but {before} and {name} both say {value!r}: give each its own"
                )
            tags.append((value, index))
    return tags


def _values(node: ObjectNode, alias: str) -> list[object]:
    """The values that the field `alias` may have where they are fixed; empty where they are not."""
    if node.tag_field == alias:
        return [node.tag]
    for field in node.fields:
        if field.alias == alias and isinstance(field.node, EnumNode) and field.node.cls is None:
            return [value for value, _ in field.node.members]
    return []
