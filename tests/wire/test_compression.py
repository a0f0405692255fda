"""Content codings over sockets: answers read by other decoders, bodies made by other encoders."""

import gzip
import hashlib
import http.client
import json
import os
import shutil
import subprocess
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.wire.answers import Answer
from tests.wire.connection import Connection, chunked, request
from tests.wire.server_process import PATIENCE, ServerProcess, running
from tests.wire.words import WORDS

CODINGS = ("gzip", "br", "zstd")


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with running("tests.wire.compression_app:main", "--workers", "0") as started:
        yield started


@pytest.fixture
def client(server: ServerProcess) -> Iterator[Connection]:
    with Connection(server.port) as connection:
        yield connection


def tool(name: str) -> str:
    """The path of a program; without it the test is skipped, in CI it fails."""
    found = shutil.which(name)
    if found is None and "CI" not in os.environ:
        pytest.skip(f"needs {name}")
    assert found is not None, f"CI installs {name}"
    return found


def piped(*words: str, data: bytes) -> bytes:
    return subprocess.run(
        [tool(words[0]), *words[1:]], input=data, capture_output=True, timeout=PATIENCE, check=True
    ).stdout


DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "br": lambda data: piped("brotli", "-d", "-c", data=data),
    "zstd": lambda data: piped("zstd", "-d", "-c", "-q", data=data),
}
ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    # Its best is its default, which takes ten seconds for what is large here.
    "br": lambda data: piped("brotli", "-c", "-q", "11" if len(data) < 100_000 else "5", data=data),
    "zstd": lambda data: piped("zstd", "-c", "-q", data=data),
}


def fetch(server: ServerProcess, method: str, path: str, fields: tuple[tuple[str, str], ...] = ()) -> Answer:
    """One request by the standard library's client, which reads chunks too and decodes nothing."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in fields:
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        headers = [(name.lower(), value) for name, value in response.getheaders()]
        return Answer(response.status, headers, response.read())
    finally:
        connection.close()


def accepting(coding: str) -> tuple[tuple[str, str], ...]:
    return (("Accept-Encoding", coding),)


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/text/500", WORDS[:500]),
        ("/text/65536", WORDS[:65536]),
        ("/text/65537", WORDS[:65537]),
        ("/json", json.dumps([{"id": number} for number in range(1000)], separators=(",", ":"))),
        ("/bytes", WORDS),
        ("/streamed", WORDS),
        ("/static/app.js", WORDS[:50_000]),
        ("/file", WORDS[:50_000]),
        ("/inner/small", "a small text of 30 bytes or so"),
        ("/inner/route", "the inner one is asked first, then the outer ones"),
    ],
)
def test_other_decoders_read_it(server: ServerProcess, path: str, expected: str, coding: str) -> None:
    answer = fetch(server, "GET", path, accepting(coding))
    assert answer.status == 200
    assert answer.get("content-encoding") == coding
    assert answer.get("vary") == "accept-encoding"
    assert DECODERS[coding](answer.body).decode() == expected
    plain = fetch(server, "GET", path)
    assert (plain.get("content-encoding"), plain.body.decode()) == (None, expected)
    head = fetch(server, "HEAD", path, accepting(coding))
    assert head.get("content-encoding") == coding


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate, br", "br"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("*;q=0.5", "zstd"),
        ("identity;q=1, gzip;q=0.5", None),
        ("gzip;q=0", None),
        ("deflate", None),
        ("identity;q=0, *", "zstd"),
    ],
)
def test_the_client_chooses(client: Connection, accept: str, coding: str | None) -> None:
    answer = client.ask("GET", "/text/600", accepting(accept))
    assert answer.get("content-encoding") == coding
    assert answer.get("vary") == "accept-encoding"


def test_what_stays_as_it_is(client: Connection) -> None:
    for path in ("/text/499", "/kept", "/memory", "/missing"):
        answer = client.ask("GET", path, accepting("gzip"))
        assert (answer.get("content-encoding"), answer.get("vary")) == (None, None), path
    assert client.ask("GET", "/kept", accepting("gzip")).body.decode() == WORDS[:600]


def test_fields_of_the_answer_stay_true(client: Connection) -> None:
    answer = client.ask("GET", "/tagged", accepting("gzip"))
    assert answer.get("etag") == 'W/"v1"'
    assert answer.get("vary") == "Origin, accept-encoding"
    assert answer.get("content-length") == str(len(answer.body))
    answer = client.ask("GET", "/tagged")
    assert (answer.get("etag"), answer.get("vary")) == ('"v1"', "Origin, accept-encoding")


def test_files_are_revalidated_and_ranged(server: ServerProcess) -> None:
    first = fetch(server, "GET", "/static/app.js", accepting("gzip"))
    tag = first.get("etag") or ""
    assert tag.startswith("W/")
    again = fetch(server, "GET", "/static/app.js", (("Accept-Encoding", "gzip"), ("If-None-Match", tag)))
    assert (again.status, again.get("etag"), again.get("vary")) == (304, tag, "accept-encoding")
    part = fetch(server, "GET", "/static/app.js", (("Accept-Encoding", "gzip"), ("Range", "bytes=0-4")))
    assert (part.status, part.get("content-encoding"), part.body) == (206, None, WORDS[:5].encode())


def test_a_date_does_not_tell_the_encoded_bytes_from_the_others(server: ServerProcess) -> None:
    """Who has a part of the encoded file has its date too, and would put bytes of the other one behind it."""
    date = fetch(server, "GET", "/static/app.js", accepting("gzip")).get("last-modified") or ""
    part = (("Range", "bytes=5-9"), ("If-Range", date))
    whole = fetch(server, "GET", "/static/app.js", (("Accept-Encoding", "gzip"), *part))
    assert (whole.status, whole.get("content-encoding")) == (200, "gzip")
    plain = fetch(server, "GET", "/static/app.js", part)
    assert (plain.status, plain.body) == (206, WORDS[5:10].encode())


def test_an_application_that_does_not_say_so() -> None:
    with running("tests.wire.compression_app:bare", "--workers", "0") as bare, Connection(bare.port) as client:
        answer = client.ask("GET", "/text", accepting("gzip"))
        assert (answer.get("content-encoding"), answer.get("vary")) == (None, None)
        assert answer.body.decode() == WORDS[:10_000]


def test_the_example() -> None:
    with running("examples.compression:main", "--workers", "0") as example, Connection(example.port) as client:
        answer = client.ask("GET", "/squares", accepting("gzip"))
        assert (answer.status, answer.get("content-encoding")) == (200, "gzip")
        assert sum(json.loads(gzip.decompress(answer.body))) == sum(number * number for number in range(1000))
        fields = (("Content-Type", "application/json"), ("Content-Encoding", "gzip"))
        assert client.ask("POST", "/sum", fields, gzip.compress(b"[1, 2.5]")).json() == 3.5


@pytest.mark.parametrize(
    ("path", "items"),
    [
        ("/events", [f"id: {number}\ndata: {number}\n\n" for number in range(5)]),
        ("/lines", [f'{{"number":{number}}}\n' for number in range(5)]),
    ],
)
def test_each_item_arrives_before_the_next_is_made(
    server: ServerProcess, client: Connection, path: str, items: list[str]
) -> None:
    client.send(request("GET", path, accepting("gzip")))
    stream = client.socket.makefile("rb")
    head = b"".join(iter(stream.readline, b"\r\n"))
    assert b"content-encoding: gzip\r\n" in head
    decoder = zlib.decompressobj(wbits=31)

    def chunk() -> bytes:
        size = int(stream.readline(), 16)
        data = stream.read(size)
        assert stream.readline() == b"\r\n"
        return data

    with Connection(server.port) as other:
        for item in items:
            seen = b""
            while len(seen) < len(item):
                seen += decoder.decompress(chunk())
            assert seen.decode() == item
            assert other.ask("POST", "/step").status == 204
    while data := chunk():
        assert decoder.decompress(data) == b""
    assert decoder.eof


@pytest.mark.parametrize("coding", CODINGS)
def test_curl_asks_and_decodes(server: ServerProcess, tmp_path: Path, coding: str) -> None:
    features = subprocess.run([tool("curl"), "--version"], capture_output=True, text=True, check=True).stdout
    known = {"gzip": "libz", "br": "brotli", "zstd": "zstd"}[coding]
    if known not in features:
        pytest.skip(f"this curl knows no {coding}")
    url = f"http://127.0.0.1:{server.port}"
    words = ["curl", "-sS", "--compressed", "-H", f"Accept-Encoding: {coding}", "-D", os.fspath(tmp_path / "head")]
    for path, expected in (("/text/2000", WORDS[:2000]), ("/streamed", WORDS), ("/bytes", WORDS)):
        assert piped(*words, url + path, data=b"").decode() == expected
        assert f"content-encoding: {coding}\n" in (tmp_path / "head").read_text()


ITEM = {"name": "many", "numbers": [number * 7_919 % 104_729 for number in range(2_000)]}


@pytest.mark.parametrize("coding", CODINGS)
def test_bodies_are_decoded(client: Connection, coding: str) -> None:
    json_type = ("Content-Type", "application/json")
    body = ENCODERS[coding](json.dumps(ITEM).encode())
    answer = client.ask("POST", "/bodies/model", (("Content-Encoding", coding), json_type), body)
    assert answer.json() == {"name": "many", "sum": sum(ITEM["numbers"])}
    plain = WORDS[:1_000_000].encode()
    body = ENCODERS[coding](plain)
    answer = client.ask("POST", "/bodies/digest", (("Content-Encoding", coding),), body)
    assert answer.json() == {"sha256": hashlib.sha256(plain).hexdigest(), "fields": ["host"]}
    whole = WORDS.encode()
    body = ENCODERS[coding](whole)
    answer = client.ask("POST", "/bodies/pieces", (("Content-Encoding", coding),), body)
    assert answer.json() == len(whole)


def test_a_form_is_decoded(client: Connection) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    form = head + WORDS[:300_000].encode() + b"\r\n--b--\r\n"
    fields = (("Content-Encoding", "gzip"), ("Content-Type", "multipart/form-data; boundary=b"))
    assert client.ask("POST", "/bodies/upload", fields, gzip.compress(form)).json() == 300_000


def test_a_route_that_does_not_take_them(client: Connection) -> None:
    body = gzip.compress(b"text")
    answer = client.ask("POST", "/refuses", (("Content-Encoding", "gzip"),), body)
    assert (answer.status, answer.get("accept-encoding")) == (415, "identity")
    assert client.ask("POST", "/refuses", (("Content-Encoding", "identity"),), b"text").json() == 4
    answer = client.ask("POST", "/bodies/limited", (("Content-Encoding", "deflate"),), zlib.compress(b"text"))
    assert (answer.status, answer.get("accept-encoding")) == (415, "zstd, br, gzip")


@pytest.mark.parametrize(("length", "status"), [(999, 200), (1000, 200), (1001, 413)])
def test_the_limit_of_the_route_is_that_of_the_decoded_body(server: ServerProcess, length: int, status: int) -> None:
    body = gzip.compress(WORDS[:length].encode())
    with Connection(server.port) as client:
        assert client.ask("POST", "/bodies/limited", (("Content-Encoding", "gzip"),), body).status == status
    with Connection(server.port) as client:
        sent = chunked("/bodies/limited", [body[:100], body[100:]])
        client.send(sent.replace(b"\r\n", b"\r\nContent-Encoding: gzip\r\n", 1))
        assert client.next_answer().status == status


@pytest.mark.parametrize(("ratio", "status"), [(9, 413), (10, 200), (11, 200)])
def test_the_ratio_is_a_setting(ratio: int, status: int) -> None:
    plain = b"0" * 2000
    small = gzip.compress(plain, mtime=0)
    assert len(small) < 199
    # 200 bytes in all: a file name in the head fills them (RFC 1952 section 2.3.1).
    body = small[:3] + b"\x08" + small[4:10] + b"n" * (199 - len(small)) + b"\0" + small[10:]
    assert (len(body), gzip.decompress(body)) == (200, plain)
    flags = ("--workers", "0", "--max-body-ratio", str(ratio))
    with running("tests.wire.compression_app:main", *flags) as server, Connection(server.port) as client:
        answer = client.ask("POST", "/bodies/pieces", (("Content-Encoding", "gzip"),), body)
        assert answer.status == status
        if status == 200:
            assert answer.json() == 2000


def test_malformed_bodies(server: ServerProcess) -> None:
    good = gzip.compress(WORDS[:900].encode())
    for body in (b"plain text", good[:-1], good[:-5] + b"\0" + good[-4:], good + b"more"):
        for path in ("/bodies/limited", "/bodies/pieces", "/bodies/digest"):
            with Connection(server.port) as client:
                assert client.ask("POST", path, (("Content-Encoding", "gzip"),), body).status == 400


def test_a_bomb_takes_no_memory(server: ServerProcess) -> None:
    # 10 GiB of zeros: one flushed block of 1 MiB, 10,240 times.
    encoder = zlib.compressobj(9, wbits=31)
    first, block = (encoder.compress(bytes(1 << 20)) + encoder.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    bomb = first + block * 10_239
    with Connection(server.port) as client:
        before = client.ask("GET", "/memory").json()
    for path in ("/bodies/pieces", "/bodies/digest"):
        with Connection(server.port) as client:
            fields = (("Content-Encoding", "gzip"), ("Transfer-Encoding", "chunked"))
            client.send(request("POST", path, fields))
            client.send(b"%x\r\n%b" % (len(bomb), bomb[: 1 << 20]))
            assert client.next_answer().status == 413
    with Connection(server.port) as client:
        assert client.ask("GET", "/memory").json() - before < 64 << 20
