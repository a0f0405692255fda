"""The parameters that a path pattern names. Startup only; matching, and every other rule of a pattern, is the engine's.

Knows nothing of handlers.
"""

import re
from typing import Final, NamedTuple

from covet.errors import ConfigurationError

CONVERTERS: Final = ("str", "int", "float", "uuid", "path")
"""What may stand behind the colon of a parameter."""

_PARAMETER = re.compile(r"\{([^{}]*)\}")


class PathParameter(NamedTuple):
    """One `{name}` or `{name:converter}`."""

    name: str
    converter: str | None
    """None for a bare `{name}`: the annotation decides, and what does not fit is a 422."""


def path_parameters(path: str) -> dict[str, PathParameter]:
    """By name, in order. Malformed braces, a bad or repeated name, an unknown converter: ConfigurationError."""
    found: dict[str, PathParameter] = {}
    for match in _PARAMETER.finditer(path):
        name, colon, converter = match[1].partition(":")
        if not name.isidentifier():
            raise ConfigurationError(f"path {path!r}: {match[0]} does not name a parameter: write {{id}} or {{id:int}}")
        if colon and converter not in CONVERTERS:
            import difflib  # only for a mistake

            near = difflib.get_close_matches(converter, CONVERTERS, 1)
            raise ConfigurationError(
                f"path {path!r}: {match[0]} has the unknown converter {converter!r}: "
                + (f"did you mean {near[0]!r}?" if near else f"write one of {', '.join(CONVERTERS)}")
            )
        if name in found:
            raise ConfigurationError(f"path {path!r}: {{{name}}} stands in it twice: give each parameter its own name")
        found[name] = PathParameter(name, converter or None)
    rest = _PARAMETER.sub("", path)
    if "{" in rest or "}" in rest:
        raise ConfigurationError(f"path {path!r}: a brace is open or closed without its partner: write {{id}}")
    return found


def check_path(path: object, *, below_prefix: bool) -> str:
    """`path`, checked as far as one route can tell. No text, or no leading slash: ConfigurationError."""
    if not isinstance(path, str):
        raise ConfigurationError(f'the path is {path!r}: write it as text, as "/books/{{id}}"')
    if path.startswith("/") or (below_prefix and not path):
        path_parameters(path)
        return path
    raise ConfigurationError(f'path {path!r} does not start with "/": write {"/" + path!r}')


def check_prefix(prefix: object) -> str:
    """A router's prefix. No leading slash, or one at the end: ConfigurationError."""
    if not isinstance(prefix, str):
        raise ConfigurationError(f'the prefix is {prefix!r}: write it as text, as "/books"')
    if prefix and not prefix.startswith("/"):
        raise ConfigurationError(f'prefix {prefix!r} does not start with "/": write {"/" + prefix!r}')
    if prefix.endswith("/"):
        raise ConfigurationError(f'prefix {prefix!r} ends with "/": write {prefix.rstrip("/")!r}')
    path_parameters(prefix)
    return prefix
