"""The vocabulary of `Annotated` once other libraries' words are translated: covet's markers, `Zone`, functions.

Owns only the list of what there is.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from covet import params


class Zone(NamedTuple):
    """Whether a datetime or time must have an offset."""

    demanded: bool


Validator: TypeAlias = Callable[[Any], Any]
Meaning: TypeAlias = (
    params.Gt
    | params.Ge
    | params.Lt
    | params.Le
    | params.MultipleOf
    | params.MinLen
    | params.MaxLen
    | params.Len
    | params.Pattern
    | params.Field
    | params.Discriminator
    | params.Unix
    | Zone
    | Validator
)
