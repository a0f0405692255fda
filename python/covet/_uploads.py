"""What a form with files becomes: `UploadFile` and `FormData`.

Made by the engine, never by users. The bytes are the engine's: in memory, or in a temporary file without a name.
"""

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING, Final, final

from covet.errors import BadRequest

if TYPE_CHECKING:
    from covet._native import Headers, PartReader, StoredFile

__all__ = ["FormData", "Part", "Parts", "UploadFile"]

_ALL: Final = 2**63


@final
class UploadFile:
    """A file of a form; in memory up to 64 KiB, above that in a temporary file that goes with this object.

    The methods are for the event loop's thread. A `def` that runs in the pool takes `Annotated[bytes, File()]`.
    """

    __slots__ = ("__weakref__", "_offset", "_stored")

    def __init__(self, stored: "StoredFile") -> None:
        self._stored: StoredFile | None = stored
        self._offset = 0

    def _open(self) -> "StoredFile":
        """What it reads from. Closed: ValueError."""
        if self._stored is None:
            raise ValueError("the upload is closed: read it before close()")
        return self._stored

    @property
    def filename(self) -> str | None:
        """The client's file name without folders; None where nothing of it names a file. Never a path to trust."""
        return self._open().filename

    @property
    def content_type(self) -> str | None:
        """As the client sent it; None where absent."""
        return self._open().content_type

    @property
    def size(self) -> int:
        """Bytes."""
        return self._open().size

    @property
    def sha256(self) -> str | None:
        """The digest in hexadecimal digits, where `File(sha256=True)` or `form(sha256=True)` asked for it."""
        return self._open().sha256

    @property
    def headers(self) -> "Headers":
        """Header fields of the part."""
        return self._open().headers

    async def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; -1 the rest; b"" at the end."""
        stored = self._open()
        left = max(stored.size - self._offset, 0)
        count = left if size < 0 else min(size, left)
        offset, self._offset = self._offset, self._offset + count
        found = stored.read(offset, count)
        return found if isinstance(found, bytes) else await found

    async def seek(self, offset: int) -> None:
        """To `offset` bytes from the start."""
        self._open()
        if not 0 <= offset <= _ALL:
            raise ValueError(f"the offset is {offset}: write a number of bytes from the start")
        self._offset = offset

    async def save(self, path: str | os.PathLike[str]) -> None:
        """Make `path` a file with these bytes, in place of what was there: whole and on the disk, or not at all.

        OSError where that fails; `path` is then what it was.
        """
        await self._open().save(path)

    async def close(self) -> None:
        """Free it early. Used afterwards: ValueError."""
        self._stored = None

    def __repr__(self) -> str:
        """Name and size."""
        if self._stored is None:
            return "<UploadFile closed>"
        return f"<UploadFile {self.filename!r} {self.size} bytes>"


@final
class FormData(Mapping[str, str | UploadFile]):
    """Form fields and files; the last value wins in `[]`, as in QueryParams."""

    __slots__ = ("_last", "_pairs")

    def __init__(self, pairs: list[tuple[str, str | UploadFile]]) -> None:
        self._pairs = pairs
        self._last = dict(pairs)

    def __getitem__(self, key: str, /) -> str | UploadFile:
        return self._last[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._last)

    def __len__(self) -> int:
        return len(self._last)

    def getlist(self, key: str) -> list[str | UploadFile]:
        """Every value of `key`, in order; empty where absent."""
        return [value for name, value in self._pairs if name == key]

    def multi_items(self) -> list[tuple[str, str | UploadFile]]:
        """Every pair, in order, names as often as they were sent."""
        return list(self._pairs)

    def __repr__(self) -> str:
        """Every pair."""
        return f"FormData({self._pairs!r})"


@final
class Part:
    """One part of a form while it arrives: take its bytes before the next part is asked for, which throws them away."""

    __slots__ = ("_source", "content_type", "filename", "headers", "is_file", "name")

    def __init__(self, source: "_Source", head: "tuple[str, bool, str | None, str | None, Headers]") -> None:
        self._source: _Source | None = source
        self.name: str
        """Of the field."""
        self.is_file: bool
        """Whether the client says that it is a file; a field is at most `multipart_field_size` bytes."""
        self.filename: str | None
        """The client's file name without folders; None where nothing of it names a file. Never a path to trust."""
        self.content_type: str | None
        """As the client sent it; None where absent."""
        self.headers: Headers
        """Header fields of the part."""
        self.name, self.is_file, self.filename, self.content_type, self.headers = head

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        """The next bytes. Malformed or over a limit: HTTPException."""
        while self._source is not None:
            found = await self._source.step()
            if isinstance(found, bytes):
                return found
            self._source = None
        raise StopAsyncIteration

    async def read(self) -> bytes:
        """The bytes that were not taken yet."""
        return b"".join([piece async for piece in self])

    async def text(self) -> str:
        """The same as UTF-8. Is it none: BadRequest."""
        try:
            return (await self.read()).decode()
        except UnicodeDecodeError:
            raise BadRequest("A form field is not UTF-8.") from None

    def __repr__(self) -> str:
        """Name and file name."""
        return f"<Part {self.name!r} {self.filename!r}>" if self.is_file else f"<Part {self.name!r}>"


@final
class Parts:
    """The parts of a form as they arrive: what `request.parts()` gives."""

    __slots__ = ("_current", "_source")

    def __init__(self, chunks: AsyncIterator[bytes], reader: "PartReader") -> None:
        self._source = _Source(chunks, reader)
        self._current: Part | None = None

    def __aiter__(self) -> AsyncIterator[Part]:
        return self

    async def __anext__(self) -> Part:
        """The next part. Malformed or over a limit: HTTPException."""
        if self._current is not None:
            async for _ in self._current:
                pass
        found = await self._source.step()
        if not isinstance(found, tuple):
            raise StopAsyncIteration
        self._current = Part(self._source, found)
        return self._current


@final
class _Source:
    """The reader, fed from the request's stream."""

    __slots__ = ("_chunks", "_reader")

    def __init__(self, chunks: AsyncIterator[bytes], reader: "PartReader") -> None:
        self._chunks, self._reader = chunks, reader

    async def step(self) -> "tuple[str, bool, str | None, str | None, Headers] | bytes | bool":
        """What comes next; see PartReader.step."""
        while (found := self._reader.step()) is None:
            chunk = await anext(self._chunks, None)
            while chunk == b"":
                chunk = await anext(self._chunks, None)
            self._reader.feed(chunk or b"")
        return found
