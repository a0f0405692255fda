"""Where a parameter comes from: the markers for `Annotated`. Never default values."""

from typing import final

from covet.errors import ConfigurationError

__all__ = ["Path", "Query"]


class _Named:
    """A source with a name on the wire."""

    __slots__ = ("alias",)

    alias: str | None
    """The name on the wire; None: the parameter's own."""

    def __init__(self, alias: str | None = None) -> None:
        """`alias` is the name on the wire (default: the parameter's). Empty or no text: ConfigurationError."""
        if alias is not None and (not isinstance(alias, str) or not alias):
            raise ConfigurationError(
                f"the alias of {type(self).__name__} is {alias!r}: write the name on the wire as text"
            )
        self.alias = alias

    def __repr__(self) -> str:
        """As it was written."""
        return f"{type(self).__name__}({'' if self.alias is None else repr(self.alias)})"


@final
class Query(_Named):
    """From the query string."""

    __slots__ = ()


@final
class Path(_Named):
    """From the path."""

    __slots__ = ()
