"""The native module: what Rust gives to Python. `mypy.stubtest` checks it against the built module."""

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from datetime import datetime
from typing import Any, Generic, Literal, NamedTuple, TypeAlias, final

from typing_extensions import TypeVar

from covet._plan import RoutePlan
from covet.app import Covet
from covet.loop import EventLoop
from covet.settings import ServerSettings

_B_co = TypeVar("_B_co", default=Any, covariant=True)
_SameSite: TypeAlias = Literal["lax", "strict", "none"]

def set_parent_death_signal(signum: int) -> None:
    """Ask the kernel for a signal when the parent dies (Linux; elsewhere nothing happens). Refused: OSError."""

@final
class Engine:
    """One application's server: routes, limits, connections. Lives on one thread."""

    def __new__(cls, app: Covet, routes: Sequence[RoutePlan], settings: ServerSettings) -> Engine:
        """Compile. Two routes that could both match: ConfigurationError that names both origins."""
    def start(self, loop: EventLoop, fds: Sequence[int]) -> None:
        """Accept on listening sockets, of which it takes duplicates."""
    def share(self, fd: int, slot: int, slots: int) -> None:
        """Map a memory file of counters: 64 bytes a slot, the first 8 its open connections. Before `start`."""
    def drain(self, timeout: float, done: Callable[[], None]) -> None:
        """Stop accepting, finish what runs, abort the rest after `timeout` seconds, then call `done` once."""
    def abort(self) -> None:
        """Cut every connection now."""
    def close(self) -> None:
        """Let go of everything."""
    @property
    def connections(self) -> int:
        """Open connections."""

class Address(NamedTuple):
    """A peer."""

    host: str
    port: int

@final
class URL:
    """The URL that was asked for."""

    @property
    def scheme(self) -> str:
        """As "http" or "https"."""
    @property
    def hostname(self) -> str:
        """Without the port; lower case."""
    @property
    def port(self) -> int | None:
        """None where the URL names none."""
    @property
    def path(self) -> str:
        """Decoded."""
    @property
    def query(self) -> str:
        """As sent, without "?"; "" where absent."""
    def __str__(self) -> str: ...

@final
class Headers(Mapping[str, str]):
    """Header fields; names compare without case, the first value wins in `[]`."""

    def __getitem__(self, key: str, /) -> str: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    def getlist(self, key: str) -> list[str]:
        """Every value of `key`, in order; empty where absent."""

@final
class QueryParams(Mapping[str, str]):
    """Query fields; the last value wins in `[]`, as in Starlette."""

    def __getitem__(self, key: str, /) -> str: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    def getlist(self, key: str) -> list[str]:
        """Every value of `key`, in order; empty where absent."""

@final
class State:
    """Values of one request, by attribute. Unset: AttributeError."""

    def __getattr__(self, name: str) -> Any: ...
    def __setattr__(self, name: str, value: object) -> None: ...
    def __delattr__(self, name: str) -> None: ...

@final
class Request:
    """One HTTP request. Everything is read lazily."""

    @property
    def app(self) -> Covet:
        """The application that serves it."""
    @property
    def method(self) -> str:
        """Upper case."""
    @property
    def raw_path(self) -> bytes:
        """The path as sent, still percent-encoded."""
    @property
    def url(self) -> URL:
        """As the client asked for it."""
    @property
    def headers(self) -> Headers:
        """Header fields."""
    @property
    def query_params(self) -> QueryParams:
        """Query fields, as text."""
    @property
    def path_params(self) -> Mapping[str, Any]:
        """Path parameters, converted."""
    @property
    def cookies(self) -> Mapping[str, str]:
        """Cookies, as text."""
    @property
    def client(self) -> Address | None:
        """The peer; None on a Unix socket."""
    @property
    def state(self) -> State:
        """Values of this request."""
    async def body(self) -> bytes:
        """The whole body, kept. Over `max_body`: ContentTooLarge."""
    async def json(self) -> Any:
        """The body as JSON. Malformed: RequestValidationError."""
    async def text(self) -> str:
        """The body as text, UTF-8 unless its content type says otherwise. Malformed: BadRequest."""

@final
class MutableHeaders(MutableMapping[str, str]):
    """Header fields of an answer; names compare without case. CR, LF or NUL in a value: ValueError."""

    def __getitem__(self, key: str, /) -> str: ...
    def __setitem__(self, key: str, value: str, /) -> None: ...
    def __delitem__(self, key: str, /) -> None: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    def getlist(self, key: str) -> list[str]:
        """Every value of `key`, in order; empty where absent."""
    def append(self, key: str, value: str) -> None:
        """Add a field, keeping those of the same name."""

class Response(Generic[_B_co]):
    """An answer whose bytes are given; `Response[T]` documents T."""

    status_code: int
    media_type: str | None
    def __init__(
        self,
        content: bytes | str | None = None,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
    ) -> None:
        """`content` str is UTF-8; `media_type` None sends no Content-Type. Status outside 200-599: ValueError."""
    @property
    def headers(self) -> MutableHeaders:
        """Header fields, to be changed in place."""
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
        samesite: _SameSite | None = "lax",
        partitioned: bool = False,
    ) -> None:
        """`max_age` and int `expires` in seconds; `secure` None: not in debug. A bad name or value: ValueError."""
    def delete_cookie(
        self,
        key: str,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool | None = None,
        httponly: bool = True,
        samesite: _SameSite | None = "lax",
        partitioned: bool = False,
    ) -> None:
        """Expire a cookie; path and domain as when it was set."""

class JSONResponse(Response[_B_co]):
    """`content` encoded as JSON."""

    def __init__(
        self,
        content: _B_co,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
    ) -> None:
        """`media_type` None: application/json. Not encodable: 500."""

class HTMLResponse(Response[str]):
    """text/html."""

    def __init__(
        self,
        content: str | bytes = "",
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
    ) -> None:
        """`media_type` None: text/html; charset=utf-8."""

class PlainTextResponse(Response[str]):
    """text/plain."""

    def __init__(
        self,
        content: str | bytes = "",
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
    ) -> None:
        """`media_type` None: text/plain; charset=utf-8."""

class RedirectResponse(Response[None]):
    """`Location`."""

    def __init__(self, url: str, status_code: int = 303, headers: Mapping[str, str] | None = None) -> None:
        """303: the next request is a GET. Status not 3xx: ValueError."""
