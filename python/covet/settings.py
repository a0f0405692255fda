"""The server's settings: every limit and time-out with its default, unit and words. Source of `covet run`'s flags.

Knows nothing of applications; crosses to the engine once, as one frozen object. Times are in seconds, sizes in bytes.
"""

import dataclasses
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from covet._defaults import BACKLOG, DRAIN_TIMEOUT, WORKER_TIMEOUT
from covet._setting import Setting
from covet.config import MAX_BODY, count, log_format, proxies, seconds, share, size_in_bytes
from covet.errors import ConfigurationError

__all__ = ["ServerSettings"]

Unit: TypeAlias = Literal[
    "seconds", "bytes", "bytes a second", "count", "count from 0", "switch", "list", "text", "share", "path"
]
"""What a setting is measured in."""
_KIB: Final = 1024


def _pool_threads() -> int:
    """Four threads a processor that we may use, at least 8, at most 40."""
    return min(
        40, max(8, 4 * (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1))
    )


def _setting(default: object, unit: Unit, words: str, choices: tuple[str, ...] = ()) -> Any:
    """A field with its unit and its words; `choices`: the texts that it may be."""
    metadata = {"unit": unit, "words": words, "choices": choices}
    if default is _pool_threads:
        return dataclasses.field(default_factory=_pool_threads, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """What a server allows. A value that makes no sense: ConfigurationError."""

    head_timeout: float = _setting(10.0, "seconds", "reading a request's head, in total")
    body_timeout: float = _setting(30.0, "seconds", "waiting for more of a body")
    body_min_rate: int = _setting(500, "bytes a second", "slowest body, after the grace")
    body_rate_grace: float = _setting(10.0, "seconds", "before the slowest rate of a body counts")
    write_timeout: float = _setting(30.0, "seconds", "writing an answer without progress")
    keep_alive: float = _setting(75.0, "seconds", "an idle connection is kept")
    connection_max_age: float = _setting(3600.0, "seconds", "a connection lives, at most")
    linger: float = _setting(2.0, "seconds", "a connection that ends with a refusal is read on")
    max_target: int = _setting(16 * _KIB, "bytes", "request target")
    max_head: int = _setting(32 * _KIB, "bytes", "all header fields of a request")
    max_fields: int = _setting(100, "count", "header fields of a request")
    max_body: int | None = _setting(MAX_BODY, "bytes", "request body where app, router and route say nothing")
    max_chunk_extensions: int = _setting(4 * _KIB, "bytes", "chunk extensions of one body")
    max_trailers: int = _setting(8 * _KIB, "bytes", "trailers of one body")
    max_trailer_fields: int = _setting(32, "count", "trailer fields of one body")
    max_query_fields: int = _setting(1000, "count", "fields of a query string or of an urlencoded form")
    max_multipart_parts: int = _setting(1000, "count", "parts of a multipart form")
    max_multipart_files: int = _setting(100, "count", "files of a multipart form")
    max_multipart_head: int = _setting(8 * _KIB, "bytes", "header fields of one part of a form")
    max_multipart_head_fields: int = _setting(16, "count", "header fields of one part of a form")
    max_multipart_field: int = _setting(1024 * _KIB, "bytes", "one part of a form that is no file")
    max_multipart_fields: int = _setting(16 * 1024 * _KIB, "bytes", "all parts of a form that are no files")
    max_discard: int = _setting(256 * _KIB, "bytes", "unread body thrown away to keep a connection")
    max_body_ratio: int = _setting(10, "count", "times its size as sent that a compressed body may have once decoded")
    max_connections: int = _setting(16384, "count", "connections of one worker")
    max_connections_per_address: int | None = _setting(None, "count", "connections of one client address")
    max_concurrency: int | None = _setting(None, "count", "requests that handlers of one worker work on at once")
    queue: int = _setting(0, "count from 0", "requests that wait for max_concurrency")
    max_pipelined: int = _setting(32, "count", "pipelined requests answered in one turn")
    max_unsent: int = _setting(64 * _KIB, "bytes", "unsent answers above which reading pauses")
    half_close: bool = _setting(False, "switch", "a client that shut its sending side still gets its answer")
    copy_files: bool = _setting(False, "switch", "files are read and sent instead of sent by the kernel")
    backlog: int = _setting(BACKLOG, "count", "connections that wait to be accepted")
    drain_timeout: float = _setting(
        DRAIN_TIMEOUT, "seconds", "from the signal to stop until what still runs is aborted"
    )
    drain_quiet: float = _setting(1.0, "seconds", "an idle connection is kept after the signal to stop")
    drain_delay: float | None = _setting(
        None, "seconds", "from the signal to stop until the server drains; meanwhile it serves"
    )
    tcp_user_timeout: float | None = _setting(
        30.0, "seconds", "a client's system may leave sent bytes, or probes of a quiet connection, unacknowledged"
    )
    worker_timeout: float | None = _setting(
        WORKER_TIMEOUT, "seconds", "a worker's loop may stand still before the worker is replaced"
    )
    max_requests: int | None = _setting(
        None, "count", "requests of one worker, and up to a tenth more, before it is replaced"
    )
    max_age: float | None = _setting(
        None, "seconds", "a worker serves, and up to a tenth longer, before it is replaced"
    )
    max_rss: int | None = _setting(None, "bytes", "memory of one worker before it is replaced")
    pin_workers: bool = _setting(False, "switch", "each worker keeps to one processor")
    trusted_proxies: tuple[str, ...] = _setting(
        (), "list", "addresses, networks, and unix for Unix sockets: proxies whose word about the client counts"
    )
    forwarded_fields: Literal["any", "x-forwarded", "forwarded"] = _setting(
        "any", "text", "fields in which trusted proxies say who asked", ("any", "x-forwarded", "forwarded")
    )
    proxy_protocol: bool = _setting(
        False, "switch", "each connection starts with a header of the PROXY protocol, version 1 or 2"
    )
    pool_threads: int = _setting(_pool_threads, "count", "threads for blocking handlers")
    access_log: bool = _setting(False, "switch", "one line a request on standard output")
    access_log_file: str | None = _setting(
        None, "path", "file for the access log, which turns it on; - is standard output"
    )
    access_log_format: str = _setting("text", "text", "text, json, or a line of atoms as in Apache's LogFormat")
    access_log_sample: float = _setting(1.0, "share", "lines that are written, of those with a status below 400")
    request_id: bool = _setting(
        False, "switch", "requests have names: X-Request-ID is taken over or made, and sent back"
    )
    slow_request: float | None = _setting(None, "seconds", "a request that takes so long is a warning in the log")
    debug: bool = _setting(False, "switch", "details in answers to failed requests; from the application")
    debug_locals: bool = _setting(False, "switch", "pages of failed requests in debug show local variables too")
    switch_interval: float | None = _setting(None, "seconds", "Python's thread switch interval; none leaves it alone")

    def __post_init__(self) -> None:
        """Check and normalise every value."""
        for setting in described():
            object.__setattr__(self, setting.name, checked(setting, getattr(self, setting.name)))
        if self.queue and self.max_concurrency is None:
            raise ConfigurationError(f"queue is {self.queue}, but nothing waits without max_concurrency: set that too")


def described() -> Iterator[Setting]:
    """Every field of ServerSettings."""
    for field in dataclasses.fields(ServerSettings):
        default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        said = field.metadata
        optional = "None" in str(field.type)
        yield Setting(field.name, said["unit"], default, said["words"], optional=optional, choices=said["choices"])


def checked(setting: Setting, value: object) -> object:
    """`value` normalised. It does not fit the setting: ConfigurationError."""
    if value is None and setting.optional:
        return None
    match setting.unit:
        case "seconds":
            return seconds(value, setting.name)
        case "bytes":
            return size_in_bytes(value, setting.name)
        case "list":
            return proxies(value, setting.name)
        case "share":
            return share(value, setting.name)
        case "text" | "path":
            return _text(setting, value)
        case "switch":
            if isinstance(value, bool):
                return value
            raise ConfigurationError(f"{setting.name} is {value!r}: write True or False")
        case unit:
            return count(value, setting.name, least=0 if unit == "count from 0" else 1)


def _text(setting: Setting, value: object) -> object:
    """One of some words, a path, or a format."""
    if setting.unit == "path":
        if isinstance(value, str) and value and "\0" not in value:
            return value
        raise ConfigurationError(f"{setting.name} is {value!r}: write the path of a file")
    if not setting.choices:
        return log_format(value, setting.name)
    if value in setting.choices:
        return value
    raise ConfigurationError(f"{setting.name} is {value!r}: write one of {', '.join(setting.choices)}")
