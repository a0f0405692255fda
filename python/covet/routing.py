"""Routes and routers: what `Covet` and `Router` share.

Owns the declarations in the order in which they were written and their checks at the decorator; what they become is
`covet._compile`'s, matching is the engine's.
"""

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any, Final, Literal, TypedDict, TypeVar, Unpack, final

from covet._modes import decide
from covet._pattern import check_path, check_prefix, path_parameters
from covet._signature import (
    Handler,
    Hints,
    NotInPath,
    Signature,
    check_handler,
    is_async,
    name_of,
    read_hints,
    read_signature,
)
from covet.config import Limits, Names, Seconds, Size, StrPath, seconds, size_in_bytes
from covet.errors import ConfigurationError
from covet.middleware import Middleware, check_middleware

__all__ = ["RouteOptions", "Router", "Routes"]

_F = TypeVar("_F", bound=Callable[..., object])

_METHOD: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class RouteOptions(TypedDict, total=False):
    """What every route decorator takes by keyword. Anything that cannot hold: ConfigurationError at the decorator."""

    name: str
    """For `url_for` and logs. Default: the function's name."""
    middleware: Sequence[Middleware]
    """Around this route only, first outermost. Default: ()."""
    limits: Limits
    """Default: the router's."""
    status_code: int
    """Of a plain returned value. Default: 200, or 204 for `-> None`."""
    response_model: Any
    """Encode as this type, reading attributes of a foreign object. Default: the return annotation."""
    response_check: bool
    """Validate what is returned; a mismatch is a 500. Default: False."""
    max_body: Size | None
    """Bytes of body, None for unlimited; over it 413. Default: 2 MiB."""
    timeout: Seconds | None
    """Over it 504 and cancelled. Default: None, unlimited."""
    max_concurrency: int | None
    """In flight per worker; over it queued. Default: None, unlimited."""
    queue: int
    """Waiting for `max_concurrency`; over it 503. Default: 0."""
    on_disconnect: Literal["cancel", "finish"]
    """When the client goes. Default: "cancel" for GET, HEAD and QUERY, else "finish"."""
    blocking: bool
    """False runs a `def` on the loop's thread. Default: decided from its code."""


class Place:
    """Where a decorator stands: for messages, and for names that hints use."""

    __slots__ = ("file", "frame", "line")

    def __init__(self, frame: FrameType) -> None:
        self.file = frame.f_code.co_filename
        self.line = frame.f_lineno
        self.frame: FrameType | None = frame

    def names(self) -> dict[str, object]:
        """Local names at the decorator; after `forget`, none."""
        frame = self.frame
        return {} if frame is None or frame.f_locals is frame.f_globals else dict(frame.f_locals)

    def forget(self) -> None:
        """Let go of the caller's frame and all that it holds."""
        self.frame = None

    def __str__(self) -> str:
        """As "app.py:12"."""
        return f"{self.file}:{self.line}"


class Route:
    """One declaration, checked as far as its line can tell."""

    __slots__ = ("_hints", "_signature", "handler", "limits", "methods", "middleware", "options", "path", "place")

    def __init__(self, methods: tuple[str, ...], path: str, options: RouteOptions, place: Place) -> None:
        self.methods = methods
        self.path = path
        self.options = options
        self.limits = _route_limits(options)
        self.middleware = check_middleware(options.get("middleware", ()))
        self.place = place
        self.handler: Handler = _no_handler
        self._hints: Hints | None = None
        self._signature: tuple[str, Signature] | None = None

    @property
    def name(self) -> str:
        """As declared, or the function's."""
        return self.options.get("name") or name_of(self.handler)

    @property
    def origin(self) -> str:
        """As "app.py:12 in hello"."""
        return f"{self.place} in {name_of(self.handler)}"

    def attach(self, handler: object, path: str, *, nested: bool) -> None:
        """Take the function that the decorator was put on; `path` is as much of the full path as is known by now.

        What the function cannot be: ConfigurationError. `nested`: a prefix may still come before `path`.
        """
        try:
            self.handler = check_handler(handler)
            if is_async(self.handler) and "blocking" in self.options:
                decide(self.handler, (), self.options["blocking"])
            self._signature = path, self._read(path)
        except NotInPath as error:
            if not nested:
                raise self.mistake(error) from None
        except ConfigurationError as error:
            raise self.mistake(error) from None
        except NameError:
            return  # a hint names what comes later in the file: read again at start

    def signature(self, path: str) -> Signature:
        """The handler's signature for the full `path`, at start. What does not fit: ConfigurationError."""
        if self._signature is not None and path == self._signature[0]:
            return self._signature[1]
        try:
            return self._read(path)
        except ConfigurationError as error:
            raise self.mistake(error) from None
        except NameError as error:
            raise self.mistake(
                ConfigurationError(
                    f"a hint names {error.name!r}, which is not defined: define or import it before the start"
                )
            ) from None

    def mistake(self, error: ConfigurationError) -> ConfigurationError:
        """`error` with the place of the decorator before it."""
        return ConfigurationError(f"{self.origin}: {error}")

    def _read(self, path: str) -> Signature:
        if self._hints is None:
            self._hints = read_hints(self.handler, self.place.names(), self.options)
            self.place.forget()
        signature = read_signature(path_parameters(path), self._hints)
        status = self.options.get("status_code", 200)
        returned = signature.returned
        if returned.plan.form != "empty" and returned.annotated and status in (204, 205, 304):
            raise ConfigurationError(
                f"status_code={status} has no body, but the handler returns one: annotate it `-> None`"
            )
        return signature


class Included:
    """A router among the declarations of another."""

    __slots__ = ("place", "prefix", "router")

    def __init__(self, router: "Router", prefix: str, place: Place) -> None:
        self.router = router
        self.prefix = prefix
        self.place = place


class Files:
    """A directory among the declarations."""

    __slots__ = ("directory", "path", "place", "spa")

    def __init__(self, path: str, directory: str, place: Place, *, spa: bool) -> None:
        self.path = path
        self.directory = directory
        self.spa = spa
        self.place = place


class Routes:
    """The decorators. A path has `{id}`, `{id:int}` (int, float, uuid, str), `{rest:path}`."""

    def __init__(self, prefix: str = "", limits: Limits | None = None, middleware: Sequence[Middleware] = ()) -> None:
        if limits is not None and not isinstance(limits, Limits):
            raise ConfigurationError(f'limits is {limits!r}: write Limits(max_body="1MB")')
        self._prefix = check_prefix(prefix)
        self._limits = limits
        self._middleware = check_middleware(middleware)
        self._declared: list[Route | Included | Files] = []
        self._closed = False

    def get(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[_F], _F]:
        """GET, and HEAD with it."""
        return self._declare(("GET",), path, options)

    def post(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[_F], _F]:
        """POST."""
        return self._declare(("POST",), path, options)

    def put(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[_F], _F]:
        """PUT."""
        return self._declare(("PUT",), path, options)

    def patch(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[_F], _F]:
        """PATCH."""
        return self._declare(("PATCH",), path, options)

    def delete(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[_F], _F]:
        """DELETE."""
        return self._declare(("DELETE",), path, options)

    def head(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[_F], _F]:
        """HEAD, instead of the one that comes with GET."""
        return self._declare(("HEAD",), path, options)

    def options(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[_F], _F]:
        """OPTIONS, instead of the automatic one."""
        return self._declare(("OPTIONS",), path, options)

    def query(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[_F], _F]:
        """QUERY."""
        return self._declare(("QUERY",), path, options)

    def route(self, path: str, *, methods: Names | Literal["*"], **options: Unpack[RouteOptions]) -> Callable[[_F], _F]:
        """Several methods, or "*" for all."""
        return self._declare(_methods(methods), path, options)

    def include_router(self, router: "Router", *, prefix: str = "") -> None:
        """Add its routes below `prefix` + its own; those that it gets later too.

        No Router: ConfigurationError. Itself, or two routes that could both match: ConfigurationError at start.
        """
        self._check_open()
        if not isinstance(router, Router):
            raise ConfigurationError(f"include_router got {router!r}: give it a Router")
        place = Place(sys._getframe(1))
        place.forget()
        self._declared.append(Included(router, check_prefix(prefix), place))

    def static(self, path: str, directory: StrPath, *, spa: bool = False) -> None:
        """Files of `directory`; `spa`: index.html for what is missing. No such directory: ConfigurationError at start.

        Hidden files, and links that lead out of the directory, are missing. A directory answers with its index.html,
        never with a list. With `spa` a missing script, style or image is still a 404. A file that has a sibling with
        `.br`, `.zst` or `.gz` is sent compressed to who accepts it; a name with a digest is cached for a year.
        """
        self._check_open()
        place = Place(sys._getframe(1))
        place.forget()
        try:
            checked = check_path(path, below_prefix=bool(self._prefix))
            if path_parameters(checked):
                raise ConfigurationError(f"the path of static files is {path!r}: it takes no parameters")
            if not isinstance(directory, str | os.PathLike) or not isinstance(os.fspath(directory), str):
                raise ConfigurationError(f'directory is {directory!r}: write a path, as "dist"')
            if not isinstance(spa, bool):
                raise ConfigurationError(f"spa is {spa!r}: write True or False")
        except ConfigurationError as error:
            raise ConfigurationError(f"{place}: {error}") from None
        self._declared.append(Files(checked, os.fspath(directory), place, spa=spa))

    def _declare(self, methods: tuple[str, ...], path: str, options: RouteOptions) -> Callable[[_F], _F]:
        """A decorator that adds one route."""
        self._check_open()
        place = Place(sys._getframe(2))
        try:
            checked = check_path(path, below_prefix=bool(self._prefix))
            route = Route(methods, checked, _options(options), place)
        except ConfigurationError as error:
            raise ConfigurationError(f"{place}: {error}") from None

        def decorate(handler: _F) -> _F:
            route.attach(handler, self._prefix + checked, nested=isinstance(self, Router))
            self._declared.append(route)
            return handler

        return decorate

    def close_routes(self) -> None:
        """From now on a new route is a mistake: the server has compiled what there was."""
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise ConfigurationError("the server has started: declare routes before it")

    def _walk(
        self,
        above: str,
        limits: tuple[Limits, ...],
        within: tuple["Routes", ...] = (),
        outside: tuple[Middleware, ...] = (),
    ) -> Iterator["Found"]:
        """Every route, with its full path, the limits around it, the innermost first, and its middleware, that last."""
        if self in within:
            raise ConfigurationError(
                f"the router with prefix {self._prefix!r} includes itself: remove one include_router"
            )
        around = limits if self._limits is None else (self._limits, *limits)
        middleware = (*outside, *self._middleware)
        for declared in tuple(self._declared):
            if isinstance(declared, Route):
                own = around if declared.limits is None else (declared.limits, *around)
                yield Found(declared, above + self._prefix + declared.path, own, (*middleware, *declared.middleware))
            elif isinstance(declared, Included):
                below = above + self._prefix + declared.prefix
                yield from declared.router._walk(below, around, (*within, self), middleware)

    def _walk_files(self, above: str, outside: tuple[Middleware, ...] = ()) -> Iterator["FoundFiles"]:
        """Every directory, with its full path. After `_walk`, which finds a router that includes itself."""
        middleware = (*outside, *self._middleware)
        for declared in tuple(self._declared):
            if isinstance(declared, Files):
                yield FoundFiles(declared, above + self._prefix + declared.path, middleware)
            elif isinstance(declared, Included):
                yield from declared.router._walk_files(above + self._prefix + declared.prefix, middleware)


class Found:
    """A route where it ended up."""

    __slots__ = ("limits", "middleware", "path", "route")

    def __init__(
        self, route: Route, path: str, limits: tuple[Limits, ...], middleware: tuple[Middleware, ...] = ()
    ) -> None:
        self.route = route
        self.path = path
        self.limits = limits
        self.middleware = middleware


class FoundFiles:
    """A directory where it ended up."""

    __slots__ = ("files", "middleware", "path")

    def __init__(self, files: Files, path: str, middleware: tuple[Middleware, ...]) -> None:
        self.files = files
        self.path = path
        self.middleware = middleware


@final
class Router(Routes):
    """Routes under one prefix with shared middleware and limits; the middleware covers its static files too."""

    def __init__(
        self, prefix: str = "", *, middleware: Sequence[Middleware] = (), limits: Limits | None = None
    ) -> None:
        """`prefix` starts with "/" and does not end with it, else ConfigurationError; `limits` None: the app's."""
        super().__init__(prefix, limits, middleware)


def _no_handler() -> None:
    """Stands where a decorator was called but not yet put on a function."""


def _methods(methods: object) -> tuple[str, ...]:
    """Checked and upper case."""
    if methods == "*":
        return ("*",)
    if not isinstance(methods, (list, tuple, set, frozenset)) or not methods:
        raise ConfigurationError(f'methods is {methods!r}: write a list, as ["GET", "POST"], or "*"')
    for method in methods:
        if not isinstance(method, str) or not _METHOD.fullmatch(method) or method == "*":
            raise ConfigurationError(f'methods has {method!r}: write names of methods, as "GET"')
    ordered = sorted(methods) if isinstance(methods, (set, frozenset)) else methods
    return tuple(dict.fromkeys(method.upper() for method in ordered))


def _options(options: RouteOptions) -> RouteOptions:
    """Checked: a keyword that does not exist, or a value that cannot hold, is a ConfigurationError."""
    for name in options:
        if name not in RouteOptions.__annotations__:
            known = ", ".join(RouteOptions.__annotations__)
            raise ConfigurationError(f"a route has no option {name!r}: write one of {known}")
    name = options.get("name", "a")
    if not isinstance(name, str) or not name:
        raise ConfigurationError(f"name is {name!r}: write text")
    status = options.get("status_code", 200)
    if type(status) is not int or not 200 <= status <= 599:
        raise ConfigurationError(f"status_code is {status!r}: write an int from 200 to 599")
    if options.get("on_disconnect", "cancel") not in ("cancel", "finish"):
        raise ConfigurationError(f"on_disconnect is {options.get('on_disconnect')!r}: write 'cancel' or 'finish'")
    if not isinstance(options.get("blocking", True), bool):
        raise ConfigurationError(f"blocking is {options.get('blocking')!r}: write True or False")
    if not isinstance(options.get("response_check", True), bool):
        raise ConfigurationError(f"response_check is {options.get('response_check')!r}: write True or False")
    if not isinstance(options.get("limits", Limits()), Limits):
        raise ConfigurationError(f'limits is {options.get("limits")!r}: write Limits(max_body="1MB")')
    return options


def _route_limits(options: RouteOptions) -> Limits | None:
    """What the route itself says, its own keywords before its `limits`."""
    max_body, timeout = options.get("max_body"), options.get("timeout")
    given = options.get("limits")
    own: dict[str, object] = {}
    if given is not None:
        own |= {name: getattr(given, name) for name in Limits.NAMES if given.says(name)}
    if "max_body" in options:
        own["max_body"] = None if max_body is None else size_in_bytes(max_body, "max_body")
    if "timeout" in options:
        own["timeout"] = None if timeout is None else seconds(timeout, "timeout")
    for name in ("max_concurrency", "queue"):
        if name in options:
            own[name] = options.get(name)
    return Limits(**own) if own else None  # type: ignore[arg-type]
