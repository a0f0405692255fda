"""Values that configure: sizes, times, limits. Knows nothing of routes."""

import math
import re
from datetime import timedelta
from enum import Enum
from os import PathLike
from typing import ClassVar, Final, Literal, TypeAlias, final

from covet.errors import ConfigurationError

__all__ = ["Limits", "Names", "Seconds", "Size", "StrPath"]

Size: TypeAlias = int | str
"""Bytes, or text with a unit: "64KB" is 64,000, "64KiB" is 65,536. Anything else: ConfigurationError."""
Seconds: TypeAlias = float | timedelta
"""Seconds, or a timedelta. Not positive: ConfigurationError."""
Names: TypeAlias = list[str] | tuple[str, ...] | set[str] | frozenset[str]
"""Several strings; never one bare string, which Sequence[str] would let through."""
StrPath: TypeAlias = str | PathLike[str]
"""A file system path."""

MAX_BODY: Final = 2 * 1024 * 1024
"""Bytes of body where nothing else was said."""
MAX_FIELD: Final = 1024 * 1024
"""Bytes of a form's part that is no file where nothing else was said."""


class _Left(Enum):
    """What an argument holds that was left out."""

    OUT = "left out"


_SIZE = re.compile(r"(\d+) ?([KMG]i?)?B?", re.ASCII)
_FACTORS = {"": 1, "K": 1000, "M": 1000**2, "G": 1000**3, "Ki": 1024, "Mi": 1024**2, "Gi": 1024**3}


def size_in_bytes(value: object, name: str) -> int:
    """Bytes of a Size. Not a Size, below one byte or no whole number of bytes: ConfigurationError that names `name`."""
    if isinstance(value, str):
        match = _SIZE.fullmatch(value.strip())
        if match:
            size = int(match[1]) * _FACTORS[match[2] or ""]
            if size >= 1:
                return size
    elif isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    raise ConfigurationError(
        f"{name} is {value!r}: write a whole number of bytes from 1, "
        'or text with a unit as "64KB" (64,000) or "64KiB" (65,536)'
    )


def seconds(value: object, name: str) -> float:
    """Seconds of a Seconds. Not a number or timedelta, or not above zero: ConfigurationError that names `name`."""
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value > 0:
        return float(value)
    raise ConfigurationError(f"{name} is {value!r}: write a number of seconds above 0, or a timedelta")


def proxies(value: object, name: str) -> tuple[str, ...]:
    """Addresses, networks and "unix", from a sequence or one text with commas. Else: ConfigurationError with `name`."""
    words = value.split(",") if isinstance(value, str) else value
    if not isinstance(words, (list, tuple)):
        raise ConfigurationError(f'{name} is {value!r}: write addresses, networks as "10.0.0.0/8", and "unix"')
    return tuple(_proxy(word.strip() if isinstance(word, str) else word, name) for word in words if word != "")


def _proxy(word: object, name: str) -> str:
    """One of them, normalised."""
    if word == "unix":
        return "unix"
    from ipaddress import ip_network  # only where proxies are named

    try:
        if isinstance(word, str) and "%" not in word:
            return str(ip_network(word))
    except ValueError as error:
        if "host bits" in str(error):
            network = ip_network(str(word), strict=False)
            raise ConfigurationError(f"{name} has {word!r}, which is inside a network: write {network}") from None
    raise ConfigurationError(f"{name} has {word!r}: write an address, a network as 10.0.0.0/8, or unix")


_FORMAT = re.compile(r"(?:[^%\x00-\x1f\x7f-\x9f]|%(?:>s|[hlutrmUqHsbBDTX%]|\{[!#$%&'*+.^_`|~0-9A-Za-z-]+\}[io]))*")


def log_format(value: object, name: str) -> str:
    """A format of the access log. Else: ConfigurationError that names `name`."""
    if value in ("text", "json") or (isinstance(value, str) and "%" in value and _FORMAT.fullmatch(value)):
        return str(value)
    raise ConfigurationError(
        f"{name} is {value!r}: write text, json, or a line of "
        "%h %l %u %t %r %m %U %q %H %s %>s %b %B %D %T %X %{Name}i %{Name}o %%"
    )


def share(value: object, name: str) -> float:
    """A share above 0 and at most 1. Else: ConfigurationError that names `name`."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 1:
        return float(value)
    raise ConfigurationError(f"{name} is {value!r}: write a number above 0 and at most 1, as 0.1")


def count(value: object, name: str, *, least: int = 1) -> int:
    """A whole number from `least`. Anything else: ConfigurationError that names `name`."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= least:
        return value
    raise ConfigurationError(f"{name} is {value!r}: write a whole number from {least}")


@final
class Limits:
    """What an app, router or route allows. Left out: the enclosing limit. None: unlimited."""

    NAMES: ClassVar = (
        "max_body",
        "timeout",
        "max_concurrency",
        "queue",
        "form_fields",
        "multipart_parts",
        "multipart_files",
        "multipart_field_size",
        "compressed_body",
        "unknown_fields",
    )
    __slots__ = ("_given", *NAMES)

    max_body: int | None
    """Request body, collected or streamed, in bytes. Over: 413."""
    timeout: float | None
    """Handler's time, in seconds. Over: 504, cancelled."""
    max_concurrency: int | None
    """Requests of one route that a worker works on at once. Over: queued, then 503."""
    queue: int
    """Requests of one route that wait for `max_concurrency`. Over: 503 with Retry-After."""
    form_fields: int
    """Form and query fields. Over: 400."""
    multipart_parts: int
    """Parts of a form with files. Over: 413."""
    multipart_files: int
    """Parts that are files. Over: 413."""
    multipart_field_size: int
    """Bytes of one part that is no file. Over: 413."""
    compressed_body: bool
    """Take request bodies in zstd, br or gzip, at most 10 times as large once decoded. False: 415."""
    unknown_fields: Literal["ignore", "forbid"]
    """What a JSON object with a field that its type does not have is: taken without it, or a 422."""

    def __init__(  # noqa: PLR0913 - one keyword for each limit
        self,
        *,
        max_body: Size | _Left | None = _Left.OUT,
        timeout: Seconds | _Left | None = _Left.OUT,
        max_concurrency: int | _Left | None = _Left.OUT,
        queue: int | _Left = _Left.OUT,
        form_fields: int | _Left = _Left.OUT,
        multipart_parts: int | _Left = _Left.OUT,
        multipart_files: int | _Left = _Left.OUT,
        multipart_field_size: Size | _Left = _Left.OUT,
        compressed_body: bool | _Left = _Left.OUT,
        unknown_fields: Literal["ignore", "forbid"] | _Left = _Left.OUT,
    ) -> None:
        """Defaults: 2 MiB, none, none, 0, 1000, 1000, 100, 1 MiB, False, "ignore". Nonsense: ConfigurationError."""
        given = set[str]()
        counts = {"form_fields": (form_fields, 1000), "multipart_parts": (multipart_parts, 1000)}
        counts["multipart_files"] = (multipart_files, 100)
        for name, (number, default) in counts.items():
            setattr(self, name, default if isinstance(number, _Left) else count(number, name))
            if not isinstance(number, _Left):
                given.add(name)
        self.max_concurrency, self.queue = None, 0
        if not isinstance(max_concurrency, _Left):
            self.max_concurrency = None if max_concurrency is None else count(max_concurrency, "max_concurrency")
            given.add("max_concurrency")
        if not isinstance(queue, _Left):
            self.queue = count(queue, "queue", least=0)
            given.add("queue")
        self.multipart_field_size = MAX_FIELD
        if not isinstance(multipart_field_size, _Left):
            self.multipart_field_size = size_in_bytes(multipart_field_size, "multipart_field_size")
            given.add("multipart_field_size")
        self.max_body, self.timeout, self.unknown_fields = MAX_BODY, None, "ignore"
        if not isinstance(max_body, _Left):
            self.max_body = None if max_body is None else size_in_bytes(max_body, "max_body")
            given.add("max_body")
        if not isinstance(timeout, _Left):
            self.timeout = None if timeout is None else seconds(timeout, "timeout")
            given.add("timeout")
        self.compressed_body = False
        if not isinstance(compressed_body, _Left):
            if not isinstance(compressed_body, bool):
                raise ConfigurationError(f"compressed_body is {compressed_body!r}: write True or False")
            self.compressed_body = compressed_body
            given.add("compressed_body")
        if not isinstance(unknown_fields, _Left):
            if unknown_fields not in ("ignore", "forbid"):
                raise ConfigurationError(f"unknown_fields is {unknown_fields!r}: write 'ignore' or 'forbid'")
            self.unknown_fields = unknown_fields
            given.add("unknown_fields")
        self._given = frozenset(given)

    def __repr__(self) -> str:
        """As it was written, values normalised."""
        return f"Limits({', '.join(f'{name}={getattr(self, name)!r}' for name in sorted(self._given))})"

    def says(self, name: str) -> bool:
        """Whether `name` was given, so that the enclosing limit does not apply."""
        return name in self._given
