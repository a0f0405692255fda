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
    from covet.middleware import Compress, Declaration, Middleware
    from covet.models import codec, model
    from covet.params import (
        Body,
        Cookie,
        Discriminator,
        Field,
        File,
        Form,
        Ge,
        Gt,
        Header,
        Le,
        Len,
        Lt,
        MaxLen,
        MinLen,
        MultipleOf,
        Path,
        Pattern,
        Query,
        Unix,
    )
    from covet.requests import URL, Address, FormData, Headers, QueryParams, Request, State, UploadFile
    from covet.responses import (
        Event,
        EventSourceResponse,
        FileResponse,
        HTMLResponse,
        JSONResponse,
        MutableHeaders,
        PlainTextResponse,
        RedirectResponse,
        Response,
        StreamingResponse,
    )
    from covet.routing import RouteOptions, Router
    from covet.server import Server

_MODULES = {
    "app": ("Covet", "Lifespan"),
    "config": ("Limits", "Names", "Seconds", "Size", "StrPath"),
    "middleware": ("Compress", "Declaration", "Middleware"),
    "models": ("codec", "model"),
    "params": (
        "Body",
        "Cookie",
        "Discriminator",
        "Field",
        "File",
        "Form",
        "Ge",
        "Gt",
        "Header",
        "Le",
        "Len",
        "Lt",
        "MaxLen",
        "MinLen",
        "MultipleOf",
        "Path",
        "Pattern",
        "Query",
        "Unix",
    ),
    "requests": ("URL", "Address", "FormData", "Headers", "QueryParams", "Request", "State", "UploadFile"),
    "responses": (
        "Event",
        "EventSourceResponse",
        "FileResponse",
        "HTMLResponse",
        "JSONResponse",
        "MutableHeaders",
        "PlainTextResponse",
        "RedirectResponse",
        "Response",
        "StreamingResponse",
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
    "Body",
    "Compress",
    "ConfigurationError",
    "Conflict",
    "ContentTooLarge",
    "Cookie",
    "Covet",
    "CovetError",
    "Declaration",
    "Discriminator",
    "ErrorDetail",
    "Event",
    "EventSourceResponse",
    "Field",
    "File",
    "FileResponse",
    "Forbidden",
    "Form",
    "FormData",
    "Ge",
    "Gone",
    "Gt",
    "HTMLResponse",
    "HTTPException",
    "Header",
    "Headers",
    "JSONResponse",
    "Le",
    "Len",
    "Lifespan",
    "Limits",
    "Lt",
    "MaxLen",
    "MethodNotAllowed",
    "Middleware",
    "MinLen",
    "MultipleOf",
    "MutableHeaders",
    "Names",
    "NotFound",
    "Path",
    "Pattern",
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
    "StreamingResponse",
    "TooManyRequests",
    "Unauthorized",
    "Unix",
    "UnsupportedMediaType",
    "UploadFile",
    "codec",
    "model",
]


def __getattr__(name: str) -> object:
    """Import the home of a public name, or the module `json`, at its first use."""
    if name == "json":
        return __import__(f"{__name__}.json", fromlist=("json",))
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES.get(name, "errors")
    value: object = getattr(__import__(f"{__name__}.{home}", fromlist=(name,)), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, imported or not."""
    return sorted({*globals(), *__all__})
