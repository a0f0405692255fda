"""Where handlers run, and the reason that is shown."""

import asyncio
import enum
import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Literal
from uuid import UUID

import pytest

pytest.importorskip("covet.routing", reason="needs the native module", exc_type=ImportError)

from covet import ConfigurationError, Covet, JSONResponse, NotFound, PlainTextResponse, Request, Response
from covet._compile import compile_routes
from covet.settings import ServerSettings


class Shape(enum.Enum):
    ROUND = "round"


def hello() -> Any:
    return {"hello": "world"}


def typed(a: str, b: int, c: float, d: bool, e: str | None = None, f: Literal["x", 1] = "x") -> Any:
    return f"{a} {b} {c} {d} {e} {f}"


def enumerated(shape: Shape) -> Any:
    return f"{shape}"


def carries(shape: Shape, id: UUID, request: Request, tags: list[str]) -> Any:
    return [shape, id, tags, len(tags)]


def odd_default(a: str = Shape.ROUND) -> Any:  # type: ignore[assignment]
    return f"{a}"


def answers(a: str) -> Any:
    if a == "json":
        return JSONResponse({"a": a}, 201)
    if a == "text":
        return PlainTextResponse(a, status_code=202, headers={"x": a})
    return Response(a, media_type="text/plain")


def answers_with_unknown_headers(request: Request) -> Any:
    return Response("x", headers=request)  # type: ignore[arg-type]


def errors(a: int) -> Any:
    raise NotFound(f"no {a}")


def reads(request: Request) -> Any:
    return request.method


async def steps() -> Any:
    return 1


async def waits() -> Any:
    await asyncio.sleep(0)


def gives() -> Iterator[int]:
    yield 1


async def gives_on_the_loop() -> AsyncIterator[int]:
    yield 1


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def wrapped_async(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await function(*args, **kwargs)

    return wrapper


class Callable_:
    def __call__(self) -> Any:
        return 1

    async def wait(self) -> Any:
        await asyncio.sleep(0)

    async def step(self) -> Any:
        return 1


CASES: list[tuple[Callable[..., Any], str, str]] = [
    (hello, "inline", "def on the allow-list"),
    (typed, "inline", "def on the allow-list"),
    (carries, "inline", "def on the allow-list"),
    (answers, "inline", "def on the allow-list"),
    (errors, "inline", "def on the allow-list"),
    (Callable_(), "inline", "def on the allow-list"),
    (functools.partial(typed, e="x"), "pool", "it formats a value of unknown type"),
    (enumerated, "pool", "it formats a value of unknown type"),
    (odd_default, "pool", "it formats Shape or str"),
    (answers_with_unknown_headers, "pool", "it calls Response with str, a value of unknown type"),
    (reads, "pool", "it reads the attribute 'method'"),
    (wrapped(hello), "pool", "DICT_MERGE is not on the allow-list"),
    (functools.cache(hello), "pool", "not written in Python"),
    (steps, "step", "async def without await"),
    (Callable_().step, "step", "async def without await"),
    (functools.partial(steps), "step", "async def without await"),
    (waits, "task", "async def that may suspend"),
    (Callable_().wait, "task", "async def that may suspend"),
    (wrapped(steps), "task", "a function around an async def"),
    (wrapped_async(steps), "task", "async def that may suspend"),
    (gives, "inline", "generator: runs as its items are sent"),
    (gives_on_the_loop, "inline", "generator: runs as its items are sent"),
    (functools.partial(gives), "inline", "generator: runs as its items are sent"),
    (wrapped(gives), "pool", "DICT_MERGE is not on the allow-list"),
]


def decided(handler: Callable[..., Any], **options: Any) -> tuple[str, str, int]:
    app = Covet()
    app.get("/", **options)(handler)
    ((plan, reason),) = compile_routes(app, ServerSettings())
    return plan.mode, reason, len(plan.guards)


@pytest.mark.parametrize(("handler", "mode", "reason"), CASES, ids=lambda value: getattr(value, "__name__", None))
def test_mode(handler: Callable[..., Any], mode: str, reason: str) -> None:
    found, why, _ = decided(handler)
    assert found == mode
    assert why.endswith(reason)


def test_the_routes_word_goes_first() -> None:
    assert decided(reads, blocking=False) == ("inline", "blocking=False", 0)
    assert decided(hello, blocking=True) == ("pool", "blocking=True", 0)


@pytest.mark.parametrize("handler", [gives, gives_on_the_loop])
@pytest.mark.parametrize("blocking", [False, True])
def test_a_generator_takes_no_word(handler: Callable[..., Any], *, blocking: bool) -> None:
    with pytest.raises(ConfigurationError, match=f"blocking={blocking} is for a `def` that returns; a generator"):
        decided(handler, blocking=blocking)


def test_classes_that_are_called_are_guarded() -> None:
    assert decided(answers)[2] == 3
    assert decided(errors)[2] == 1
    assert decided(hello)[2] == 0
