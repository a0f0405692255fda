"""What describes one setting, and one mistake in what was asked for. The supervisor imports this: it costs nothing.

Knows no setting; `covet.options` describes those of the command, `covet.settings` those of the server.
"""


class UsageError(Exception):
    """A command line, variable or file that makes no sense; the text is for the person who wrote it."""


class Setting:
    """One setting, described."""

    __slots__ = ("choices", "default", "most", "name", "nothing", "optional", "unit", "words")

    def __init__(  # noqa: PLR0913 - one for each slot; the table reads as a table
        self,
        name: str,
        unit: str,
        default: object,
        words: str,
        *,
        optional: bool = False,
        choices: tuple[str, ...] = (),
        most: int = 0,
        nothing: str = "none",
    ) -> None:
        self.name = name
        self.unit = unit
        """What it is measured in."""
        self.default = default
        self.words = words
        self.optional = optional
        """None means no limit, or nothing."""
        self.choices = choices
        """Of a text: all that it may be; none where it is a format."""
        self.most = most
        """Of a number of the command."""
        self.nothing = nothing
        """The word for None."""

    @property
    def flag(self) -> str:
        """As an option."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """As a variable of the environment."""
        return "COVET_" + self.name.upper()
