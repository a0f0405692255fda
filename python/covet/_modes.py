"""Where each handler runs, and why: the decision that `covet routes -v` shows. Startup only.

Knows handlers and their parameters; nothing of routes or of the engine.
"""

import inspect
import types
from typing import NamedTuple

from covet._inline import Types, inspect_function, suspends
from covet._plan import Guard, Mode, ParameterPlan
from covet._signature import Handler, called, is_async
from covet._sources import exact_types
from covet.errors import ConfigurationError


class Decision(NamedTuple):
    """Where a handler runs."""

    mode: Mode
    guards: tuple[Guard, ...]
    reason: str
    """In words, for `covet routes -v`."""


def decide(handler: Handler, parameters: tuple[ParameterPlan, ...], blocking: bool | None) -> Decision:
    """Where `handler` runs; `blocking` is the route's word, None for none. On an `async def`: ConfigurationError."""
    function = called(handler)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        if blocking is not None:
            raise ConfigurationError(
                f"blocking={blocking} is for a `def` that returns; a generator always runs in the pool, "
                "an async one on the loop: leave it out"
            )
        return Decision("inline", (), "generator: runs as its items are sent")
    if is_async(handler):
        if blocking is not None:
            raise ConfigurationError(
                f"blocking={blocking} is for a `def`; an `async def` runs on the loop: leave it out"
            )
        if not isinstance(function, types.FunctionType) or not inspect.iscoroutinefunction(function):
            return Decision("task", (), "a function around an async def")
        if suspends(function.__code__):
            return Decision("task", (), "async def that may suspend")
        return Decision("step", (), "async def without await")
    if blocking is not None:
        return Decision("pool" if blocking else "inline", (), f"blocking={blocking}")
    if not isinstance(function, types.FunctionType):
        return Decision("pool", (), "not written in Python")
    verdict = inspect_function(function, {plan.name: _exact(plan) for plan in parameters})
    if verdict.inline:
        return Decision("inline", verdict.guards, "def on the allow-list")
    return Decision("pool", (), f"def: {verdict.reason}")


def _exact(plan: ParameterPlan) -> Types:
    """The exact types that a parameter's value may have."""
    known = exact_types(plan.node)
    if known is None or plan.required:
        return known
    return known | {type(plan.default)}
