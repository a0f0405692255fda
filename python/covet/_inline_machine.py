"""What is known of a function's values on the way through its bytecode: the stack, the variables, what they rest on.

It carries values from instruction to instruction and joins them where paths meet. What each instruction does is
`covet._inline_operations`'s.
"""

import builtins
import dis
import types
from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias

from covet import _inline_calls as calls
from covet._plan import ABSENT, Guard

Types: TypeAlias = frozenset[type] | None
"""The exact types that a value may have; None for unknown."""

SCALARS: Final[frozenset[type]] = frozenset({str, int, float, bool, type(None)})
CONTAINERS: Final[frozenset[type]] = frozenset({dict, list, tuple, set, frozenset, str, bytes})
UNNAMED: Final = object()
"""Stands for an object that the code does not name."""


class Value(NamedTuple):
    """What is known of one value on the stack or in a local variable."""

    types: Types
    known: object = UNNAMED
    """The object itself, where the code names it."""
    guards: tuple[Guard, ...] = ()
    """What must hold for `types` and `known` to be true."""


UNKNOWN: Final = Value(None)
NULL: Final = Value(None, calls.NO_OBJECT)


class Refused(Exception):
    """The function does something that the allow-list does not have."""


class State(NamedTuple):
    """The stack and the local variables before an instruction."""

    stack: tuple[Value, ...]
    variables: Mapping[str, Value]


def _joined(first: Value, second: Value) -> Value:
    """What is known of a value that comes from two places."""
    both = first.types | second.types if first.types is not None and second.types is not None else None
    same = first.known is second.known
    return Value(both, first.known if same else UNNAMED, first.guards + second.guards)


class Machine:
    """One run over one function."""

    def __init__(self, function: types.FunctionType) -> None:
        self.code = function.__code__
        self.globals: dict[str, object] = function.__globals__
        self.guards: list[Guard] = []
        self.stack: list[Value] = []
        self.variables: dict[str, Value] = {}
        self.keywords: tuple[str, ...] = ()
        self.waiting: dict[int, State] = {}

    def enter(self, state: State) -> None:
        """Go on from here."""
        self.stack, self.variables = list(state.stack), dict(state.variables)

    def merge(self, other: State) -> State:
        """What holds whether one comes from here or from `other`."""
        stack = tuple(_joined(mine, theirs) for mine, theirs in zip(self.stack, other.stack, strict=True))
        shared = self.variables.keys() & other.variables.keys()
        return State(stack, {name: _joined(self.variables[name], other.variables[name]) for name in shared})

    def jump(self, step: dis.Instruction) -> None:
        """Remember the present state for a later instruction."""
        target = step.argval
        if target <= step.offset:
            raise Refused("it loops")
        state = State(tuple(self.stack), dict(self.variables))
        before = self.waiting.get(target)
        if before is not None:
            state = self.merge(before)
        self.waiting[target] = state

    def push(self, value: Value) -> None:
        """On the stack."""
        self.stack.append(value)

    def push_type(self, *kinds: type) -> None:
        """A value of one of these types."""
        self.push(Value(frozenset(kinds)))

    def pop(self) -> Value:
        """Off the stack."""
        return self.stack.pop()

    def pop_many(self, count: int) -> list[Value]:
        """Off the stack, in the order in which they were pushed."""
        taken = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return taken

    def rely(self, value: Value, allowed: frozenset[type], doing: str) -> frozenset[type]:
        """The types of `value`, which must be among `allowed`; what they rest on becomes a guard."""
        if value.types is None or not value.types <= allowed:
            raise Refused(f"{doing} {calls.shown(value.types)}")
        self.guard(value)
        return value.types

    def guard(self, value: Value) -> None:
        """What is known of `value` now matters."""
        for guard in value.guards:
            if not any(old[0] is guard[0] and old[1] == guard[1] for old in self.guards):
                self.guards.append(guard)

    def load_global(self, name: str) -> Value:
        """What a global name means now."""
        guards: tuple[Guard, ...] = ()
        namespace: dict[str, object] = self.globals
        if name not in namespace:
            guards = ((namespace, name, ABSENT),)
            namespace = builtins.__dict__
        found = namespace.get(name, ABSENT)
        if found is ABSENT:
            raise Refused(f"the global {name!r} does not exist")
        known: Types = frozenset({type(found)}) if type(found) in SCALARS | CONTAINERS else None
        return Value(known, found, (*guards, (namespace, name, found)))
