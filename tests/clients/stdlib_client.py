"""http.client and urllib of the standard library. Reports what it got."""

import hashlib
import http.client
import json
import urllib.request
from collections.abc import Iterator
from typing import Any

from tests.clients.facts import BOTH_WAYS, CHUNK, CHUNKS, FILES, content


def pieces(size: int) -> Iterator[bytes]:
    data = content(size)
    for start in range(0, size, CHUNK):
        yield data[start : start + CHUNK]


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def form() -> tuple[str, bytes]:
    """A form by hand: the library makes none."""
    lines = bytearray()
    for name, size in FILES:
        lines += b'--part\r\nContent-Disposition: form-data; name=files; filename="%b"\r\n\r\n' % name.encode()
        lines += content(size) + b"\r\n"
    return "multipart/form-data; boundary=part", bytes(lines + b"--part--\r\n")


def report(base: str) -> dict[str, Any]:
    connection = http.client.HTTPConnection(base.removeprefix("http://"), timeout=20)

    def ask(method: str, path: str, body: Any = None, **fields: str) -> tuple[http.client.HTTPResponse, bytes]:
        named = {name.replace("_", "-"): value for name, value in fields.items()}
        connection.request(method, path, body, named, encode_chunked=isinstance(body, Iterator))
        answer = connection.getresponse()
        return answer, answer.read()

    _, port = ask("GET", "/peer")
    found: dict[str, Any] = {"stream": digest(ask("GET", "/stream")[1]), "large": digest(ask("GET", "/large")[1])}
    sent = json.loads(ask("POST", "/digest", pieces(CHUNK * CHUNKS), Transfer_Encoding="chunked")[1])
    found["sent"] = [sent["size"], sent["sha256"], sent["chunked"]]
    found["both_ways"] = digest(ask("POST", "/both-ways", pieces(BOTH_WAYS), Transfer_Encoding="chunked")[1])
    media_type, body = form()
    found["upload"] = json.loads(ask("POST", "/upload", body, Content_Type=media_type)[1])
    part, data = ask("GET", "/files/large.bin", Range="bytes=100-199")
    found["range"] = [part.status, part.headers["Content-Range"], digest(data)]
    same, data = ask("GET", "/files/large.bin", If_None_Match=part.headers["ETag"])
    found["conditional"] = [same.status, len(data)]
    head, data = ask("HEAD", "/large")
    found["head"] = [head.status, head.headers["Content-Length"], len(data)]
    found["kept"] = ask("GET", "/peer")[1] == port
    found["too_large"] = ask("POST", "/small", content(2000))[0].status
    connection.close()
    with urllib.request.urlopen(f"{base}/peer") as answer:
        found["after"] = answer.status == 200 and answer.read().isdigit()
    return found
