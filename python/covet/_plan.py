"""What Python tells the engine about each route: plain data, read once at start and compiled by the engine.

Knows nothing of signatures or servers; `covet._compile` makes it, the native `Engine` reads it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Kind: TypeAlias = tuple[object, ...]
"""How to read a value: ("str",) ("int",) ("float",) ("bool",) ("uuid",), ("enum", class, {wire text: member}),
("literal", {wire text: value}), ("optional", kind), ("list", kind), ("request",)."""
Mode: TypeAlias = Literal["inline", "step", "task", "pool"]
"""Where a handler runs: `inline` on the loop's thread, `step` there as a coroutine that never suspends, `task` as an
asyncio task, `pool` in a thread."""
ABSENT: Final = object()
"""In a guard: the name must not be there."""
Guard: TypeAlias = tuple[dict[str, object], str, object]
"""A namespace, a name in it, and the object that it must still be, or ABSENT, for the handler to run inline."""


@dataclass(frozen=True, slots=True)
class ParameterPlan:
    """One parameter of a handler."""

    name: str
    """Of the function's parameter."""
    source: Literal["request", "path", "query"]
    """Where its value comes from."""
    alias: str
    """Its name on the wire."""
    kind: Kind
    """How to read it."""
    required: bool
    """Absent is an error; else `default`."""
    default: object
    """The value where it is absent and not required; list, dict and set are copied per request."""
    keyword: bool
    """Passed by keyword."""


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """One handler and how to call it."""

    methods: tuple[str, ...]
    """Upper case; ("*",) for all."""
    path: str
    """The full pattern."""
    handler: Callable[..., object]
    """What to call."""
    name: str
    """For `url_for` and logs."""
    origin: str
    """The decorator's place, as "app.py:12 in hello"."""
    mode: Mode
    """Where it runs."""
    guards: tuple[Guard, ...]
    """What must hold at each inline call."""
    parameters: tuple[ParameterPlan, ...]
    """In the order of the signature."""
    status_code: int
    """Of a plain returned value."""
    answer: Literal["any", "empty"]
    """`empty`: the handler returns None by declaration."""
    max_body: int | None
    """Bytes; None for unlimited."""
    timeout: float | None
    """Seconds; None for unlimited."""
    cancel_on_disconnect: bool
    """Cancel the handler when the client goes."""
