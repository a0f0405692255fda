"""A failed request in words, without what lets somebody in. What the answers of debug mode share."""

import re
import traceback
from typing import Final, NamedTuple

MASK: Final = "****"
LONGEST: Final = 5000
"""Characters of an exception's text."""
_SECRET: Final = re.compile(
    r"pass(word|wd|phrase)|secret|token|api[-_]?key|auth(?!or(?!i[sz]))|cookie|credential|session[-_]?id", re.IGNORECASE
)
_PASSWORD: Final = re.compile(r"""(?<=://)([^\s/:@'"]*):[^\s/'"]+@""")
"""A user with a password before the host of a URL."""


class Asked(NamedTuple):
    """The request as it came."""

    method: str
    target: str
    version: str
    fields: list[tuple[str, str]]


class Failed(NamedTuple):
    """What happened to it."""

    error: BaseException | None
    what: str
    """In the log's words."""
    route: str
    request_id: str


def text_of(error: BaseException) -> str:
    """Type and words of an exception, also where it cannot say them."""
    return cut(without_passwords("".join(traceback.format_exception_only(error)).strip()), LONGEST)


def cut(text: str, most: int) -> str:
    """At most so much of a text."""
    return text if len(text) <= most else f"{text[:most]}… {len(text) - most} more characters"


def without_passwords(text: str) -> str:
    """A text with a mask for the password of each URL in it."""
    return _PASSWORD.sub(rf"\1:{MASK}@", text)


def is_secret(name: str) -> bool:
    """Whether a value with this name is shown as a mask."""
    return _SECRET.search(name) is not None
