"""Where a parameter comes from and what it must satisfy: the markers for `Annotated`. Never default values.

Owns the markers and what can be wrong with one by itself; whether one fits the annotated type is decided where the
annotation is read, in `covet._types`.
"""

import math
from collections.abc import Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any, Literal, TypeAlias, final

from covet.errors import ConfigurationError

__all__ = [
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
]

_Ordered: TypeAlias = int | float | Decimal | date | time | timedelta


class _Marker:
    """Compared and shown by what it was made of, so that equal annotations are equal."""

    __slots__ = ()

    def _parts(self) -> dict[str, Any]:
        """Every attribute with its value, in the order of the constructor."""
        return {
            name: getattr(self, name) for cls in reversed(type(self).__mro__) for name in vars(cls).get("__slots__", ())
        }

    def __eq__(self, other: object) -> bool:
        """Equal where the class and every part are; 1, 1.0 and True are different parts."""
        return type(other) is type(self) and repr(self) == repr(other)

    def __hash__(self) -> int:
        """As `__eq__`."""
        return hash(repr(self))

    def __repr__(self) -> str:
        """As it was written."""
        parts = self._parts()
        said = [f"{name}={value!r}" if len(parts) > 1 else repr(value) for name, value in parts.items()]
        return f"{type(self).__name__}({', '.join(said)})"


def _checked_text(owner: object, name: str, value: object) -> None:
    """Refuse what is neither None nor a text that says something."""
    if value is not None and (not isinstance(value, str) or not value):
        advice = "write the name on the wire as text" if name == "alias" else "write a text, or leave it out"
        raise ConfigurationError(f"the {name} of {type(owner).__name__} is {value!r}: {advice}")


def _checked_examples(owner: object, examples: object) -> tuple[object, ...]:
    """The examples as a tuple. One value instead of a sequence: ConfigurationError."""
    if isinstance(examples, (str, bytes)) or not isinstance(examples, Sequence):
        raise ConfigurationError(
            f"the examples of {type(owner).__name__} are {examples!r}: write a list, as [{examples!r}]"
        )
    return tuple(examples)


class _Described(_Marker):
    """A name on the wire, and words for OpenAPI."""

    __slots__ = ("alias", "deprecated", "description", "examples")

    alias: str | None
    """The name on the wire; None: the parameter's own."""
    description: str | None
    """For people, in OpenAPI."""
    examples: tuple[object, ...]
    """Values as JSON holds them."""
    deprecated: bool
    """Whether OpenAPI says that clients should stop sending it."""

    def __init__(
        self,
        alias: str | None = None,
        *,
        description: str | None = None,
        examples: Sequence[object] = (),
        deprecated: bool = False,
    ) -> None:
        """`alias` is the name on the wire (default: the parameter's); the rest goes to OpenAPI."""
        _checked_text(self, "alias", alias)
        _checked_text(self, "description", description)
        if not isinstance(deprecated, bool):
            raise ConfigurationError(
                f"deprecated of {type(self).__name__} is {deprecated!r}: write True or False, "
                f"and the reason as description"
            )
        self.alias = alias
        self.description = description
        self.examples = _checked_examples(self, examples)
        self.deprecated = deprecated

    def __repr__(self) -> str:
        """As it was written, without what was left out."""
        said = [f"{name}={value!r}" for name, value in sorted(self._parts().items()) if value and name != "alias"]
        if self.alias is not None:
            said.insert(0, repr(self.alias) if not isinstance(self, Field) else f"alias={self.alias!r}")
        return f"{type(self).__name__}({', '.join(said)})"


@final
class Query(_Described):
    """From the query string; a body type becomes an object of query fields."""

    __slots__ = ()


@final
class Path(_Described):
    """From the path."""

    __slots__ = ()


@final
class Header(_Described):
    """From a header; `user_agent` reads `User-Agent` unless `alias` says otherwise."""

    __slots__ = ()


@final
class Cookie(_Described):
    """From a cookie."""

    __slots__ = ()


@final
class Form(_Described):
    """From an urlencoded or multipart form; a body type becomes an object of form fields."""

    __slots__ = ()


@final
class File(_Described):
    """From a multipart file; the type is UploadFile, bytes or a list of them."""

    __slots__ = ("sha256",)

    sha256: bool
    """Whether `UploadFile.sha256` is computed while it arrives."""

    def __init__(
        self,
        alias: str | None = None,
        *,
        description: str | None = None,
        examples: Sequence[object] = (),
        deprecated: bool = False,
        sha256: bool = False,
    ) -> None:
        """`alias` is the name on the wire (default: the parameter's); `sha256` asks for the digest."""
        super().__init__(alias, description=description, examples=examples, deprecated=deprecated)
        if not isinstance(sha256, bool):
            raise ConfigurationError(f"sha256 of File is {sha256!r}: write True or False")
        self.sha256 = sha256


@final
class Field(_Described):
    """Options of one field of a body type: `Annotated[T, Field(...)]`."""

    __slots__ = ()

    def __init__(
        self,
        *,
        alias: str | None = None,
        description: str | None = None,
        examples: Sequence[object] = (),
        deprecated: bool = False,
    ) -> None:
        """`alias` is the name on the wire, both ways; the rest goes to OpenAPI."""
        super().__init__(alias, description=description, examples=examples, deprecated=deprecated)


@final
class Body(_Marker):
    """From the body: one owner per request. Another content type than declared: 415."""

    __slots__ = ("content_types", "description", "examples")

    content_types: tuple[str, ...]
    """"json", "form" or media types; none means JSON (for `bytes`: any)."""
    description: str | None
    """For people, in OpenAPI."""
    examples: tuple[object, ...]
    """Values as JSON holds them."""

    def __init__(self, *content_types: str, description: str | None = None, examples: Sequence[object] = ()) -> None:
        """`content_types`: "json", "form" or a media type; none means JSON (for `bytes`: any)."""
        for content_type in content_types:
            known = isinstance(content_type, str) and (
                content_type in ("json", "form") or content_type.strip("/").count("/") == 1
            )
            if not known or ";" in content_type or content_type != content_type.strip():
                raise ConfigurationError(
                    f'Body has the content type {content_type!r}: write "json", "form" or a media type without '
                    f'parameters, as "text/plain"'
                )
        _checked_text(self, "description", description)
        self.content_types = content_types
        self.description = description
        self.examples = _checked_examples(self, examples)

    def __repr__(self) -> str:
        """As it was written, without what was left out."""
        said = [repr(each) for each in self.content_types]
        said += [f"{name}={getattr(self, name)!r}" for name in ("description", "examples") if getattr(self, name)]
        return f"Body({', '.join(said)})"


def _checked_bound(owner: object, bound: object) -> Any:
    """`bound` where values can be compared with it, else ConfigurationError."""
    ordered = isinstance(bound, (int, float, Decimal, date, time, timedelta)) and not isinstance(bound, bool)
    if not ordered or (isinstance(bound, (float, Decimal)) and not math.isfinite(bound)):
        raise ConfigurationError(
            f"{type(owner).__name__} has the bound {bound!r}: write a finite number, a date, a time or a timedelta"
        )
    return bound


@final
class Gt(_Marker):
    """Greater than. Violated: 422."""

    __slots__ = ("gt",)

    def __init__(self, gt: _Ordered) -> None:
        """`gt` is exclusive. Unfit for the annotated type: ConfigurationError."""
        self.gt: _Ordered = _checked_bound(self, gt)


@final
class Ge(_Marker):
    """Greater than or equal. Violated: 422."""

    __slots__ = ("ge",)

    def __init__(self, ge: _Ordered) -> None:
        """`ge` is inclusive. Unfit for the annotated type: ConfigurationError."""
        self.ge: _Ordered = _checked_bound(self, ge)


@final
class Lt(_Marker):
    """Less than. Violated: 422."""

    __slots__ = ("lt",)

    def __init__(self, lt: _Ordered) -> None:
        """`lt` is exclusive. Unfit for the annotated type: ConfigurationError."""
        self.lt: _Ordered = _checked_bound(self, lt)


@final
class Le(_Marker):
    """Less than or equal. Violated: 422."""

    __slots__ = ("le",)

    def __init__(self, le: _Ordered) -> None:
        """`le` is inclusive. Unfit for the annotated type: ConfigurationError."""
        self.le: _Ordered = _checked_bound(self, le)


@final
class MultipleOf(_Marker):
    """A multiple of. Violated: 422."""

    __slots__ = ("multiple_of",)

    def __init__(self, multiple_of: float | Decimal) -> None:
        """`multiple_of` is above zero. Unfit for the annotated type: ConfigurationError."""
        number = isinstance(multiple_of, (int, float, Decimal)) and not isinstance(multiple_of, bool)
        if not number or not math.isfinite(multiple_of) or multiple_of <= 0:
            raise ConfigurationError(f"MultipleOf has {multiple_of!r}: write a finite number above 0")
        self.multiple_of: int | float | Decimal = multiple_of


def _checked_length(owner: object, name: str, length: object) -> int:
    """`length` where it is one, else ConfigurationError."""
    if type(length) is not int or length < 0:
        raise ConfigurationError(f"{name} of {type(owner).__name__} is {length!r}: write an int of at least 0")
    return length


@final
class MinLen(_Marker):
    """At least so many characters, bytes or items. Violated: 422."""

    __slots__ = ("min_length",)

    def __init__(self, min_length: int) -> None:
        """Negative: ConfigurationError."""
        self.min_length: int = _checked_length(self, "min_length", min_length)


@final
class MaxLen(_Marker):
    """At most so many characters, bytes or items. Violated: 422."""

    __slots__ = ("max_length",)

    def __init__(self, max_length: int) -> None:
        """Negative: ConfigurationError."""
        self.max_length: int = _checked_length(self, "max_length", max_length)


@final
class Len(_Marker):
    """MinLen and MaxLen together, both inclusive. Violated: 422."""

    __slots__ = ("max_length", "min_length")

    def __init__(self, min_length: int = 0, max_length: int | None = None) -> None:
        """Negative, or none that fits both: ConfigurationError."""
        self.min_length: int = _checked_length(self, "min_length", min_length)
        self.max_length: int | None = None if max_length is None else _checked_length(self, "max_length", max_length)
        if max_length is not None and max_length < min_length:
            raise ConfigurationError(f"Len has min_length {min_length} above max_length {max_length}: swap them")


@final
class Pattern(_Marker):
    """The text contains a match of a regular expression of Rust's `regex` (linear time). Violated: 422."""

    __slots__ = ("pattern",)

    def __init__(self, pattern: str) -> None:
        """`pattern` is not anchored. Malformed: ConfigurationError, where its type is compiled."""
        if not isinstance(pattern, str):
            raise ConfigurationError(
                f"Pattern has {pattern!r}: write the regular expression as text, in the syntax of Rust's regex"
            )
        self.pattern: str = pattern


@final
class Discriminator(_Marker):
    """The field that decides between the types of a union: `Annotated[Cat | Dog, Discriminator("kind")]`."""

    __slots__ = ("field",)

    def __init__(self, field: str) -> None:
        """`field` is a name on the wire; each type has it as a Literal, every value once."""
        if not isinstance(field, str) or not field:
            raise ConfigurationError(f"Discriminator has {field!r}: write the name of a field, as text")
        self.field: str = field


@final
class Unix(_Marker):
    """A datetime or timedelta that may also be sent as a number."""

    __slots__ = ("unit",)

    def __init__(self, unit: Literal["seconds", "milliseconds"] = "seconds") -> None:
        """`unit` of the number: since 1970-01-01T00:00:00Z, or of the duration."""
        if unit not in ("seconds", "milliseconds"):
            raise ConfigurationError(f'Unix has the unit {unit!r}: write "seconds" or "milliseconds"')
        self.unit: Literal["seconds", "milliseconds"] = unit
