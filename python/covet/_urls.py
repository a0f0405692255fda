"""Paths from routes: the other direction of matching, for `url_for`.

Knows routes; nothing of requests.
"""

import enum
import re
from collections.abc import Callable, Mapping
from typing import Final

from covet._pattern import path_parameters
from covet.routing import Found, Routes

_PARAMETER: Final = re.compile(r"\{([^{}:]*)[^{}]*\}")
_PLAIN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@")


def url_for(routes: Routes, handler: str | Callable[..., object], params: Mapping[str, object]) -> str:
    """The path of a route, by handler or name, escaped. Unknown, or a parameter missing or left over: LookupError."""
    if not isinstance(handler, str) and not callable(handler):
        raise TypeError(f"url_for got {handler!r}: give it a handler or a route's name")
    candidates = [found for found in routes._walk("", ()) if _is(found, handler)]
    if not candidates:
        raise LookupError(f"no route for {handler!r}: give a handler or the name of a route")
    for found in candidates:
        if path_parameters(found.path).keys() == params.keys():
            return _fill(found.path, params)
    wanted = " or ".join(str(list(path_parameters(found.path))) for found in candidates)
    raise LookupError(f"the route of {handler!r} takes {wanted}, not {list(params)}")


def _is(found: Found, handler: str | Callable[..., object]) -> bool:
    if isinstance(handler, str):
        return found.route.name == handler
    return found.route.handler == handler


def _fill(path: str, params: Mapping[str, object]) -> str:
    """`path` with its parameters in place."""
    known = path_parameters(path)

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        text, whole = _text(params[name]), known[name].converter == "path"
        segments = text.split("/") if whole else [text]
        if any(segment in (".", "..") for segment in segments) or (not text and not whole):
            raise LookupError(f"parameter {name!r} is {text!r}, which no path can hold")
        return "/".join(_escape(segment) for segment in segments)

    return "".join(fill(part) if isinstance(part, re.Match) else _escape_literal(part) for part in _parts(path))


def _parts(path: str) -> list[str | re.Match[str]]:
    """Literal text and parameters of a pattern, in order."""
    parts: list[str | re.Match[str]] = []
    end = 0
    for match in _PARAMETER.finditer(path):
        parts += [path[end : match.start()], match]
        end = match.end()
    return [*parts, path[end:]]


def _text(value: object) -> str:
    """A value as it stands in a path."""
    if isinstance(value, enum.Enum):
        return _text(value.value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _escape(segment: str) -> str:
    """Percent-encoded UTF-8 of one segment (RFC 3986 section 3.3)."""
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in segment.encode())


def _escape_literal(text: str) -> str:
    """As `_escape`, slashes kept."""
    return "/".join(_escape(segment) for segment in text.split("/"))
