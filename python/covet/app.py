"""The application: its routes and what it starts with.

Owns the words that a program gives once; what they become at start is `covet._compile`'s, serving is the engine's.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias, final

from covet._urls import url_for
from covet.config import Limits
from covet.errors import ConfigurationError
from covet.middleware import Middleware
from covet.routing import Routes

__all__ = ["Covet", "Lifespan"]

Lifespan: TypeAlias = Callable[["Covet"], AsyncIterator[object] | AbstractAsyncContextManager[object]]
"""Runs around serving."""


@final
class Covet(Routes):
    """An application."""

    def __init__(  # noqa: PLR0913 - one keyword for each thing that an application declares
        self,
        *,
        title: str = "Covet",
        version: str = "0.1.0",
        debug: bool = False,
        limits: Limits | None = None,
        middleware: Sequence[Middleware] = (),
        lifespan: Lifespan | None = None,
    ) -> None:
        """Mistakes: ConfigurationError.

        `debug`: tracebacks in answers. `limits` None: the server's. `middleware`: around every route and directory, the
        first outermost. `lifespan`: an async generator function that yields once, or a function that returns an async
        context manager.
        """
        if lifespan is not None and not callable(lifespan):
            raise ConfigurationError(f"lifespan is {lifespan!r}: write a function that takes the app")
        super().__init__("", limits, middleware)
        self.title = title
        self.version = version
        self.debug = debug
        self.lifespan = lifespan
        self._is_draining: Callable[[], bool] = lambda: False

    @property
    def is_draining(self) -> bool:
        """Whether the server is going to stop: what answers a readiness probe answers 503 from here on."""
        return self._is_draining()

    def watch_drain(self, is_draining: Callable[[], bool]) -> None:
        """The server's: where to ask."""
        self._is_draining = is_draining

    def __repr__(self) -> str:
        """Title and version."""
        return f"<Covet {self.title!r} {self.version}>"

    def url_for(self, handler: str | Callable[..., object], /, **params: object) -> str:
        """The path of a route, by handler or name, escaped. Unknown, a parameter missing or left over: LookupError."""
        return url_for(self, handler, params)
