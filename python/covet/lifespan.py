"""What runs around serving: the application's own start and end.

Knows an application only as the argument of its lifespan function.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from covet.errors import ConfigurationError

__all__ = ["around"]


def around(
    lifespan: Callable[[Any], AsyncIterator[object] | AbstractAsyncContextManager[object]] | None, app: object
) -> AbstractAsyncContextManager[object]:
    """An async context manager of `lifespan`: an async generator function, or one that returns a context manager.

    None: one that does nothing. Anything else: ConfigurationError.
    """
    if lifespan is None:
        return _nothing()
    made = lifespan(app)
    if isinstance(made, AbstractAsyncContextManager):
        return made
    if isinstance(made, AsyncIterator):
        return _generator(lambda: made)
    if hasattr(made, "close"):
        made.close()
    raise ConfigurationError(
        f"lifespan {getattr(lifespan, '__qualname__', lifespan)!r} returned {type(made).__name__}: "
        "write an `async def` that yields once"
    )


@asynccontextmanager
async def _nothing() -> AsyncIterator[None]:
    """No lifespan."""
    yield


def _generator(make: Callable[[], AsyncIterator[object]]) -> AbstractAsyncContextManager[object]:
    """An async generator as a context manager; it yields exactly once."""
    return asynccontextmanager(make)()
