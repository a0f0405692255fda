"""The exception tree. Knows nothing of requests; the engine reads `status_code`, `detail` and `headers`.

CovetError
    ConfigurationError          a mistake found at the decorator or at start
    HTTPException               an answer: problem+json
        BadRequest Unauthorized Forbidden NotFound MethodNotAllowed Conflict Gone ContentTooLarge
        UnsupportedMediaType TooManyRequests ServiceUnavailable RequestValidationError
"""

from collections.abc import Mapping
from typing import ClassVar, Literal, NotRequired, TypedDict

__all__ = [
    "BadRequest",
    "ConfigurationError",
    "Conflict",
    "ContentTooLarge",
    "CovetError",
    "ErrorDetail",
    "Forbidden",
    "Gone",
    "HTTPException",
    "MethodNotAllowed",
    "NotFound",
    "RequestValidationError",
    "ServiceUnavailable",
    "TooManyRequests",
    "Unauthorized",
    "UnsupportedMediaType",
]


class CovetError(Exception):
    """Root of everything that covet raises."""


class ConfigurationError(CovetError):
    """A mistake in declarations or settings; the message names the user's line and what to write instead."""


class HTTPException(CovetError):
    """Raise it to answer with `status_code` and a problem+json body."""

    status_code: int
    """400 to 599."""
    detail: object
    """Any JSON value; None means the status's phrase."""
    headers: Mapping[str, str] | None
    """Header fields beside the answer's own."""

    def __init__(self, status_code: int, detail: object = None, headers: Mapping[str, str] | None = None) -> None:
        """`status_code` 400-599, else ValueError; `detail` any JSON value, None means the status's phrase."""
        if type(status_code) is not int or not 400 <= status_code <= 599:
            raise ValueError(f"status_code must be an int from 400 to 599, not {status_code!r}")
        super().__init__(status_code, detail)
        self.status_code = status_code
        self.detail = detail
        self.headers = headers

    def __reduce__(self) -> tuple[object, ...]:
        """Copy and pickle by state: the classes below take other arguments than this one."""
        return _restore, (type(self), self.args, self.__dict__)


def _restore(kind: type[HTTPException], args: tuple[object, ...], state: dict[str, object]) -> HTTPException:
    """The inverse of `HTTPException.__reduce__`."""
    made = kind.__new__(kind, *args)
    made.__dict__.update(state)
    return made


class _Fixed(HTTPException):
    """An HTTPException whose class knows its status."""

    _status: ClassVar[int] = 500

    def __init__(self, detail: object = None, headers: Mapping[str, str] | None = None) -> None:
        """As HTTPException, with the status of the class."""
        super().__init__(self._status, detail, headers)


class BadRequest(_Fixed):
    """400"""

    _status = 400


class Unauthorized(_Fixed):
    """401; pass WWW-Authenticate in `headers`."""

    _status = 401


class Forbidden(_Fixed):
    """403"""

    _status = 403


class NotFound(_Fixed):
    """404"""

    _status = 404


class MethodNotAllowed(_Fixed):
    """405; covet's own carries `Allow`."""

    _status = 405


class Conflict(_Fixed):
    """409"""

    _status = 409


class Gone(_Fixed):
    """410"""

    _status = 410


class ContentTooLarge(_Fixed):
    """413"""

    _status = 413


class UnsupportedMediaType(_Fixed):
    """415"""

    _status = 415


class TooManyRequests(_Fixed):
    """429; pass Retry-After in `headers`."""

    _status = 429


class ServiceUnavailable(_Fixed):
    """503"""

    _status = 503


class ErrorDetail(TypedDict):
    """One error of a request that failed validation; never holds the value."""

    source: Literal["path", "query", "header", "cookie", "body", "form"]
    """Where the value came from."""
    pointer: str
    """JSON pointer to it (RFC 6901)."""
    code: str
    """For programs."""
    message: str
    """For people."""
    input: NotRequired[str]
    """The type of what was given: null, bool, int, float, str, array or object; absent where nothing was given."""
    offset: NotRequired[int]
    """The byte at which a body stops being JSON or UTF-8."""


class RequestValidationError(HTTPException):
    """422: all errors of one request."""

    def __init__(self, errors: list[ErrorDetail]) -> None:
        """From its errors."""
        super().__init__(422)
        self._errors = errors

    def errors(self) -> list[ErrorDetail]:
        """Every error, in order of source, then position."""
        return self._errors
