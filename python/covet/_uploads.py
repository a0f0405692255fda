"""What a form with files becomes: `UploadFile` and `FormData`.

Made by the engine, never by users. The bytes are the engine's: in memory, or in a temporary file without a name.
"""

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from covet._native import Headers, StoredFile

__all__ = ["FormData", "UploadFile"]

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
