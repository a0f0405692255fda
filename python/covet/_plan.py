"""What Python tells the engine about each route: plain data, read once at start and compiled by the engine.

Knows nothing of signatures or servers; `covet._compile` makes it, the native `Engine` reads it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from covet._types.nodes import Node

Source: TypeAlias = Literal["request", "path", "query", "header", "cookie", "form", "file", "body"]
"""Where a parameter's value comes from."""
Shape: TypeAlias = Literal["scalar", "list", "object"]
"""How a value is made of texts: of one, of all with its name, or of several names."""
Mode: TypeAlias = Literal["inline", "step", "task", "pool"]
"""Where a handler runs: `inline` on the loop's thread, `step` there as a coroutine that never suspends, `task` as an
asyncio task, `pool` in a thread."""
ABSENT: Final = object()
"""In a guard: the name must not be there."""
Guard: TypeAlias = tuple[dict[str, object], str, object]
"""A namespace, a name in it, and the object that it must still be, or ABSENT, for the handler to run inline."""


@dataclass(frozen=True, slots=True)
class ParameterPlan:
    """One parameter of a handler."""

    name: str
    """Of the function's parameter."""
    source: Source
    """Where its value comes from."""
    alias: str
    """Its name on the wire; a header's in lower case."""
    node: Node | None
    """What it must be; None for the request, for a body, whose readers know, and for an UploadFile."""
    shape: Shape
    """How texts become it; "scalar" where it is not made of texts."""
    required: bool
    """Absent is an error; else `default`."""
    default: object
    """The value where it is absent and not required; list, dict and set are copied per request."""
    keyword: bool
    """Passed by keyword."""


@dataclass(frozen=True, slots=True)
class BodyReader:
    """One way to read a body, by its content type."""

    form: Literal["json", "form", "multipart", "text", "bytes"]
    """What the bytes are: `json` and forms are decoded, `text` is UTF-8, `bytes` stay."""
    media_type: str
    """In lower case. "application/json" takes every +json too, "*/*" anything."""
    node: Node | None
    """What is made of it; None where parameters of source "form" take its fields."""


@dataclass(frozen=True, slots=True)
class BodyPlan:
    """How a route's body is read."""

    readers: tuple[BodyReader, ...]
    """Asked in their order; no one's content type: 415."""
    spread: bool
    """The body is an object, and each parameter of source "body" takes the field with its alias."""
    in_memory: bool = False
    """A parameter takes the bytes of a file: files are kept in memory, none is written to the disk."""
    sha256: bool = False
    """A parameter asks for the digest of its file."""


@dataclass(frozen=True, slots=True)
class FormLimits:
    """What the forms of a route may hold."""

    fields: int
    """Fields of an urlencoded form, and of the query. Over: 400."""
    parts: int
    """Parts of a multipart form. Over: 413, as all that follow."""
    files: int
    """Parts that are files."""
    head: int
    """Bytes of a part's head."""
    head_fields: int
    """Fields of a part's head."""
    field_size: int
    """Bytes of a part that is no file."""
    all_fields: int
    """Bytes of all parts that are no files."""


@dataclass(frozen=True, slots=True)
class AnswerPlan:
    """What a handler's value becomes."""

    form: Literal["any", "empty", "text", "bytes", "json", "lines", "events"]
    """`any`: as its type at run time says; `empty`: declared None; `lines`, `events`: of an iterator, its items as
    JSON lines or server-sent events; the others by the annotation."""
    node: Node | None
    """For `json`: what is encoded; for `lines` and `events`: what an item, or an event's data, is; None: anything."""
    by_attribute: bool
    """Encode a foreign object by its attributes (`response_model=`)."""
    check: bool
    """Validate what was returned (`response_check=True`)."""


@dataclass(frozen=True, slots=True)
class FilesPlan:
    """A directory whose files answer without Python."""

    path: str
    """What its paths start with, without a slash at the end; empty for all."""
    directory: str
    """Absolute."""
    spa: bool
    """Its index.html answers where a page is missing."""
    origin: str
    """Where it was declared, as "app.py:12"."""
    compress: int | None
    """Bytes from which on files are compressed on their way; None: they are not."""


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """One handler and how to call it."""

    methods: tuple[str, ...]
    """Upper case; ("*",) for all."""
    path: str
    """The full pattern."""
    handler: Callable[..., object]
    """What to call."""
    name: str
    """For `url_for` and logs."""
    origin: str
    """The decorator's place, as "app.py:12 in hello"."""
    mode: Mode
    """Where it runs."""
    guards: tuple[Guard, ...]
    """What must hold at each inline call."""
    parameters: tuple[ParameterPlan, ...]
    """In the order of the signature."""
    status_code: int
    """Of a plain returned value."""
    body: BodyPlan | None
    """How the body is read before the call; None: not read."""
    answer: AnswerPlan
    """How what it returns is encoded."""
    forbid_unknown: bool
    """An unknown field of a JSON object is an error."""
    form_limits: FormLimits
    """What its forms may hold."""
    max_body: int | None
    """Bytes; None for unlimited."""
    compressed_body: bool
    """It takes bodies in a content coding, decoded; else 415."""
    compress: int | None
    """Bytes from which on its answers are compressed; None: they are not."""
    timeout: float | None
    """Seconds; None for unlimited."""
    max_concurrency: int | None
    """Requests in flight at once; None for unlimited."""
    queue: int
    """Requests that wait for that."""
    cancel_on_disconnect: bool
    """Cancel the handler when the client goes."""
