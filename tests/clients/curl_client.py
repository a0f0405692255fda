"""curl, one command a thing. Reports what it got."""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

from tests.clients.facts import BOTH_WAYS, CHUNK, CHUNKS, FILES, content
from tests.wire.programs import program


def curl(*arguments: str, given: bytes = b"") -> bytes:
    command = [str(program("curl")), "--silent", "--show-error", "--max-time", "20", *arguments]
    done = subprocess.run(command, input=given, capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def report(base: str, folder: Path) -> dict[str, Any]:
    ports = curl(f"{base}/peer", "--next", f"{base}/peer", "--write-out", "\n%{num_connects}").decode()
    found: dict[str, Any] = {
        "kept": ports.endswith("\n0"),
        "stream": digest(curl("--no-buffer", f"{base}/stream")),
        "large": digest(curl(f"{base}/large")),
    }
    chunked = ("--header", "Transfer-Encoding: chunked", "--header", "Expect:", "--data-binary", "@-")
    sent = json.loads(curl(*chunked, f"{base}/digest", given=content(CHUNK * CHUNKS)))
    found["sent"] = [sent["size"], sent["sha256"], sent["chunked"]]
    found["both_ways"] = digest(
        curl("--upload-file", "-", "--request", "POST", f"{base}/both-ways", given=content(BOTH_WAYS))
    )
    for name, size in FILES:
        (folder / name).write_bytes(content(size))
    form = [word for name, _ in FILES for word in ("--form", f"files=@{folder / name}")]
    found["upload"] = json.loads(curl(*form, f"{base}/upload"))
    shown = ("--write-out", "\n%{http_code} %header{content-range} %header{etag}")
    data, _, line = curl("--range", "100-199", *shown, f"{base}/files/large.bin").rpartition(b"\n")
    status, *content_range, tag = line.decode().split(" ")
    found["range"] = [int(status), " ".join(content_range), digest(data)]
    tagged = ("--header", f"If-None-Match: {tag}", "--write-out", "%{http_code} %{size_download}")
    found["conditional"] = [int(part) for part in curl(*tagged, f"{base}/files/large.bin").split()]
    head = curl("--head", "--write-out", "%{http_code} %header{content-length} %{size_download}", f"{base}/large")
    code, length, received = head.decode().splitlines()[-1].split()
    found["head"] = [int(code), length, int(received)]
    expects = ("--header", "Expect: 100-continue", "--expect100-timeout", "20", "--data-binary", "@-")
    asked = curl(
        *expects,
        "--output",
        "/dev/null",
        "--write-out",
        "%{http_code} %{size_upload}",
        f"{base}/small",
        given=content(2000),
    )
    found["too_large"] = int(asked.split()[0])
    assert asked.split()[1] == b"0", "it sent a body that nobody asked for"
    found["after"] = curl(f"{base}/peer").isdigit()
    continued = json.loads(curl(*expects, f"{base}/digest", given=content(5000)))
    found["continued"] = [continued["expects"], continued["size"]]
    return found
