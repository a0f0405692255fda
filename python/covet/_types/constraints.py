"""Constraints and validators, put onto nodes.

Owns which constraint which node can have, and how several become one. A node is never changed: a constrained one is
made from it, because the type without the constraint has the same node elsewhere.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias, cast

from covet import params
from covet._types.markers import Meaning, Zone
from covet._types.nodes import (
    BytesNode,
    CheckedNode,
    DictNode,
    FloatNode,
    IntNode,
    ListNode,
    Node,
    NoneNode,
    NullableNode,
    StrNode,
    TextNode,
    UnionNode,
)
from covet.errors import ConfigurationError

Bound: TypeAlias = Literal["gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length"]

_ORDERED: Final = ("gt", "ge", "lt", "le")
_SIZED: Final = (StrNode, BytesNode, ListNode, DictNode)
_TIMES: Final[dict[str, type[Any]]] = {"datetime": datetime, "date": date, "time": time, "timedelta": timedelta}


def constrain(node: Node, meaning: Meaning) -> Node:
    """`node` with one thing more to check. What it cannot have: ConfigurationError."""
    if isinstance(meaning, (params.Field, params.Discriminator)):
        return node
    if isinstance(meaning, params.Unix):
        return _each(node, meaning, lambda inner: _unix(inner, meaning))
    if isinstance(meaning, Zone):
        return _each(node, meaning, lambda inner: _zoned(inner, meaning.demanded, "Timezone"))
    if isinstance(meaning, params.Pattern):
        return _each(node, meaning, lambda inner: _pattern(inner, meaning))
    if isinstance(meaning, params.Len):
        node = bounded(node, "min_length", meaning.min_length, meaning) if meaning.min_length else node
        return node if meaning.max_length is None else bounded(node, "max_length", meaning.max_length, meaning)
    if isinstance(meaning, (params.Gt, params.Ge, params.Lt, params.Le)):
        name = cast("Bound", type(meaning).__name__.lower())
        return bounded(node, name, getattr(meaning, name), meaning)
    if isinstance(meaning, params.MultipleOf):
        return bounded(node, "multiple_of", meaning.multiple_of, meaning)
    if isinstance(meaning, params.MinLen):
        return bounded(node, "min_length", meaning.min_length, meaning)
    if isinstance(meaning, params.MaxLen):
        return bounded(node, "max_length", meaning.max_length, meaning)
    return _validated(node, meaning)


def bounded(node: Node, name: Bound, bound: Any, meaning: object) -> Node:
    """`node` with a bound; the tighter one where it has one."""
    return _each(node, meaning, lambda inner: _bounded(inner, name, bound, meaning))


def _each(node: Node, meaning: object, change: Callable[[Node], Node]) -> Node:
    """`change` done to what is behind None, unions and other checks. None itself passes every constraint."""
    if isinstance(node, NullableNode):
        return NullableNode(_each(node.inner, meaning, change))
    if isinstance(node, NoneNode):
        return node
    if isinstance(node, UnionNode):
        return replace(node, options=[_each(option, meaning, change) for option in node.options])
    if isinstance(node, CheckedNode) and not node.validators:
        if node.bounds and not isinstance(meaning, (params.Unix, Zone, params.Pattern)):
            return change(node)
        return replace(node, inner=_each(node.inner, meaning, change))
    return change(node)


def _bounded(node: Node, name: Bound, bound: Any, meaning: object) -> Node:
    made: Node | None = None
    if isinstance(node, CheckedNode):
        made = _bounded_again(node, name, bound, meaning)
    elif isinstance(node, (IntNode, FloatNode)) and name not in ("min_length", "max_length"):
        number = _int_bound(bound, meaning) if isinstance(node, IntNode) else _float_bound(bound, meaning)
        made = _tightened(node, name, number, meaning)
    elif isinstance(node, _SIZED) and name in ("min_length", "max_length"):
        made = _tightened(node, name, bound, meaning)
    elif isinstance(node, TextNode):
        made = _bounded_text(node, name, bound, meaning)
    if made is None:
        raise ConfigurationError(f"has {meaning!r}, which {_called(node)} cannot have: {_advice(name)}")
    _check_possible(made, meaning)
    return made


def _tightened(node: Any, name: Bound, bound: Any, meaning: object) -> Node:
    """A copy of `node` with the tighter of the old and the new bound."""
    old = getattr(node, name)
    if old is not None:
        if name == "multiple_of" and old != bound:
            raise ConfigurationError(f"has {meaning!r} beside a multiple of {old!r}: write one number that says both")
        bound = (max if name in ("gt", "ge", "min_length") else min)(old, bound)
    return cast("Node", replace(node, **{name: bound}))


def _bounded_again(node: CheckedNode, name: Bound, bound: Any, meaning: object) -> Node:
    """One more bound on a checked value; behind a validator nobody knows the type, so any is taken."""
    if node.validators:
        return CheckedNode(node, [(name, bound)])
    first = _bounded(node.inner, name, bound, meaning)
    if not isinstance(first, CheckedNode):
        return replace(node, inner=first)
    return CheckedNode(first.inner, [*node.bounds, *first.bounds])


def _bounded_text(node: TextNode, name: Bound, bound: Any, meaning: object) -> Node | None:
    """A Decimal or a time with a bound: what is natively without bounds is compared as Python compares it."""
    if node.name == "decimal" and name not in ("min_length", "max_length"):
        if isinstance(bound, (int, float)):
            bound = Decimal(str(bound))
        if not isinstance(bound, Decimal):
            raise ConfigurationError(f"has {meaning!r} on a Decimal: write a number")
        return CheckedNode(node, [(name, bound)])
    wanted = _TIMES.get(node.name)
    if wanted is None or name not in _ORDERED:
        return None
    if type(bound) is not wanted:
        raise ConfigurationError(f"has {meaning!r} on a {node.name}: write the bound as a {node.name}")
    if isinstance(bound, (datetime, time)):
        node = _zoned(node, bound.tzinfo is not None, repr(meaning))
    return CheckedNode(node, [(name, bound)])


def _int_bound(bound: Any, meaning: object) -> int:
    if isinstance(bound, (float, Decimal)) and bound == int(bound):
        return int(bound)
    if not isinstance(bound, int):
        raise ConfigurationError(f"has {meaning!r} on an int: write a whole number")
    return bound


def _float_bound(bound: Any, meaning: object) -> float:
    try:
        if not isinstance(bound, (int, float, Decimal)):
            raise TypeError
        return float(bound)
    except (TypeError, OverflowError):
        raise ConfigurationError(f"has {meaning!r} on a float: write a number that a float can hold") from None


def _check_possible(node: Node, meaning: object) -> None:
    """Refuse bounds that no value is within."""
    found: list[tuple[str, Any]]
    if isinstance(node, CheckedNode):
        found = list(node.bounds)
    else:
        found = [(name, getattr(node, name, None)) for name in (*_ORDERED, "min_length", "max_length")]
    lows = [(name, bound) for name, bound in found if name in ("gt", "ge", "min_length") and bound is not None]
    highs = [(name, bound) for name, bound in found if name in ("lt", "le", "max_length") and bound is not None]
    for low_name, low in lows:
        for high_name, high in highs:
            apart = {low_name, high_name} <= {"ge", "le", "min_length", "max_length"}
            if low > high or (low == high and not apart):
                raise ConfigurationError(
                    f"has {meaning!r}, but no value has {low_name} {low!r} and {high_name} {high!r}: change one of them"
                )


def _pattern(node: Node, meaning: params.Pattern) -> Node:
    if not isinstance(node, StrNode):
        raise ConfigurationError(
            f"has {meaning!r}, which {_called(node)} cannot have: a pattern is for str, before any validator"
        )
    if node.pattern is not None and node.pattern != meaning.pattern:
        raise ConfigurationError(f"has {meaning!r} beside the pattern {node.pattern!r}: write one that says both")
    return replace(node, pattern=meaning.pattern)


def _unix(node: Node, meaning: params.Unix) -> Node:
    if not isinstance(node, TextNode) or node.name not in ("datetime", "timedelta"):
        raise ConfigurationError(
            f"has {meaning!r}, which {_called(node)} cannot have: it is for datetime and timedelta"
        )
    return replace(node, unix=meaning.unit)


def _zoned(node: Node, demanded: bool, said_by: str) -> TextNode:
    if not isinstance(node, TextNode) or node.name not in ("datetime", "time"):
        raise ConfigurationError(f"has {said_by}, which {_called(node)} cannot have: it is for datetime and time")
    if node.timezone is not None and node.timezone is not demanded:
        raise ConfigurationError(
            f"has {said_by}, but another constraint says otherwise about the offset: make them agree"
        )
    return replace(node, timezone=demanded)


def _validated(node: Node, validator: Callable[[Any], Any]) -> Node:
    if isinstance(node, CheckedNode):
        return replace(node, validators=[*node.validators, validator])
    return CheckedNode(node, validators=[validator])


def _called(node: Node) -> str:
    """A node in a sentence."""
    if isinstance(node, (TextNode, ListNode)):
        return f"{'an' if node.cls.__name__[0] in 'AEIOUaeiou' else 'a'} {node.cls.__name__}"
    return {
        "any": "Any",
        "enum": "an Enum or Literal",
        "object": "an object with fields",
        "tuple": "a tuple of fixed length",
        "checked": "what a validator returned",
        "pending": "a recursive type",
        "custom": "a type with a codec",
        "int": "an int",
    }.get(node.kind, f"a {node.kind}")


def _advice(name: Bound) -> str:
    if name in ("min_length", "max_length"):
        return "lengths are for str, bytes, lists, sets and dicts; else write a function that checks it"
    if name == "multiple_of":
        return "it is for int, float and Decimal; else write a function that checks it"
    return "bounds are for numbers, dates, times and timedelta; else write a function that checks it"
