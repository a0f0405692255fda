"""What every client is asked to do, and what must come of it. Knows no client and no server."""

import hashlib
from typing import Any, Final

CHUNK: Final = 64 * 1024
CHUNKS: Final = 16
LARGE: Final = 8 * 1024 * 1024
BOTH_WAYS: Final = 96 * 1024
"""Bytes that go both ways at once; a client that sends all before it reads needs room for them on the way."""
FILES: Final = (("a.bin", 10), ("b \u00e9.bin", 100_000), ("empty.bin", 0))
"""The files of a form: name and size."""
_PERIOD: Final = bytes(range(251))


def content(size: int) -> bytes:
    """So many bytes of which each client can make the same."""
    return (_PERIOD * (size // len(_PERIOD) + 1))[:size]


def sha256(size: int) -> str:
    """The digest of so many of them."""
    return hashlib.sha256(content(size)).hexdigest()


EXPECTED: Final[dict[str, Any]] = {
    "kept": True,
    "stream": sha256(CHUNK * CHUNKS),
    "large": sha256(LARGE),
    "sent": [CHUNK * CHUNKS, sha256(CHUNK * CHUNKS), True],
    "both_ways": sha256(BOTH_WAYS),
    "upload": [[name, size, sha256(size)] for name, size in FILES],
    "range": [206, "bytes 100-199/8388608", hashlib.sha256(content(200)[100:]).hexdigest()],
    "conditional": [304, 0],
    "head": [200, str(LARGE), 0],
    "too_large": 413,
    "after": True,
}
"""What a client reports."""
CONTINUED: Final = ["100-continue", 5000]
"""What one reports that waits for 100 Continue: what the server saw of Expect, and how much came."""
