"""examples/clips.py over the wire, and that docs/handlers.md shows its examples as they are."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wire.connection import Connection, ask, chunked, request
from tests.wire.server_process import ServerProcess, running

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "handlers.md"
LAST = b"0\r\n\r\n"


def shown() -> list[tuple[str, str]]:
    """Each definition that the page shows, with the file that it names."""
    blocks = re.findall(r"^```python\n# (examples/\S+)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return [(file, part.strip("\n")) for file, block in blocks for part in block.split("\n\n\n")]


def test_the_page_shows_what_the_examples_are() -> None:
    assert {file for file, _ in shown()} == {"examples/clips.py", "examples/orders.py"}
    for file, part in shown():
        assert part in (ROOT / file).read_text(), f"{file} has no such part:\n{part}"


def test_every_example_of_the_page_is_in_a_file() -> None:
    blocks = re.findall(r"^```python\n(.*)$", PAGE.read_text(), re.MULTILINE)
    assert [line for line in blocks if not line.startswith("# examples/")] == []


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with running("examples.clips:main", "--workers", "0") as process:
        yield process


def streamed(server: ServerProcess, target: str, fields: tuple[tuple[str, str], ...] = ()) -> str:
    """What an answer in parts says, its chunks joined."""
    with Connection(server.port) as connection:
        connection.send(request("GET", target, fields))
        head, _, chunks = connection.until(LAST).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
    text = bytearray()
    while chunks != LAST:
        size, _, rest = chunks.partition(b"\r\n")
        text += rest[: int(size, 16)]
        chunks = rest[int(size, 16) + 2 :]
    return text.decode()


def test_streams(server: ServerProcess) -> None:
    assert streamed(server, "/squares") == '{"number":0,"square":0}\n{"number":1,"square":1}\n{"number":2,"square":4}\n'
    assert streamed(server, "/squares.csv?upto=2") == "number,square\n0,0\n1,1\n"
    tick = 'event: tick\nid: {0}\ndata: {{"number":{0},"square":{1}}}\n\n'
    assert streamed(server, "/ticks") == tick.format(1, 1) + tick.format(2, 4) + tick.format(3, 9)
    assert streamed(server, "/ticks", (("Last-Event-ID", "2"),)) == tick.format(3, 9)


def test_a_body_in_pieces(server: ServerProcess) -> None:
    size = 3 * 1024 * 1024
    with Connection(server.port) as connection:
        connection.send(chunked("/length", [b"x" * (size // 3)] * 3))
        assert connection.next_answer().json() == size


def test_meanwhile(server: ServerProcess) -> None:
    assert ask(server.port, "GET", "/patience").body == b"thank you"
    with Connection(server.port) as connection:
        connection.send(request("GET", "/"))
        hints = connection.next_answer()
        assert (hints.status, hints.get("link")) == (103, "</files/style.css>; rel=preload; as=style")
        assert connection.next_answer().media_type == "text/html; charset=utf-8"


def test_uploads_and_files(server: ServerProcess) -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nCats\r\n'
        b'--b\r\nContent-Disposition: form-data; name="clip"; filename="cats.mp4"\r\n\r\nmeow\r\n--b--\r\n'
    )
    made = ask(server.port, "POST", "/clips", (("Content-Type", "multipart/form-data; boundary=b"),), body)
    assert made.status == 201
    clip = made.json()
    assert clip == {"title": "Cats", "name": clip["name"], "size": 4}
    for target in (f"/clips/{clip['name']}", f"/files/{clip['name']}"):
        answer = ask(server.port, "GET", target)
        assert (answer.status, answer.body) == (200, b"meow")
    assert ask(server.port, "GET", f"/clips/{clip['name']}", (("Range", "bytes=1-2"),)).body == b"eo"
    assert ask(server.port, "GET", "/clips/..%2fclips.py").status == 404
