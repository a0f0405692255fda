"""What a program says about its own types: `@model` on a class of fields, `@codec` for a class with code of its own.

Owns the two declarations and where they are kept; knows nothing of how types are read.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final, Literal, NamedTuple, TypeAlias, TypeVar

from covet.errors import ConfigurationError

__all__ = ["codec", "model"]

_T = TypeVar("_T")
_C = TypeVar("_C")

Rename: TypeAlias = Literal["camel", "pascal", "kebab", "snake", "upper", "lower"]

_OPTIONS: Final = "__covet_model__"
_codecs: Final[dict[type[Any], Any]] = {}


class ModelOptions(NamedTuple):
    """What `@model` said about a class."""

    unknown_fields: Literal["ignore", "forbid"] | None = None
    """None: as the route or the caller says."""
    rename: Rename | None = None
    """How names on the wire are made from names in Python."""


def model(
    *, unknown_fields: Literal["ignore", "forbid"] | None = None, rename: Rename | None = None
) -> Callable[[type[_T]], type[_T]]:
    """Options of a class of fields: a dataclass, TypedDict, NamedTuple or attrs class; write it above `@dataclass`.

    `unknown_fields="forbid"` refuses fields that the class does not have. `rename` makes the names on the wire, both
    ways, where `Field(alias=)` does not say one. A subclass has its parent's options until it says its own.
    A value that is not known, a Struct or a pydantic model: ConfigurationError.
    """
    if unknown_fields not in (None, "ignore", "forbid"):
        raise ConfigurationError(f'model has unknown_fields={unknown_fields!r}: write "ignore" or "forbid"')
    if rename is not None and rename not in _STYLES:
        raise ConfigurationError(f"model has rename={rename!r}: write one of {', '.join(_STYLES)}")

    def mark(cls: type[_T]) -> type[_T]:
        for mark_of_other, library, advice in _OTHERS:
            if hasattr(cls, mark_of_other):
                raise ConfigurationError(f"{cls.__qualname__} is a {library}: write {advice} there instead of @model")
        setattr(cls, _OPTIONS, ModelOptions(unknown_fields, rename))
        return cls

    return mark


_OTHERS: Final = (
    ("__struct_fields__", "msgspec Struct", "`rename=` and `forbid_unknown_fields=`"),
    ("__pydantic_validator__", "pydantic model", "`model_config`"),
)


def options_of(cls: type[Any]) -> ModelOptions:
    """What `@model` said about a class or its parents."""
    found = getattr(cls, _OPTIONS, None)
    return found if isinstance(found, ModelOptions) else ModelOptions()


def codec(cls: type[Any]) -> Callable[[_C], _C]:
    """Register the decorated class as the code that reads and writes `cls`.

    It has `decode(value)`, whose annotated parameter says what is read from the wire, `encode(value)`, which gives that
    back, and where needed `schema`, a JSON Schema of the wire form. `decode` raises ValueError for what a client did
    wrong. Declare it before `cls` is used; a second codec for one class: ConfigurationError.
    """
    if not isinstance(cls, type):
        raise ConfigurationError(
            f"codec is for {cls!r}, which is no class: write @codec(MyClass) above the codec's class"
        )

    def register(coder: _C) -> _C:
        if cls in _codecs:
            raise ConfigurationError(
                f"{cls.__qualname__} has a codec already, {type(_codecs[cls]).__qualname__}: keep one"
            )
        made = coder() if isinstance(coder, type) else coder
        for name in ("decode", "encode"):
            if not callable(getattr(made, name, None)):
                raise ConfigurationError(
                    f"the codec of {cls.__qualname__} has no {name}: write `def {name}(self, value: ...)`"
                )
        _codecs[cls] = made
        return coder

    return register


def codec_of(cls: type[Any]) -> Any:
    """The registered codec of exactly this class, or None."""
    return _codecs.get(cls)


def renamed(name: str, style: Rename) -> str:
    """`name`, written as `style` says. Leading and trailing underscores stay; words are split at single underscores."""
    core = name.strip("_")
    lead = name[: len(name) - len(name.lstrip("_"))]
    trail = name[len(lead) + len(core) :]
    return lead + _STYLES[style](core) + trail if core else name


def _words(name: str) -> list[str]:
    return [word for word in name.split("_") if word]


def _snake(name: str) -> str:
    """`fooBar` as `foo_bar`: an underscore before each capital that follows a small letter or digit."""
    made = [name[0]]
    for before, letter in pairwise(name):
        if letter.isupper() and (before.islower() or before.isdigit()):
            made.append("_")
        made.append(letter)
    return "".join(made).lower()


_STYLES: Final[dict[str, Callable[[str], str]]] = {
    "camel": lambda name: "".join(
        word if index == 0 else word[0].upper() + word[1:] for index, word in enumerate(_words(name))
    ),
    "pascal": lambda name: "".join(word[0].upper() + word[1:] for word in _words(name)),
    "kebab": lambda name: "-".join(_words(name)),
    "snake": _snake,
    "upper": str.upper,
    "lower": str.lower,
}
