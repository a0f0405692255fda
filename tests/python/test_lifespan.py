"""What may stand as `lifespan=`, and when its two halves run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from covet.errors import ConfigurationError
from covet.lifespan import around

EVENTS: list[object] = []


async def generator(app: object) -> AsyncIterator[str]:
    EVENTS.append(("start", app))
    yield "made"
    EVENTS.append("end")


manager = asynccontextmanager(generator)


async def forever(app: object) -> AsyncIterator[None]:
    yield
    yield


async def never(app: object) -> AsyncIterator[None]:
    if app is None:
        yield


async def coroutine(app: object) -> None: ...


def function(app: object) -> int:
    return 5


async def run(lifespan: Any) -> object:
    async with around(lifespan, "app") as value:
        EVENTS.append("serving")
    return value


@pytest.mark.parametrize("lifespan", [generator, manager])
def test_both_forms(lifespan: Any) -> None:
    EVENTS.clear()
    assert asyncio.run(run(lifespan)) == "made"
    assert EVENTS == [("start", "app"), "serving", "end"]


def test_none_does_nothing() -> None:
    assert asyncio.run(run(None)) is None


@pytest.mark.parametrize(
    ("lifespan", "text"),
    [
        (coroutine, "lifespan 'coroutine' returned coroutine: write an `async def` that yields once"),
        (function, "lifespan 'function' returned int: write an `async def` that yields once"),
    ],
)
def test_neither(lifespan: Any, text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        around(lifespan, "app")
    assert str(caught.value) == text


@pytest.mark.parametrize(("lifespan", "text"), [(never, "didn't yield"), (forever, "didn't stop")])
def test_yields_once(lifespan: Any, text: str) -> None:
    with pytest.raises(RuntimeError, match=text):
        asyncio.run(run(lifespan))
