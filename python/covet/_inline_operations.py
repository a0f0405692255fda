"""What each instruction on the allow-list does to the machine, and which instructions those are.

CPython 3.11 to 3.14 name their instructions differently; `OPERATIONS` is the union of the four. What is not in it is
refused by `covet._inline`.
"""

import dis
from collections.abc import Callable
from typing import Final, TypeAlias

from covet import _inline_calls as calls
from covet._inline_machine import CONTAINERS, NULL, SCALARS, UNKNOWN, UNNAMED, Machine, Refused, Value

NUMBERS: Final[frozenset[type]] = frozenset({int, float, bool})
_BITS: Final[frozenset[type]] = frozenset({int, bool})
_TEXT: Final[frozenset[type]] = frozenset({str})
_SUBSCRIPTED: Final[frozenset[type]] = frozenset({dict, list, tuple, str})
_SEARCHED: Final[frozenset[type]] = frozenset({str, dict, set, frozenset})
_WITH_METHODS: Final[frozenset[type]] = frozenset({str, dict})

ENDED: Final = object()
Operation: TypeAlias = Callable[[Machine, dis.Instruction], object]


def _nothing(_machine: Machine, _step: dis.Instruction) -> None:
    """Instructions that only the interpreter cares about."""


def _constant(machine: Machine, step: dis.Instruction) -> None:
    machine.push(Value(frozenset({type(step.argval)}), step.argval))


def _fast(machine: Machine, step: dis.Instruction) -> None:
    names = step.argval if isinstance(step.argval, tuple) else (step.argval,)
    for name in names:
        if name not in machine.variables:
            raise Refused(f"the variable {name!r} may be unset")
        machine.push(machine.variables[name])


def _store(machine: Machine, step: dis.Instruction) -> None:
    names = step.argval if isinstance(step.argval, tuple) else (step.argval,)
    for name in names:
        machine.variables[name] = machine.pop()


def _store_load(machine: Machine, step: dis.Instruction) -> None:
    stored, loaded = step.argval
    machine.variables[stored] = machine.pop()
    machine.push(machine.variables[loaded])


def _global(machine: Machine, step: dis.Instruction) -> None:
    value, with_null = machine.load_global(step.argval), bool((step.arg or 0) & 1)
    order = (NULL, value) if calls.NULL_FIRST else (value, NULL)
    for item in order if with_null else (value,):
        machine.push(item)


def _build(kind: type, *, hashed: bool = False) -> Operation:
    def build(machine: Machine, step: dis.Instruction) -> None:
        items = machine.pop_many(step.arg or 0)
        for item in items if hashed else ():
            machine.rely(item, SCALARS, "it hashes")
        machine.push_type(kind)

    return build


def _build_map(machine: Machine, step: dis.Instruction) -> None:
    items = machine.pop_many(2 * (step.arg or 0))
    for key in items[::2]:
        machine.rely(key, SCALARS, "it hashes")
    machine.push_type(dict)


def _build_const_map(machine: Machine, step: dis.Instruction) -> None:
    machine.pop_many((step.arg or 0) + 1)
    machine.push_type(dict)


def _extend(machine: Machine, _step: dis.Instruction) -> None:
    source = machine.pop()
    if source.guards or type(source.known) not in (tuple, frozenset):
        raise Refused("it unpacks what is no constant")


def _format(machine: Machine, step: dis.Instruction) -> None:
    arg = step.arg or 0
    if step.opname == "FORMAT_WITH_SPEC" or (step.opname == "FORMAT_VALUE" and arg & 4):
        spec = machine.pop()
        if spec.guards or type(spec.known) is not str:
            raise Refused("it formats with a computed format")
    machine.rely(machine.pop(), SCALARS, "it formats")
    machine.push_type(str)


def _binary(machine: Machine, step: dis.Instruction) -> None:
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


def _subscript(machine: Machine, _step: dis.Instruction) -> None:
    key, container = machine.pop(), machine.pop()
    types_ = machine.rely(container, _SUBSCRIPTED, "it subscripts")
    machine.rely(key, SCALARS, "it looks up")
    machine.push(Value(_TEXT) if types_ == _TEXT else UNKNOWN)


def _compare(machine: Machine, _step: dis.Instruction) -> None:
    for value in machine.pop_many(2):
        machine.rely(value, SCALARS, "it compares")
    machine.push_type(bool)


def _is(machine: Machine, _step: dis.Instruction) -> None:
    machine.pop_many(2)
    machine.push_type(bool)


def _contains(machine: Machine, _step: dis.Instruction) -> None:
    container, item = machine.pop(), machine.pop()
    machine.rely(item, SCALARS, "it searches for")
    constant = type(container.known) in (tuple, frozenset) and not container.guards
    if not constant:
        machine.rely(container, _SEARCHED, "it searches in")
    machine.push_type(bool)


def _truth(machine: Machine, _step: dis.Instruction) -> None:
    machine.rely(machine.pop(), SCALARS | CONTAINERS, "it tests the truth of")
    machine.push_type(bool)


def _negative(machine: Machine, _step: dis.Instruction) -> None:
    kinds = machine.rely(machine.pop(), NUMBERS, "it negates")
    machine.push_type(*(kinds - {bool} or {int}))


def _branch(machine: Machine, step: dis.Instruction) -> None:
    machine.rely(machine.pop(), SCALARS | CONTAINERS, "it tests the truth of")
    machine.jump(step)


def _branch_or_pop(machine: Machine, step: dis.Instruction) -> None:
    machine.rely(machine.stack[-1], SCALARS | CONTAINERS, "it tests the truth of")
    machine.jump(step)
    machine.pop()


def _branch_none(machine: Machine, step: dis.Instruction) -> None:
    machine.pop()
    machine.jump(step)


def _jump(machine: Machine, step: dis.Instruction) -> object:
    machine.jump(step)
    return ENDED


def _copy(machine: Machine, step: dis.Instruction) -> None:
    machine.push(machine.stack[-(step.arg or 1)])


def _swap(machine: Machine, step: dis.Instruction) -> None:
    depth = step.arg or 1
    machine.stack[-1], machine.stack[-depth] = machine.stack[-depth], machine.stack[-1]


def _drop(machine: Machine, _step: dis.Instruction) -> None:
    machine.pop()


def _null(machine: Machine, _step: dis.Instruction) -> None:
    machine.push(NULL)


def _unknown(machine: Machine, _step: dis.Instruction) -> None:
    machine.push(UNKNOWN)


def _end(_machine: Machine, _step: dis.Instruction) -> object:
    return ENDED


def _method(machine: Machine, step: dis.Instruction) -> None:
    if step.opname == "LOAD_ATTR" and not (calls.ATTRIBUTE_BIT and (step.arg or 0) & 1):
        raise Refused(f"it reads the attribute {step.argval!r}")
    owner = machine.pop()
    kinds = machine.rely(owner, _WITH_METHODS, f"it calls {step.argval} of")
    method = calls.method_of(kinds, step.argval)
    if method is None:
        raise Refused(f"it calls {step.argval} of {calls.shown(kinds)}, which is not on the allow-list")
    machine.push(Value(None, method))
    machine.push(NULL)


def _keywords(machine: Machine, step: dis.Instruction) -> None:
    machine.keywords = step.argval if isinstance(step.argval, tuple) else machine.code.co_consts[step.arg or 0]


def _call(machine: Machine, step: dis.Instruction) -> None:
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


def _raise(machine: Machine, step: dis.Instruction) -> object:
    if step.arg != 1:
        raise Refused("it raises from another exception")
    error = machine.pop()
    if calls.constructor(error.known) is not calls.ERROR:
        raise Refused(f"it raises {calls.name_of(error.known)}, which is not on the allow-list")
    machine.guard(error)
    return ENDED


OPERATIONS: Final[dict[str, Operation]] = {
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
