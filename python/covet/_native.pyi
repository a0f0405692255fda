"""The native module: what Rust gives to Python. `mypy.stubtest` checks it against the built module."""

import asyncio
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Callable,
    Coroutine,
    Generator,
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
    MutableMapping,
    Sequence,
    Sized,
    ValuesView,
)
from contextvars import Context
from datetime import datetime
from os import PathLike
from selectors import SelectorKey
from socket import socket
from traceback import StackSummary
from types import GenericAlias
from typing import Any, ClassVar, Generic, Literal, NamedTuple, Self, TypeVarTuple, final, overload

from typing_extensions import TypeVar, disjoint_base

from covet._plan import FilesPlan, RoutePlan
from covet._types.nodes import Node
from covet._uploads import FormData, Parts
from covet.app import Covet
from covet.config import StrPath
from covet.settings import ServerSettings

__all__ = [
    "URL",
    "Address",
    "BareSocket",
    "DecodeError",
    "EncodeError",
    "Engine",
    "Event",
    "EventSourceResponse",
    "FileResponse",
    "GuestDriver",
    "HTMLResponse",
    "Handle",
    "Headers",
    "JSONResponse",
    "Listener",
    "MutableHeaders",
    "PartReader",
    "PlainTextResponse",
    "QueryParams",
    "RedirectResponse",
    "Registered",
    "Request",
    "Response",
    "Scheduler",
    "Schema",
    "State",
    "StockDriver",
    "StoredFile",
    "StreamTransport",
    "StreamingResponse",
    "TimerHandle",
    "ValidationError",
    "Watcher",
    "json_decode",
    "json_encode",
    "set_parent_death_signal",
]

_Ts = TypeVarTuple("_Ts")
_B_co = TypeVar("_B_co", default=Any, covariant=True)
_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)

class Address(NamedTuple):
    """A peer."""

    host: str
    port: int

@final
class URL:
    """The URL that was asked for."""

    @property
    def scheme(self) -> str: ...
    @property
    def hostname(self) -> str: ...
    @property
    def port(self) -> int | None: ...
    @property
    def path(self) -> str: ...
    @property
    def query(self) -> str: ...
    def __eq__(self, other: object, /) -> bool: ...

@final
class Headers(Mapping[str, str]):
    """Header fields; names compare without case, the first value wins in `[]`."""

    def __getitem__(self, key: str, /) -> str: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    def __contains__(self, key: object, /) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    @overload
    def get(self, key: str, default: None = None, /) -> str | None: ...
    @overload
    def get(self, key: str, default: str | _T, /) -> str | _T: ...
    def getlist(self, key: str) -> list[str]: ...
    def keys(self) -> KeysView[str]: ...
    def values(self) -> ValuesView[str]: ...
    def items(self) -> ItemsView[str, str]: ...
    def _fields(self) -> list[tuple[str, str]]: ...

@final
class QueryParams(Mapping[str, str]):
    """Query fields; the last value wins in `[]`, as in Starlette."""

    def __getitem__(self, key: str, /) -> str: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    def __contains__(self, key: object, /) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    @overload
    def get(self, key: str, default: None = None, /) -> str | None: ...
    @overload
    def get(self, key: str, default: str | _T, /) -> str | _T: ...
    def getlist(self, key: str) -> list[str]: ...
    def multi_items(self) -> list[tuple[str, str]]: ...
    def keys(self) -> KeysView[str]: ...
    def values(self) -> ValuesView[str]: ...
    def items(self) -> ItemsView[str, str]: ...

@final
class State:
    """Values of one request, by attribute. Unset: AttributeError."""

    def __getattribute__(self, name: str, /) -> Any: ...
    def __setattr__(self, name: str, value: object, /) -> None: ...
    def __delattr__(self, name: str, /) -> None: ...
    def __dir__(self) -> list[str]: ...

@final
class Request:
    """One HTTP request, or a socket's handshake in middleware. Everything is read lazily."""

    @staticmethod
    def _make(
        method: str,
        target: str,
        headers: list[tuple[str, str]],
        client: tuple[str, int] | None = None,
        *,
        secure: bool = False,
        app: object = None,
    ) -> Request: ...
    @property
    def app(self) -> Covet: ...
    @property
    def method(self) -> str: ...
    @property
    def url(self) -> URL: ...
    @property
    def path(self) -> str: ...
    @property
    def raw_path(self) -> bytes: ...
    @property
    def query(self) -> str: ...
    @property
    def http_version(self) -> Literal["1.0", "1.1", "2"]: ...
    @property
    def headers(self) -> Headers: ...
    @property
    def query_params(self) -> QueryParams: ...
    @property
    def path_params(self) -> Mapping[str, Any]: ...
    @property
    def cookies(self) -> Mapping[str, str]: ...
    def body(self) -> Coroutine[Any, Any, bytes]:
        """The whole body, kept. Over `max_body`: ContentTooLarge."""
    def stream(self) -> AsyncIterator[bytes]:
        """The body as it comes, read from the network only as fast as this is; `max_body` holds."""
    def is_disconnected(self) -> Coroutine[Any, Any, bool]:
        """Whether the client has gone."""
    def early_hints(self, headers: Mapping[str, str]) -> bool:
        """Send 103 Early Hints with these fields now, as {"link": "</a.css>; rel=preload; as=style"}; whether they go out.

        Not to HTTP/1.0, not once the answer's head is sent, not beyond 16 KiB. A line break in a field: ValueError."""
    def json(self) -> Coroutine[Any, Any, Any]:
        """The body as JSON. Malformed: RequestValidationError."""
    def form(self, *, sha256: bool = False) -> Coroutine[Any, Any, FormData]:
        """The body as a form, `sha256` with the digests of its files. Malformed: BadRequest; no form: UnsupportedMediaType."""
    def parts(self) -> Parts:
        """The parts of a multipart/form-data body as they come; nothing is kept. No such body: UnsupportedMediaType."""
    def text(self) -> Coroutine[Any, Any, str]:
        """The body as text, UTF-8 unless its content type says otherwise. Malformed: BadRequest."""
    @property
    def client(self) -> Address | None: ...
    @property
    def state(self) -> State: ...

@final
class PartReader:
    """The multipart codec, fed with pieces of a body."""

    @staticmethod
    def _make(content_type: bytes) -> PartReader:
        """One by its content type, with the usual limits; for tests. No boundary: BadRequest."""
    def feed(self, data: bytes) -> None:
        """More of the body; none at all is its end."""
    def step(self) -> tuple[str, bool, str | None, str | None, Headers] | bytes | bool | None:
        """A part's head; bytes of it; True after its last; False after the last part; None where more must be fed."""

@final
class StoredFile:
    """A file of a form, as UploadFile uses it."""

    @property
    def filename(self) -> str | None: ...
    @property
    def content_type(self) -> str | None: ...
    @property
    def headers(self) -> Headers: ...
    @property
    def size(self) -> int: ...
    @property
    def sha256(self) -> str | None: ...
    def read(self, offset: int, count: int) -> bytes | asyncio.Future[bytes]:
        """`bytes` where they are in memory, else a future of them."""
    def save(self, path: str | PathLike[str]) -> asyncio.Future[None]:
        """A future that is done once `path` is the file."""

@final
class MutableHeaders(MutableMapping[str, str]):
    """Header fields of an answer; names compare without case. CR, LF or NUL in a value: ValueError."""

    def __getitem__(self, key: str, /) -> str: ...
    def __setitem__(self, key: str, value: str, /) -> None: ...
    def __delitem__(self, key: str, /) -> None: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    def __contains__(self, key: object, /) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def getlist(self, key: str) -> list[str]: ...
    def append(self, key: str, value: str) -> None: ...
    @overload
    def get(self, key: str, default: None = None, /) -> str | None: ...
    @overload
    def get(self, key: str, default: str | _T, /) -> str | _T: ...
    def setdefault(self, key: str, default: str) -> str: ...
    @overload
    def pop(self, key: str, /) -> str: ...
    @overload
    def pop(self, key: str, /, default: str | _T) -> str | _T: ...
    def popitem(self) -> tuple[str, str]: ...
    def clear(self) -> None: ...
    def update(self, other: Mapping[str, str] | None = None, /, **fields: str) -> None: ...  # type: ignore[override]
    def keys(self) -> KeysView[str]: ...
    def values(self) -> ValuesView[str]: ...
    def items(self) -> ItemsView[str, str]: ...
    def _fields(self) -> list[tuple[str, str]]: ...

@disjoint_base
class Response(Generic[_B_co]):
    """An answer whose bytes are given; `Response[T]` documents T."""

    status_code: int
    media_type: str | None
    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self: ...
    def __class_getitem__(cls, key: Any) -> GenericAlias: ...
    def __init__(
        self,
        content: bytes | str | None = None,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
    ) -> None: ...
    @property
    def headers(self) -> MutableHeaders: ...
    def set_cookie(
        self,
        key: str,
        value: str = "",
        max_age: int | None = None,
        expires: datetime | str | int | None = None,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool | None = None,
        httponly: bool = True,
        samesite: Literal["lax", "strict", "none"] | None = "lax",
        partitioned: bool = False,
    ) -> None: ...
    def delete_cookie(
        self,
        key: str,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool | None = None,
        httponly: bool = True,
        samesite: Literal["lax", "strict", "none"] | None = "lax",
        partitioned: bool = False,
    ) -> None: ...

class JSONResponse(Response[_B_co]):
    """`content` encoded as JSON; `JSONResponse[T]` in a return annotation: as T."""

    def __init__(
        self,
        content: _B_co,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
    ) -> None: ...

class HTMLResponse(Response[str]):
    """text/html."""

    def __init__(
        self,
        content: str | bytes = "",
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
    ) -> None: ...

class PlainTextResponse(Response[str]):
    """text/plain."""

    def __init__(
        self,
        content: str | bytes = "",
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
    ) -> None: ...

class RedirectResponse(Response[None]):
    """`Location`."""

    def __init__(self, url: str, status_code: int = 303, headers: Mapping[str, str] | None = None) -> None: ...

class FileResponse(Response[bytes]):
    """A file, with ranges, validators and sendfile where it pays."""

    def __init__(
        self,
        path: StrPath,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        *,
        root: StrPath | None = None,
        filename: str | None = None,
        content_disposition_type: Literal["attachment", "inline"] = "attachment",
    ) -> None:
        """`path` is taken below `root` and may not leave it (links included): 404; `filename` None sends no Content-Disposition."""

class StreamingResponse(Response[bytes]):
    """Bytes as they come; the client's pace holds the iterator back."""

    def __init__(
        self,
        content: AsyncIterable[bytes | str] | Iterable[bytes | str],
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        *,
        trailers: Callable[[], Mapping[str, str]] | None = None,
    ) -> None:
        """A sync iterable runs in the pool; an error after the first byte cuts the connection.

        `trailers` is called on the loop's thread after the last item: fields that follow the content, such as a digest of
        it. HTTP/1.0, and an answer with a Content-Length, have no place for them.
        """

@final
class Event(Generic[_T_co]):
    """One server-sent event."""

    def __new__(
        cls,
        data: _T_co,
        *,
        event: str | None = None,
        id: str | None = None,
        retry: int | None = None,
        comment: str | None = None,
    ) -> Self:
        """`data` as JSON, str as it is; `retry` in milliseconds. A line break in `event` or `id`: ValueError."""
    def __class_getitem__(cls, key: Any) -> GenericAlias: ...
    @property
    def data(self) -> _T_co: ...
    @property
    def event(self) -> str | None: ...
    @property
    def id(self) -> str | None: ...
    @property
    def retry(self) -> int | None: ...
    @property
    def comment(self) -> str | None: ...

class EventSourceResponse(Response[_B_co]):
    """text/event-stream."""

    def __init__(
        self,
        content: AsyncIterable[Event[_B_co] | _B_co] | Iterable[Event[_B_co] | _B_co],
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        *,
        ping: float | None = 15.0,
    ) -> None:
        """A bare value is an Event's data; `ping` seconds between comments that keep the connection, None for none."""

def set_parent_death_signal(signum: int) -> None:
    """Ask the kernel for a signal when the parent dies (Linux; elsewhere nothing happens). Refused: OSError."""

@final
class Engine:
    """One application's server: routes, limits, connections. Lives on one thread."""

    def __new__(
        cls, app: Covet, routes: Sequence[RoutePlan], files: Sequence[FilesPlan], settings: ServerSettings
    ) -> Engine:
        """Compile. Two routes that could both match: ConfigurationError that names both origins."""
    def start(self, loop: asyncio.AbstractEventLoop, fds: Sequence[int]) -> None:
        """Accept on listening sockets, of which it takes duplicates."""
    def share(self, fd: int, slot: int, slots: int, beat: float) -> None:
        """Map the memory file of the server's processes, beat in our slot of it every `beat` seconds. Before `start`."""
    def reopen_log(self) -> None:
        """Open the access log's file anew."""
    def drain(self, timeout: float, done: Callable[[], None]) -> None:
        """Stop accepting, finish what runs, abort the rest after `timeout` seconds, then call `done` once."""
    def abort(self) -> None:
        """Cut every connection now."""
    def close(self) -> None:
        """Let go of everything."""
    @property
    def connections(self) -> int:
        """Open connections."""
    @property
    def cut(self) -> int:
        """Requests that an abort cut: their handlers worked, or their answers were not out. Closed or not started: 0."""
    @property
    def busy(self) -> int:
        """Jobs of the thread pool that wait or run. Closed or not started: 0."""

class EncodeError(ValueError):
    """A value that has no JSON."""

    path: str
    """Where in the value, as `$.items[3].price`."""

class DecodeError(ValueError):
    """Text that is not JSON, or over a limit."""

    offset: int
    """The byte that was wrong."""

class ValidationError(ValueError):
    """A value that is not of the type."""

    errors: list[dict[str, Any]]
    """Every problem: source, pointer, code, message and input (the JSON type, or None)."""

@final
class Schema:
    """A type, compiled from its tree."""

    def __new__(cls, root: Node, *, forbid_unknown: bool = False) -> Schema:
        """Compile. What cannot be: ConfigurationError."""
    def decode(self, data: bytes | bytearray | memoryview | str, /) -> Any:
        """The value of a JSON text. Malformed: DecodeError. Of another type: ValidationError."""
    def encode(self, value: object, /, *, by_attribute: bool = False) -> bytes:
        """`value` as JSON: exactly the declared fields. Of another type: EncodeError."""
    def convert(self, text: str, /) -> Any:
        """The value of a text that is no JSON, as in a query. Of another type: ValidationError."""
    def convert_many(self, texts: Sequence[str], /) -> Any:
        """The value of an array whose items are texts. Of another type: ValidationError."""
    def convert_fields(self, pairs: Sequence[tuple[str, str]], /) -> Any:
        """The value of an object whose fields are pairs of name and text. Of another type: ValidationError."""

def json_encode(
    value: object, /, *, default: Callable[[Any], object] | None = None, keys: Literal["str", "any"] = "str"
) -> bytes:
    """`value` as JSON. It cannot be encoded: EncodeError."""

def json_decode(data: bytes | bytearray | memoryview | str, /) -> Any:
    """The value of a JSON text. Malformed: DecodeError."""

@disjoint_base
class Handle:
    def cancel(self) -> None: ...
    def cancelled(self) -> bool: ...
    def get_context(self) -> Context: ...
    def _run(self) -> None: ...
    @property
    def _callback(self) -> Callable[..., object] | None: ...
    @property
    def _args(self) -> tuple[Any, ...] | None: ...
    @property
    def _context(self) -> Context: ...
    @property
    def _loop(self) -> Scheduler: ...
    @property
    def _cancelled(self) -> bool: ...
    @property
    def _source_traceback(self) -> StackSummary | None: ...

@final
class TimerHandle(Handle):
    def when(self) -> float: ...
    @property
    def _when(self) -> float: ...
    @property
    def _scheduled(self) -> bool: ...
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: TimerHandle, /) -> bool: ...
    def __le__(self, other: TimerHandle, /) -> bool: ...
    def __gt__(self, other: TimerHandle, /) -> bool: ...
    def __ge__(self, other: TimerHandle, /) -> bool: ...

@disjoint_base
class Scheduler:
    # The handles are `Handle` and `TimerHandle` above; asyncio's own classes are promised because its loops promise them.
    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self: ...
    def create_future(self) -> asyncio.Future[Any]: ...
    def create_task(
        self, coro: Coroutine[Any, Any, _T] | Generator[Any, None, _T], **kwargs: Any
    ) -> asyncio.Task[_T]: ...
    def call_soon(
        self, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.Handle: ...
    def call_soon_threadsafe(
        self, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.Handle: ...
    def call_later(
        self, delay: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle: ...
    def call_at(
        self, when: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle: ...
    def time(self) -> float: ...
    def stop(self) -> None: ...
    def get_debug(self) -> bool: ...
    def is_running(self) -> bool: ...
    def _add_callback(self, handle: Handle | asyncio.Handle) -> None: ...
    def _add_callback_signalsafe(self, handle: Handle | asyncio.Handle) -> None: ...
    def _timer_handle_cancelled(self, handle: TimerHandle) -> None: ...
    def _process_events(self, events: Iterable[tuple[SelectorKey, int]]) -> None: ...
    def _drive(self, selector: int) -> None: ...
    @staticmethod
    def _receive(fd: int, limit: int) -> bytes | None: ...
    @staticmethod
    def _send(fd: int, data: bytes) -> int: ...
    def _when_received(self, socket: socket, fd: int, limit: int) -> asyncio.Future[bytes]: ...
    def _when_ready(self, fd: int, writing: bool) -> asyncio.Future[None]: ...
    def _tear_down(self) -> None: ...
    def _discard(self) -> None: ...
    @property
    def _transports(self) -> Registered: ...
    @_transports.setter
    def _transports(self, _transports: object) -> None: ...
    _closed: bool
    _debug: bool
    _stopping: bool
    _thread_id: int | None
    _timer_cancelled_count: int

@final
class Watcher:
    """Notices of changes in folders, for a process of one thread: waiting holds the interpreter."""

    deep: ClassVar[bool]
    """Whether adding a folder adds all below it."""
    def __new__(cls) -> Self: ...
    def add(self, folder: str, /) -> None:
        """Watch a folder. None there, or no room: OSError."""
    def next(self, seconds: float, /) -> list[str] | None:
        """The paths of the next notice, none after `seconds`. None: notices were lost."""

@disjoint_base
class GuestDriver(Scheduler):
    def _watched(self) -> int: ...
    def _visit(self) -> bool: ...
    def _leave(self) -> None: ...

class StockDriver(Scheduler):
    def _drive_within(self, selector: int, timeout: float | None, ready: Sized, scheduled: Sized) -> None: ...
    def _finish(self) -> None: ...
    def _put_first(self, handles: Sequence[Handle | asyncio.Handle]) -> None: ...
    def _leave(self) -> None: ...
    def _take_all(self) -> tuple[list[Handle | asyncio.Handle], list[TimerHandle]]: ...

@final
class BareSocket:
    """A stream socket that no Python object has, on its way to a transport."""

    @staticmethod
    def connecting(host: Any, port: Any) -> BareSocket | None: ...
    def until_connected(self, event_loop: Scheduler) -> asyncio.Future[None]: ...
    def check(self) -> None: ...
    def close(self, event_loop: Scheduler) -> None: ...

@final
class Listener:
    """A listening socket of the loop that is accepted from natively."""

    def __new__(
        cls,
        event_loop: Scheduler,
        sock: socket,
        making: tuple[Callable[[], asyncio.BaseProtocol], type[StreamTransport], Any],
        backlog: int,
    ) -> Self: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...

@final
class Registered:
    """Descriptors and their transports, which it does not keep alive."""

    def __setitem__(self, key: int, value: Any, /) -> None: ...
    def __getitem__(self, key: int, /) -> Any: ...
    def __delitem__(self, key: int, /) -> None: ...
    def __contains__(self, key: int, /) -> bool: ...
    def __len__(self) -> int: ...
    def get(self, fd: int, default: Any = None) -> Any: ...
    def values(self) -> list[Any]: ...

@disjoint_base
class StreamTransport:
    """The frequent half of a stream transport; `covet._transports.SocketTransport` is the whole."""

    def __new__(
        cls,
        event_loop: Scheduler,
        sock: socket | BareSocket,
        protocol: asyncio.BaseProtocol,
        waiter: asyncio.Future[None] | None = None,
        extra: dict[str, Any] | None = None,
        server: Any = None,
    ) -> Self: ...
    def __init__(
        self,
        event_loop: Scheduler,
        sock: socket | BareSocket,
        protocol: asyncio.BaseProtocol,
        waiter: asyncio.Future[None] | None = None,
        extra: dict[str, Any] | None = None,
        server: Any = None,
    ) -> None: ...
    def get_extra_info(self, name: str, default: Any = None) -> Any: ...
    def write(self, data: bytes | bytearray | memoryview) -> None: ...
    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None: ...
    def write_eof(self) -> None: ...
    def can_write_eof(self) -> bool: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...
    def is_closing(self) -> bool: ...
    def is_reading(self) -> bool: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None: ...
    def get_protocol(self) -> asyncio.BaseProtocol | None: ...
    def get_write_buffer_size(self) -> int: ...
    def get_write_buffer_limits(self) -> tuple[int, int]: ...
    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...
    def _begin(self) -> None: ...
    def _start(self) -> None: ...
    def _call_connection_lost(self, exc: BaseException | None) -> None: ...
    def _kind(self) -> tuple[bool, int]: ...
    def _seal(self, sealed: bool) -> bool: ...
    def _force_close(self, exc: BaseException | None) -> None: ...
    @property
    def _loop(self) -> Any: ...
    @property
    def _protocol(self) -> Any: ...
    @property
    def _sock(self) -> socket | None: ...
    @property
    def _is_over(self) -> bool: ...
    @property
    def _sock_fd(self) -> int: ...
    @property
    def _closing(self) -> bool: ...
    @property
    def _paused(self) -> bool: ...
    @property
    def _eof(self) -> bool: ...
    @property
    def _conn_lost(self) -> int: ...
    @property
    def _protocol_paused(self) -> bool: ...
