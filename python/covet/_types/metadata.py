"""What stands beside a type in `Annotated`, in one vocabulary: covet's markers, and functions.

Owns how annotated-types' constraints are said with covet's own, and what is no constraint at all. Other libraries' are
in their adapters. Unknown objects mean something to somebody else and are passed over.
"""

import functools
import inspect
import types
from collections.abc import Callable, Iterator
from typing import Any

from covet import params
from covet._types import msgspec_types, pydantic_types
from covet._types.markers import Meaning, Validator, Zone
from covet._types.scope import shown
from covet.errors import ConfigurationError

_OWN = (
    params.Gt,
    params.Ge,
    params.Lt,
    params.Le,
    params.MultipleOf,
    params.MinLen,
    params.MaxLen,
    params.Len,
    params.Pattern,
    params.Field,
    params.Discriminator,
    params.Unix,
    Zone,
)
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, functools.partial)


def meanings(extra: object, annotation: object) -> Iterator[Meaning]:
    """What one item of `Annotated[annotation, ...]` says. A misuse that would be passed over: ConfigurationError."""
    if isinstance(extra, type) and extra.__module__ == params.__name__ and extra.__name__ in params.__all__:
        raise ConfigurationError(
            f"holds the class {extra.__name__}: write Annotated[{shown(annotation)}, {extra.__name__}(...)]"
        )
    if isinstance(extra, _OWN):
        yield extra
    elif isinstance(extra, _FUNCTIONS):
        if inspect.iscoroutinefunction(extra):
            raise ConfigurationError(
                f"has the validator {_name(extra)}, which is async: write a plain function, and wait in the handler"
            )
        yield extra
    else:
        module = type(extra).__module__.partition(".")[0]
        reader = _READERS.get(module)
        if reader is not None:
            for meant in reader(extra):
                yield from meanings(meant, annotation)


def _annotated_types(extra: Any) -> Iterator[object]:
    """annotated-types' classes by their names, so that the package is never imported here."""
    name = type(extra).__name__
    if name in ("Gt", "Ge", "Lt", "Le", "MultipleOf", "MinLen", "MaxLen"):
        own: Any = getattr(params, name)
        yield own(getattr(extra, own.__slots__[0]))
    elif name in ("Interval", "Len"):
        yield from extra
    elif name == "Timezone":
        if extra.tz is not None and extra.tz is not ...:
            raise ConfigurationError(f"has {extra!r}: a certain zone cannot be demanded; write Timezone(...) or None")
        yield Zone(extra.tz is not None)
    elif name == "Predicate":
        yield _predicate(extra.func)


def _predicate(test: Validator) -> Validator:
    """A validator that lets pass what `test` says True to."""

    def validate(value: Any) -> Any:
        if not test(value):
            raise ValueError(f"does not fit {_name(test)}")
        return value

    return validate


def _name(function: Any) -> str:
    return getattr(function, "__name__", repr(function))


_READERS: dict[str, Callable[[Any], Iterator[object]]] = {
    "annotated_types": _annotated_types,
    "msgspec": msgspec_types.read_meta,
    "pydantic": pydantic_types.read_metadata,
}
