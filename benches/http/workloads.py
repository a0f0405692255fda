"""The workloads: what is asked, what must come back, which answer of the floor it is compared with.

It must not know how a server is started or measured.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from benches.http.apps.rows import ROWS

HELLO = {"hello": "world"}
FORM_TYPE = "multipart/form-data; boundary=of-the-bench"
FORM_START = b'--of-the-bench\r\nContent-Disposition: form-data; name="file"; filename="large.bin"\r\n\r\n'
FORM_END = b"\r\n--of-the-bench--\r\n"
UPLOADED = 10 * 1024 * 1024
"""Bytes of the file that is uploaded: 10 MiB."""


@dataclass(frozen=True)
class Workload:
    """One row of the tables."""

    name: str
    title: str
    path: str
    answer: object
    """The body that every server must give: str for text, anything else as JSON."""
    floor: str = "json"
    """What the floor does for the row that is compared with it: text, json, stream or upload."""
    routes: int = 1
    """Routes of the deep table that are registered."""
    target: float | None = None
    """The most that CovetPy may cost against the floor."""
    body: str | None = None
    """What is posted as JSON; None asks with GET."""
    orjson_target: float | None = None
    """The most that CovetPy may cost above the floor, in times of what orjson needs for the answer."""
    peer_target: float | None = None
    """The most that CovetPy may cost against the best Python peer."""
    yardstick: str = "floor"
    """The server that the row is compared with."""
    closes: bool = False
    """Whether every request comes on a connection of its own."""
    pipelined: int = 1
    """Requests that are sent together."""
    upload: int = 0
    """Bytes of the file that is posted in a form; 0 posts none."""
    connections: int = 64

    @property
    def posted(self) -> tuple[str, bytes] | None:
        """What is posted, with its media type; None asks with GET."""
        if self.upload:
            return FORM_TYPE, FORM_START + b"0123456789abcdef" * (self.upload // 16) + FORM_END
        return None if self.body is None else ("application/json", self.body.encode())

    @property
    def payload(self) -> str:
        """The answer's body as the floor sends it."""
        return self.answer if isinstance(self.answer, str) else json.dumps(self.answer, separators=(",", ":"))

    def matches(self, body: bytes) -> bool:
        """Whether a body is this workload's answer, whitespace and key order aside."""
        if isinstance(self.answer, str):
            return body.decode("utf-8", "replace") == self.answer
        try:
            return bool(json.loads(body) == self.answer)
        except ValueError:
            return False


ORDER = {"book": 42, "title": "Emma", "price": 7.5, "gift": True}
FILE = "0123456789abcdef" * 65536
"""What the static file holds: 1 MiB."""
DEEP_PATH = "/v9/areas/9/shops/9/items/42"

WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("text", "text", "/text", "Hello, World!", floor="text", target=1.15, peer_target=0.6),
        Workload("json", "JSON dict", "/json", HELLO, target=1.15, peer_target=0.6),
        Workload(
            "typed",
            "typed path + query, JSON",
            "/items/42?q=books&limit=10",
            {"id": 42, "q": "books", "limit": 10},
            target=1.25,
            peer_target=0.6,
        ),
        Workload(
            "post",
            "POST JSON, validated dataclass of 4 fields, JSON",
            "/orders",
            ORDER,
            body=json.dumps(ORDER),
            target=1.6,
            peer_target=0.6,
        ),
        Workload("rows", "50 rows, `list[dict]`", "/rows", ROWS, orjson_target=1.1, peer_target=0.7),
        Workload(
            "rows_typed",
            "50 rows, `list[dataclass]`, annotated",
            "/rows-typed",
            ROWS,
            orjson_target=1.2,
            peer_target=0.5,
        ),
        Workload("sleep0", "`await asyncio.sleep(0)`", "/sleep0", HELLO, target=1.4, peer_target=0.45),
        Workload("sleep1ms", "`await asyncio.sleep(0.001)`", "/sleep1ms", HELLO, target=2.6, peer_target=0.35),
        Workload("pool", "`def` handler in the pool", "/pool", HELLO, target=1.5, peer_target=0.35),
        Workload("pool_yields", "`def` handler in the pool, `time.sleep(0)`", "/pool-yields", HELLO, peer_target=0.35),
        Workload(
            "static", "static file, 1 MiB", "/static/large.bin", FILE, target=1.2, peer_target=0.5, yardstick="nginx"
        ),
        Workload(
            "stream",
            "streamed 1 MiB in 64 KiB chunks",
            "/stream",
            FILE,
            floor="stream",
            target=1.2,
            peer_target=0.5,
            yardstick="nginx",
        ),
        Workload(
            "upload",
            "10 MiB upload to disk",
            "/form",
            {"bytes": UPLOADED},
            floor="upload",
            target=1.2,
            peer_target=0.5,
            yardstick="nginx",
            upload=UPLOADED,
            connections=8,
        ),
        Workload("connections", "new connection for each request, JSON dict", "/json", HELLO, target=1.3, closes=True),
        Workload(
            "pipelined", "16 pipelined requests, JSON dict", "/json", HELLO, target=1.5, peer_target=0.6, pipelined=16
        ),
        Workload("route", "1 route", DEEP_PATH, HELLO),
        Workload("routes", "1,000 routes, deep match", DEEP_PATH, HELLO, routes=1000),
    )
}

QUICK = ("text", "json", "typed", "post", "rows", "rows_typed", "sleep0", "sleep1ms", "pool")
