"""Which `def` may run on the loop's thread: an abstract interpreter over its bytecode with an allow-list.

It follows the types of values through straight-line code and forward jumps. What it does not know may be carried,
stored and returned, but nothing may be done to it: no operator, attribute, call, truth test or formatting. Whatever
falls outside is refused, so that the function runs in the pool: the allow-list errs on that side only.
CPython 3.11 to 3.14 name their instructions differently; `_OPERATIONS` below is the union of the four.
"""

import builtins
import dis
import types
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeAlias

from covet import _inline_calls as calls
from covet._plan import ABSENT, Guard

Types: TypeAlias = frozenset[type] | None
"""The exact types that a value may have; None for unknown."""

SCALARS: Final[frozenset[type]] = frozenset({str, int, float, bool, type(None)})
NUMBERS: Final[frozenset[type]] = frozenset({int, float, bool})
CONTAINERS: Final[frozenset[type]] = frozenset({dict, list, tuple, set, frozenset, str, bytes})
_BITS: Final[frozenset[type]] = frozenset({int, bool})
_TEXT: Final[frozenset[type]] = frozenset({str})
_SUBSCRIPTED: Final[frozenset[type]] = frozenset({dict, list, tuple, str})
_SEARCHED: Final[frozenset[type]] = frozenset({str, dict, set, frozenset})
_WITH_METHODS: Final[frozenset[type]] = frozenset({str, dict})
UNNAMED: Final = object()
"""Stands for an object that the code does not name."""


class Verdict(NamedTuple):
    """Whether a function may run inline."""

    inline: bool
    reason: str
    """Why not; empty where it may."""
    guards: tuple[Guard, ...]
    """What the verdict relies on."""


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


class _State(NamedTuple):
    """The stack and the local variables before an instruction."""

    stack: tuple[Value, ...]
    variables: Mapping[str, Value]


def inspect_function(function: types.FunctionType, parameters: Mapping[str, Types]) -> Verdict:
    """The verdict on `function`, whose parameters have the given exact types (absent: unknown)."""
    machine = _Machine(function)
    variables = {name: Value(parameters.get(name)) for name in _argument_names(function.__code__)}
    try:
        machine.run(_State((), variables))
    except Refused as refused:
        return Verdict(False, str(refused), ())
    return Verdict(True, "", tuple(machine.guards))


def suspends(code: types.CodeType) -> bool:
    """Whether the coroutine of an `async def` with this code may suspend: it awaits or iterates asynchronously."""
    return any(step.opname in ("SEND", "YIELD_VALUE") for step in dis.get_instructions(code))


def _argument_names(code: types.CodeType) -> tuple[str, ...]:
    """Names of all parameters, stars included."""
    stars = bool(code.co_flags & 0x04) + bool(code.co_flags & 0x08)
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + stars]


def _joined(first: Value, second: Value) -> Value:
    """What is known of a value that comes from two places."""
    both = first.types | second.types if first.types is not None and second.types is not None else None
    same = first.known is second.known
    return Value(both, first.known if same else UNNAMED, first.guards + second.guards)


class _Machine:
    """One run over one function."""

    def __init__(self, function: types.FunctionType) -> None:
        self.code = function.__code__
        self.globals: dict[str, object] = function.__globals__
        self.guards: list[Guard] = []
        self.stack: list[Value] = []
        self.variables: dict[str, Value] = {}
        self.keywords: tuple[str, ...] = ()
        self.waiting: dict[int, _State] = {}

    def run(self, start: _State) -> None:
        """Follow every path; Refused where one leaves the allow-list."""
        if self.code.co_exceptiontable:
            raise Refused("it has a try, with or for block")
        live = True
        self._enter(start)
        for step in dis.get_instructions(self.code):
            merged = self.waiting.pop(step.offset, None)
            if merged is not None:
                self._enter(self._merge(merged) if live else merged)
                live = True
            if not live:
                continue
            operation = _OPERATIONS.get(step.opname)
            if operation is None:
                raise Refused(f"line {_line(step) or self.code.co_firstlineno}: {step.opname} is not on the allow-list")
            try:
                live = operation(self, step) is not _ENDED
            except Refused as refused:
                raise Refused(f"line {_line(step) or self.code.co_firstlineno}: {refused}") from None

    def _enter(self, state: _State) -> None:
        self.stack, self.variables = list(state.stack), dict(state.variables)

    def _merge(self, other: _State) -> _State:
        stack = tuple(_joined(mine, theirs) for mine, theirs in zip(self.stack, other.stack, strict=True))
        shared = self.variables.keys() & other.variables.keys()
        return _State(stack, {name: _joined(self.variables[name], other.variables[name]) for name in shared})

    def jump(self, step: dis.Instruction) -> None:
        """Remember the present state for a later instruction."""
        target = step.argval
        if target <= step.offset:
            raise Refused("it loops")
        state = _State(tuple(self.stack), dict(self.variables))
        before = self.waiting.get(target)
        if before is not None:
            state = self._merge(before)
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


_ENDED: Final = object()
Operation: TypeAlias = Callable[[_Machine, dis.Instruction], object]


def _line(step: dis.Instruction) -> int | None:
    """The source line of an instruction."""
    return step.positions.lineno if step.positions else None


def _nothing(_machine: _Machine, _step: dis.Instruction) -> None:
    """Instructions that only the interpreter cares about."""


def _constant(machine: _Machine, step: dis.Instruction) -> None:
    machine.push(Value(frozenset({type(step.argval)}), step.argval))


def _fast(machine: _Machine, step: dis.Instruction) -> None:
    names = step.argval if isinstance(step.argval, tuple) else (step.argval,)
    for name in names:
        if name not in machine.variables:
            raise Refused(f"the variable {name!r} may be unset")
        machine.push(machine.variables[name])


def _store(machine: _Machine, step: dis.Instruction) -> None:
    names = step.argval if isinstance(step.argval, tuple) else (step.argval,)
    for name in names:
        machine.variables[name] = machine.pop()


def _store_load(machine: _Machine, step: dis.Instruction) -> None:
    stored, loaded = step.argval
    machine.variables[stored] = machine.pop()
    machine.push(machine.variables[loaded])


def _global(machine: _Machine, step: dis.Instruction) -> None:
    value, with_null = machine.load_global(step.argval), bool((step.arg or 0) & 1)
    order = (NULL, value) if calls.NULL_FIRST else (value, NULL)
    for item in order if with_null else (value,):
        machine.push(item)


def _build(kind: type, *, hashed: bool = False) -> Operation:
    def build(machine: _Machine, step: dis.Instruction) -> None:
        items = machine.pop_many(step.arg or 0)
        for item in items if hashed else ():
            machine.rely(item, SCALARS, "it hashes")
        machine.push_type(kind)

    return build


def _build_map(machine: _Machine, step: dis.Instruction) -> None:
    items = machine.pop_many(2 * (step.arg or 0))
    for key in items[::2]:
        machine.rely(key, SCALARS, "it hashes")
    machine.push_type(dict)


def _build_const_map(machine: _Machine, step: dis.Instruction) -> None:
    machine.pop_many((step.arg or 0) + 1)
    machine.push_type(dict)


def _extend(machine: _Machine, _step: dis.Instruction) -> None:
    source = machine.pop()
    if source.guards or type(source.known) not in (tuple, frozenset):
        raise Refused("it unpacks what is no constant")


def _format(machine: _Machine, step: dis.Instruction) -> None:
    arg = step.arg or 0
    if step.opname == "FORMAT_WITH_SPEC" or (step.opname == "FORMAT_VALUE" and arg & 4):
        spec = machine.pop()
        if spec.guards or type(spec.known) is not str:
            raise Refused("it formats with a computed format")
    machine.rely(machine.pop(), SCALARS, "it formats")
    machine.push_type(str)


def _binary(machine: _Machine, step: dis.Instruction) -> None:
    operator = step.argrepr.removesuffix("=")
    if operator == "[]":
        _subscript(machine, step)
        return
    right, left = machine.pop(), machine.pop()
    doing = f"it applies {operator} to"
    if operator == "+" and left.types == _TEXT:
        machine.rely(left, _TEXT, doing)
        machine.rely(right, _TEXT, doing)
        machine.push_type(str)
    elif operator in ("+", "-", "*", "/", "//", "%"):
        both = machine.rely(left, NUMBERS, doing) | machine.rely(right, NUMBERS, doing)
        machine.push_type(*((float,) if operator == "/" else (int, float) if float in both else (int,)))
    elif operator in ("&", "|", "^", ">>"):
        machine.rely(left, _BITS, doing)
        machine.rely(right, _BITS, doing)
        machine.push_type(int, bool)
    else:
        raise Refused(f"it applies {operator}, which is not on the allow-list")


def _subscript(machine: _Machine, _step: dis.Instruction) -> None:
    key, container = machine.pop(), machine.pop()
    types_ = machine.rely(container, _SUBSCRIPTED, "it subscripts")
    machine.rely(key, SCALARS, "it looks up")
    machine.push(Value(_TEXT) if types_ == _TEXT else UNKNOWN)


def _compare(machine: _Machine, _step: dis.Instruction) -> None:
    for value in machine.pop_many(2):
        machine.rely(value, SCALARS, "it compares")
    machine.push_type(bool)


def _is(machine: _Machine, _step: dis.Instruction) -> None:
    machine.pop_many(2)
    machine.push_type(bool)


def _contains(machine: _Machine, _step: dis.Instruction) -> None:
    container, item = machine.pop(), machine.pop()
    machine.rely(item, SCALARS, "it searches for")
    constant = type(container.known) in (tuple, frozenset) and not container.guards
    if not constant:
        machine.rely(container, _SEARCHED, "it searches in")
    machine.push_type(bool)


def _truth(machine: _Machine, _step: dis.Instruction) -> None:
    machine.rely(machine.pop(), SCALARS | CONTAINERS, "it tests the truth of")
    machine.push_type(bool)


def _negative(machine: _Machine, _step: dis.Instruction) -> None:
    kinds = machine.rely(machine.pop(), NUMBERS, "it negates")
    machine.push_type(*(kinds - {bool} or {int}))


def _branch(machine: _Machine, step: dis.Instruction) -> None:
    machine.rely(machine.pop(), SCALARS | CONTAINERS, "it tests the truth of")
    machine.jump(step)


def _branch_or_pop(machine: _Machine, step: dis.Instruction) -> None:
    machine.rely(machine.stack[-1], SCALARS | CONTAINERS, "it tests the truth of")
    machine.jump(step)
    machine.pop()


def _branch_none(machine: _Machine, step: dis.Instruction) -> None:
    machine.pop()
    machine.jump(step)


def _jump(machine: _Machine, step: dis.Instruction) -> object:
    machine.jump(step)
    return _ENDED


def _copy(machine: _Machine, step: dis.Instruction) -> None:
    machine.push(machine.stack[-(step.arg or 1)])


def _swap(machine: _Machine, step: dis.Instruction) -> None:
    depth = step.arg or 1
    machine.stack[-1], machine.stack[-depth] = machine.stack[-depth], machine.stack[-1]


def _drop(machine: _Machine, _step: dis.Instruction) -> None:
    machine.pop()


def _null(machine: _Machine, _step: dis.Instruction) -> None:
    machine.push(NULL)


def _unknown(machine: _Machine, _step: dis.Instruction) -> None:
    machine.push(UNKNOWN)


def _end(_machine: _Machine, _step: dis.Instruction) -> object:
    return _ENDED


def _method(machine: _Machine, step: dis.Instruction) -> None:
    if step.opname == "LOAD_ATTR" and not (calls.ATTRIBUTE_BIT and (step.arg or 0) & 1):
        raise Refused(f"it reads the attribute {step.argval!r}")
    owner = machine.pop()
    kinds = machine.rely(owner, _WITH_METHODS, f"it calls {step.argval} of")
    method = calls.method_of(kinds, step.argval)
    if method is None:
        raise Refused(f"it calls {step.argval} of {calls.shown(kinds)}, which is not on the allow-list")
    machine.push(Value(None, method))
    machine.push(NULL)


def _keywords(machine: _Machine, step: dis.Instruction) -> None:
    machine.keywords = step.argval if isinstance(step.argval, tuple) else machine.code.co_consts[step.arg or 0]


def _call(machine: _Machine, step: dis.Instruction) -> None:
    if step.opname == "CALL_KW":
        names = machine.pop().known
        machine.keywords = names if isinstance(names, tuple) else ("?",)
    keywords, machine.keywords = machine.keywords, ()
    arguments = machine.pop_many(step.arg or 0)
    target = next((value for value in machine.pop_many(2) if value.known is not calls.NO_OBJECT), NULL)
    allowed = calls.ALLOWED.get(calls.key(target.known)) or calls.constructor(target.known)
    if allowed is None:
        raise Refused(f"it calls {calls.name_of(target.known)}, which is not on the allow-list")
    if not allowed.takes([argument.types for argument in arguments], keywords):
        given = ", ".join(calls.shown(argument.types) for argument in arguments)
        raise Refused(f"it calls {calls.name_of(target.known)} with {given}")
    for value in (target, *arguments):
        machine.guard(value)
    machine.push(Value(allowed.gives, target.known if allowed is calls.ERROR else UNNAMED))


def _raise(machine: _Machine, step: dis.Instruction) -> object:
    if step.arg != 1:
        raise Refused("it raises from another exception")
    error = machine.pop()
    if calls.constructor(error.known) is not calls.ERROR:
        raise Refused(f"it raises {calls.name_of(error.known)}, which is not on the allow-list")
    machine.guard(error)
    return _ENDED


_OPERATIONS: Final[dict[str, Operation]] = {
    **dict.fromkeys(("RESUME", "NOP", "CACHE", "PRECALL", "EXTENDED_ARG", "COPY_FREE_VARS", "NOT_TAKEN"), _nothing),
    **dict.fromkeys(("LOAD_CONST", "LOAD_SMALL_INT"), _constant),
    **dict.fromkeys(
        (
            "LOAD_FAST",
            "LOAD_FAST_CHECK",
            "LOAD_FAST_BORROW",
            "LOAD_FAST_LOAD_FAST",
            "LOAD_FAST_BORROW_LOAD_FAST_BORROW",
        ),
        _fast,
    ),
    **dict.fromkeys(("STORE_FAST", "STORE_FAST_STORE_FAST"), _store),
    "STORE_FAST_LOAD_FAST": _store_load,
    "LOAD_GLOBAL": _global,
    "LOAD_DEREF": _unknown,
    "BUILD_LIST": _build(list),
    "BUILD_TUPLE": _build(tuple),
    "BUILD_SET": _build(set, hashed=True),
    "BUILD_STRING": _build(str),
    "BUILD_MAP": _build_map,
    "BUILD_CONST_KEY_MAP": _build_const_map,
    **dict.fromkeys(("LIST_EXTEND", "SET_UPDATE"), _extend),
    **dict.fromkeys(("FORMAT_VALUE", "FORMAT_SIMPLE", "FORMAT_WITH_SPEC", "CONVERT_VALUE"), _format),
    "BINARY_OP": _binary,
    "BINARY_SUBSCR": _subscript,
    "COMPARE_OP": _compare,
    "IS_OP": _is,
    "CONTAINS_OP": _contains,
    **dict.fromkeys(("UNARY_NOT", "TO_BOOL"), _truth),
    "UNARY_NEGATIVE": _negative,
    **dict.fromkeys(
        ("POP_JUMP_IF_TRUE", "POP_JUMP_IF_FALSE", "POP_JUMP_FORWARD_IF_TRUE", "POP_JUMP_FORWARD_IF_FALSE"), _branch
    ),
    **dict.fromkeys(("JUMP_IF_TRUE_OR_POP", "JUMP_IF_FALSE_OR_POP"), _branch_or_pop),
    **dict.fromkeys(
        (
            "POP_JUMP_IF_NONE",
            "POP_JUMP_IF_NOT_NONE",
            "POP_JUMP_FORWARD_IF_NONE",
            "POP_JUMP_FORWARD_IF_NOT_NONE",
        ),
        _branch_none,
    ),
    "JUMP_FORWARD": _jump,
    "COPY": _copy,
    "SWAP": _swap,
    "POP_TOP": _drop,
    "PUSH_NULL": _null,
    **dict.fromkeys(("LOAD_METHOD", "LOAD_ATTR"), _method),
    "KW_NAMES": _keywords,
    **dict.fromkeys(("CALL", "CALL_KW"), _call),
    **dict.fromkeys(("RETURN_VALUE", "RETURN_CONST"), _end),
    "RAISE_VARARGS": _raise,
}
