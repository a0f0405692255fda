"""A web server and framework for Python whose engine is Rust.

Owns the list of public names and where each lives. A name is imported when it is first used, so that the supervisor,
which needs none of them, starts without asyncio and without the engine.
"""

TYPE_CHECKING = False  # as typing's own, which costs 5 ms to import

if TYPE_CHECKING:
    from covet.app import Covet, Lifespan
    from covet.config import Limits, Names, Seconds, Size, StrPath
    from covet.errors import (
        BadRequest,
        ConfigurationError,
        Conflict,
        ContentTooLarge,
        CovetError,
        ErrorDetail,
        Forbidden,
        Gone,
        HTTPException,
        MethodNotAllowed,
        NotFound,
        RequestValidationError,
        ServiceUnavailable,
        TooManyRequests,
        Unauthorized,
        UnsupportedMediaType,
    )
    from covet.params import Path, Query
    from covet.requests import URL, Address, Headers, QueryParams, Request, State
    from covet.responses import (
        HTMLResponse,
        JSONResponse,
        MutableHeaders,
        PlainTextResponse,
        RedirectResponse,
        Response,
    )
    from covet.routing import RouteOptions, Router
    from covet.server import Server

_MODULES = {
    "app": ("Covet", "Lifespan"),
    "config": ("Limits", "Names", "Seconds", "Size", "StrPath"),
    "params": ("Path", "Query"),
    "requests": ("URL", "Address", "Headers", "QueryParams", "Request", "State"),
    "responses": (
        "HTMLResponse",
        "JSONResponse",
        "MutableHeaders",
        "PlainTextResponse",
        "RedirectResponse",
        "Response",
    ),
    "routing": ("RouteOptions", "Router"),
    "server": ("Server",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}
"""Where a public name lives that is no error; those live in `covet.errors`."""

__all__ = [
    "URL",
    "Address",
    "BadRequest",
    "ConfigurationError",
    "Conflict",
    "ContentTooLarge",
    "Covet",
    "CovetError",
    "ErrorDetail",
    "Forbidden",
    "Gone",
    "HTMLResponse",
    "HTTPException",
    "Headers",
    "JSONResponse",
    "Lifespan",
    "Limits",
    "MethodNotAllowed",
    "MutableHeaders",
    "Names",
    "NotFound",
    "Path",
    "PlainTextResponse",
    "Query",
    "QueryParams",
    "RedirectResponse",
    "Request",
    "RequestValidationError",
    "Response",
    "RouteOptions",
    "Router",
    "Seconds",
    "Server",
    "ServiceUnavailable",
    "Size",
    "State",
    "StrPath",
    "TooManyRequests",
    "Unauthorized",
    "UnsupportedMediaType",
]


def __getattr__(name: str) -> object:
    """Import the home of a public name at its first use."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES.get(name, "errors")
    value: object = getattr(__import__(f"{__name__}.{home}", fromlist=(name,)), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, imported or not."""
    return sorted({*globals(), *__all__})
