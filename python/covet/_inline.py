"""Which `def` may run on the loop's thread: an abstract interpreter over its bytecode with an allow-list.

It follows the types of values through straight-line code and forward jumps. What it does not know may be carried,
stored and returned, but nothing may be done to it: no operator, attribute, call, truth test or formatting. Whatever
falls outside is refused, so that the function runs in the pool: the allow-list errs on that side only.
The values on the way are `covet._inline_machine`'s, the instructions `covet._inline_operations`'s.
"""

import dis
import types
from collections.abc import Mapping
from typing import NamedTuple

from covet._inline_machine import Machine, Refused, State, Types, Value
from covet._inline_operations import ENDED, OPERATIONS
from covet._plan import Guard

__all__ = ["Types", "Verdict", "inspect_function", "suspends"]


class Verdict(NamedTuple):
    """Whether a function may run inline."""

    inline: bool
    reason: str
    """Why not; empty where it may."""
    guards: tuple[Guard, ...]
    """What the verdict relies on."""


def inspect_function(function: types.FunctionType, parameters: Mapping[str, Types]) -> Verdict:
    """The verdict on `function`, whose parameters have the given exact types (absent: unknown)."""
    machine = Machine(function)
    variables = {name: Value(parameters.get(name)) for name in _argument_names(function.__code__)}
    try:
        _run(machine, State((), variables))
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


def _run(machine: Machine, start: State) -> None:
    """Follow every path; Refused where one leaves the allow-list."""
    if machine.code.co_exceptiontable:
        raise Refused("it has a try, with or for block")
    live = True
    machine.enter(start)
    for step in dis.get_instructions(machine.code):
        merged = machine.waiting.pop(step.offset, None)
        if merged is not None:
            machine.enter(machine.merge(merged) if live else merged)
            live = True
        if not live:
            continue
        operation = OPERATIONS.get(step.opname)
        if operation is None:
            raise Refused(f"line {_line(step) or machine.code.co_firstlineno}: {step.opname} is not on the allow-list")
        try:
            live = operation(machine, step) is not ENDED
        except Refused as refused:
            raise Refused(f"line {_line(step) or machine.code.co_firstlineno}: {refused}") from None


def _line(step: dis.Instruction) -> int | None:
    """The source line of an instruction."""
    return step.positions.lineno if step.positions else None
