"""Middleware: declarations in Python of what Rust runs around handlers.

Owns the declarations and their checks; `covet._compile` makes plan data of them. Knows no routes.
"""

from collections.abc import Sequence
from typing import TypeAlias, final

from covet.config import Size, size_in_bytes
from covet.errors import ConfigurationError

__all__ = ["Compress", "Declaration", "Middleware"]


class Declaration:
    """Base of what is declared in Python and run in Rust. Not for subclassing."""

    __slots__ = ()


Middleware: TypeAlias = Declaration
"""What `middleware=[...]` takes; the first is the outermost."""


@final
class Compress(Declaration):
    """zstd, br or gzip, as the client accepts. See docs/compression.md, before secrets are in answers."""

    __slots__ = ("minimum_size",)

    minimum_size: int
    """In bytes; smaller answers stay as they are."""

    def __init__(self, minimum_size: Size = 500) -> None:
        """`minimum_size`: smaller answers stay as they are. Not a Size: ConfigurationError."""
        self.minimum_size = size_in_bytes(minimum_size, "minimum_size")

    def __repr__(self) -> str:
        """As it was written, the size in bytes."""
        return f"Compress(minimum_size={self.minimum_size})"


def check_middleware(given: object) -> tuple[Middleware, ...]:
    """`given` as a tuple. Not a list, or what is no declaration in it: ConfigurationError."""
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise ConfigurationError(f"middleware is {given!r}: write a list, as [Compress()]")
    for item in given:
        if isinstance(item, type) and issubclass(item, Declaration):
            raise ConfigurationError(f"middleware has the class {item.__name__}: write {item.__name__}()")
        if not isinstance(item, Compress):
            raise ConfigurationError(
                f"middleware has {item!r}: only declarations that Rust runs are taken by now, as Compress()"
            )
    return tuple(given)


def minimum_size(middleware: Sequence[Middleware]) -> int | None:
    """The size from which on answers within `middleware` are compressed; None: they are not.

    One Compress around another compresses what the inner one left.
    """
    return min((item.minimum_size for item in middleware if isinstance(item, Compress)), default=None)
