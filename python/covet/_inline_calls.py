"""What a function on the loop's thread may call.

Built-in functions and methods that take microseconds whatever the argument, and the classes of answers and errors.
`covet._inline` asks it; it knows nothing of bytecode.
Left out on purpose: what can grow its argument (`str.replace`, `str.center`, `*` on text, `**`) or run foreign code.
"""

import sys
from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

Types: TypeAlias = frozenset[type] | None
"""The exact types that a value may have; None for unknown."""

NO_OBJECT: Final = object()
"""Stands for the NULL that CPython puts beside a callable."""
ATTRIBUTE_BIT: Final = sys.version_info >= (3, 12)
"""Since CPython 3.12 LOAD_ATTR also loads methods, and a bit of its argument says so."""
NULL_FIRST: Final = sys.version_info < (3, 13)
"""CPython 3.11 and 3.12 put the NULL below the callable, later versions above."""

_SCALARS: Final[frozenset[type]] = frozenset({str, int, float, bool, type(None)})
_NUMBERS: Final[frozenset[type]] = frozenset({int, float, bool})
_SIZED: Final[frozenset[type]] = frozenset({str, bytes, dict, list, tuple, set, frozenset})


class Allowed(NamedTuple):
    """One callable: how many arguments, of which types, and what it gives."""

    least: int
    most: int
    kinds: frozenset[type]
    gives: Types
    free_first: bool = False
    """The first argument may be anything."""
    keywords: frozenset[str] = frozenset()

    def takes(self, arguments: Sequence[Types], keywords: Sequence[str]) -> bool:
        """Whether a call with these arguments is known to be short."""
        if not self.least <= len(arguments) <= self.most or not self.keywords.issuperset(keywords):
            return False
        checked = arguments[1:] if self.free_first else arguments
        return all(types is not None and types <= self.kinds for types in checked)


def _one(kinds: frozenset[type], *gives: type) -> Allowed:
    """A callable of one argument."""
    return Allowed(1, 1, kinds, frozenset(gives))


def _text(least: int, most: int, *gives: type) -> Allowed:
    """A method of str that takes text."""
    return Allowed(least, most, frozenset({str, type(None)}), frozenset(gives))


_METHODS: Final[dict[object, Allowed]] = {
    **{(str, name): _text(0, 0, str) for name in ("lower", "upper", "title", "capitalize", "casefold", "swapcase")},
    **{(str, name): _text(0, 1, str) for name in ("strip", "lstrip", "rstrip")},
    **{(str, name): _text(1, 1, str) for name in ("removeprefix", "removesuffix")},
    **{(str, name): _text(1, 1, bool) for name in ("startswith", "endswith")},
    **{(str, name): _text(0, 0, bool) for name in ("isdigit", "isdecimal", "isalpha", "isalnum", "isascii", "isspace")},
    (dict, "get"): Allowed(1, 2, _SCALARS | _SIZED, None),
}
ALLOWED: Final[dict[object, Allowed]] = {
    **_METHODS,
    ("builtin", "len"): _one(_SIZED, int),
    ("builtin", "str"): _one(_SCALARS, str),
    ("builtin", "repr"): _one(_SCALARS, str),
    ("builtin", "int"): _one(_SCALARS, int),
    ("builtin", "float"): _one(_SCALARS, float),
    ("builtin", "bool"): _one(_SCALARS | _SIZED, bool),
    ("builtin", "abs"): _one(_NUMBERS, int, float),
    ("builtin", "round"): Allowed(1, 2, _NUMBERS, frozenset({int, float})),
    ("builtin", "min"): Allowed(2, 8, _NUMBERS, _NUMBERS),
    ("builtin", "max"): Allowed(2, 8, _NUMBERS, _NUMBERS),
}
_BUILTINS: Final[tuple[object, ...]] = (len, str, repr, int, float, bool, abs, round, min, max)
_ANSWER: Final = Allowed(
    0,
    4,
    _SCALARS | {dict},
    None,
    free_first=True,
    keywords=frozenset({"content", "status_code", "headers", "media_type"}),
)
ERROR: Final = Allowed(0, 3, _SCALARS | {dict}, None, keywords=frozenset({"status_code", "detail", "headers"}))
"""The rule for the classes of errors."""
_ANSWERS: Final = frozenset({"Response", "JSONResponse", "PlainTextResponse", "HTMLResponse"})
_NO_ERRORS: Final = frozenset({"CovetError", "ConfigurationError", "ErrorDetail", "RequestValidationError"})


def method_of(kinds: frozenset[type], name: str) -> object:
    """The key of a method of exactly one known type; None where it is not allowed."""
    found = [(kind, name) for kind in kinds if (kind, name) in _METHODS]
    return found[0] if len(found) == len(kinds) == 1 else None


def key(known: object) -> object:
    """The key of a callable in `ALLOWED`."""
    if isinstance(known, tuple):
        return known
    if any(known is builtin for builtin in _BUILTINS):
        return ("builtin", getattr(known, "__name__", ""))
    return None


def constructor(known: object) -> Allowed | None:
    """The rule for a class of covet's answers or errors; None for anything else."""
    name = getattr(known, "__name__", "")
    if not isinstance(known, type) or name in _NO_ERRORS:
        return None
    if getattr(sys.modules.get("covet.errors"), name, None) is known:
        return ERROR
    return _ANSWER if name in _ANSWERS and getattr(sys.modules.get("covet.responses"), name, None) is known else None


def shown(types: Types) -> str:
    """Types as a person reads them."""
    if types is None:
        return "a value of unknown type"
    return " or ".join(sorted("None" if kind is type(None) else kind.__name__ for kind in types))


def name_of(known: object) -> str:
    """A callable as a person reads it."""
    if isinstance(known, tuple):
        return f"{known[0].__name__}.{known[1]}"
    name = getattr(known, "__qualname__", None)
    return name if isinstance(name, str) else "a value that only the call knows"
