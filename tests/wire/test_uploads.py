"""Forms with files over the wire: parameters, `request.form()`, limits, the disk, hostile bodies, real clients."""

import hashlib
import json
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.possessions import descriptors
from tests.wire.answers import Answer
from tests.wire.connection import Connection, ask, request
from tests.wire.server_process import PATIENCE, ServerProcess, running

APP = "tests.wire.uploads_app:main"
MULTIPART = ("content-type", "multipart/form-data; boundary=b")
URLENCODED = ("content-type", "application/x-www-form-urlencoded")
END = b"--b--\r\n"
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def spool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spool")


@pytest.fixture(scope="module")
def server(spool: Path) -> Iterator[ServerProcess]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(spool))
        with running(APP, "--workers", "0") as process:
            yield process


@pytest.fixture
def port(server: ServerProcess) -> int:
    return server.port


def field(name: str, text: bytes | str) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (name.encode(), data)


def file(name: str, data: bytes, filename: str = "f.txt", kind: str = "text/plain") -> bytes:
    disposition = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: {kind}'
    return b"--b\r\n%b\r\n\r\n%b\r\n" % (disposition.encode(), data)


def post(port: int, target: str, *parts: bytes, end: bytes = END) -> Answer:
    return ask(port, "POST", target, (MULTIPART,), b"".join(parts) + end)


def got(port: int, target: str, *parts: bytes) -> Any:
    answer = post(port, target, *parts)
    assert answer.status == 200, answer
    return answer.json()


def seen(data: bytes, name: str | None = "f.txt", sha256: str | None = None) -> dict[str, Any]:
    return {"name": name, "type": "text/plain", "size": len(data), "text": data[:16].decode(), "sha256": sha256}


LARGE = b"0123456789" * 40_000


# Parameters


@pytest.mark.parametrize("data", [b"", b"small", b"x" * 65536, b"x" * 65537, LARGE], ids=len)
def test_a_file(port: int, data: bytes) -> None:
    assert got(port, "/one", file("file", data)) == seen(data)


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("../../etc/passwd", "passwd"),
        (r"C:\dir\a.txt", "a.txt"),
        ("..", None),
        ("na\u00efve \u65e5.txt", "na\u00efve \u65e5.txt"),
        ("a%22b.txt", 'a"b.txt'),
        ("100%25.txt", "100%25.txt"),
        ("a%0Ab", None),
    ],
)
def test_only_the_last_part_of_a_file_name_is_shown(port: int, sent: str, name: str | None) -> None:
    assert got(port, "/one", file("file", b"x", sent))["name"] == name


def test_a_file_that_is_missing(port: int) -> None:
    for parts in ([], [field("file", "x")], [file("other", b"x")], [file("file", b"", filename="")]):
        problem = post(port, "/one", *parts).problem()
        assert problem["errors"] == [
            {"source": "form", "pointer": "/file", "code": "missing", "message": "file is missing"}
        ]
    assert ask(port, "POST", "/one").status == 422


def test_a_file_twice(port: int) -> None:
    problem = post(port, "/one", file("file", b"a"), file("file", b"b")).problem()
    assert [each["code"] for each in problem["errors"]] == ["repeated"]


def test_an_optional_file(port: int) -> None:
    assert got(port, "/optional", field("note", "n")) == ["n", None]
    assert got(port, "/optional", file("file", b"", filename="")) == ["none", None]
    assert got(port, "/optional", field("note", "n"), file("file", b"x")) == ["n", seen(b"x")]
    assert ask(port, "POST", "/optional").json() == ["none", None]


def test_several_files_of_one_name(port: int) -> None:
    assert got(port, "/many") == []
    data = [b"a", LARGE, b""]
    assert got(port, "/many", *(file("more", each) for each in data)) == [seen(each) for each in data]


def test_bytes(port: int) -> None:
    parts = [file("file", LARGE), file("more", b"ab"), file("more", LARGE * 2)]
    assert got(port, "/bytes", *parts) == [len(LARGE), 2, 2 * len(LARGE)]


@pytest.mark.parametrize("data", [b"", b"abc", LARGE], ids=len)
def test_the_digest(port: int, data: bytes) -> None:
    expected = hashlib.sha256(data).hexdigest()
    assert post(port, "/digest", file("file", data)).body.decode() == expected
    assert got(port, "/form/digest", file("file", data), field("a", "b")) == [["file", expected], ["a", "b"]]


def test_form_fields_come_from_either_kind_of_form(port: int) -> None:
    parts = [field("number", "7"), field("tag", "a"), field("tag", "\u00e9")]
    assert got(port, "/scalars", *parts) == [7, "a", "\u00e9"]
    assert ask(port, "POST", "/scalars", (URLENCODED,), b"number=7&tag=a&tag=%C3%A9").json() == [7, "a", "\u00e9"]
    assert got(port, "/person", field("name", "Ada"), field("age", "36")) == {"name": "Ada", "age": 36}
    assert ask(port, "POST", "/person", (URLENCODED,), b"name=Ada").json() == {"name": "Ada", "age": 0}
    codes = [each["code"] for each in post(port, "/scalars", field("number", "x")).problem()["errors"]]
    assert len(codes) == 2


def test_content_types(port: int) -> None:
    answer = ask(port, "POST", "/one", (URLENCODED,), b"file=x")
    assert (answer.status, answer.problem()["detail"]) == (415, "The body must be multipart/form-data in UTF-8.")
    assert ask(port, "POST", "/form", (("content-type", "text/plain"),), b"x").status == 415
    for content_type in ("multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=a@b"):
        for target in ("/one", "/form"):
            assert ask(port, "POST", target, (("content-type", content_type),), END).status == 400


# request.form()


def test_request_form(port: int) -> None:
    parts = [field("a", "1"), file("f", b"x"), field("a", "2"), file("f", LARGE), file("g", b"", filename="")]
    assert got(port, "/form", *parts) == [["a", "1"], ["f", seen(b"x")], ["a", "2"], ["f", seen(LARGE)]]
    assert ask(port, "POST", "/form", (URLENCODED,), b"a=1&b=%20").json() == [["a", "1"], ["b", " "]]


def test_request_form_beside_other_readers(port: int) -> None:
    names, why = got(port, "/form/both", field("a", "1"), file("file", LARGE))
    assert (names, why) == (
        ["a", "file"],
        "the body was read as a form, piece by piece: use request.form()",
    )
    body = field("a", "1") + file("file", LARGE) + END
    assert ask(port, "POST", "/form/after-body", (MULTIPART,), body).json() == [len(body), ["a", "file"]]


def test_request_form_that_is_refused(port: int) -> None:
    answer = post(port, "/form/refused", field("a", "1"), end=b"")
    assert answer.json() == ["BadRequest", 400, "The multipart body does not end with its final boundary."]
    answer = post(port, "/form/refused", field("a", "x" * (MIB + 1)))
    assert answer.json() == ["ContentTooLarge", 413, "A form field is too large."]


def test_reading_in_pieces(port: int) -> None:
    for data in (b"x" * 60_000 + b"!", b"x" * 250_000 + b"!"):
        sizes = [100_000] * (len(data) // 100_000) + [len(data) % 100_000]
        closed = ["the upload is closed: read it before close()", "<UploadFile closed>"]
        assert got(port, "/read", file("file", data)) == [sizes, "!", len(data), *closed]


@pytest.mark.parametrize("data", [b"small", LARGE], ids=len)
def test_saving(port: int, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.txt").write_text("old")
    assert got(port, "/save/a.txt", file("file", data), field("folder", str(tmp_path))) == ["a.txt"]
    assert (tmp_path / "a.txt").read_bytes() == data


# Limits


@pytest.mark.parametrize("target", ["/limited", "/limited/typed"])
def test_limits_of_a_route(port: int, target: str) -> None:
    table = [
        ([field("a", "1")] * 2, 200),
        ([field("a", "1")] * 3, 200),
        ([field("a", "1")] * 4, 413),
        ([file("file", b"x")], 200),
        ([file("file", b"x")] * 2, 200),
        ([file("file", b"x")] * 3, 413),
        ([field("a", "x" * 9)], 200),
        ([field("a", "x" * 10)], 200),
        ([field("a", "x" * 11)], 413),
        ([file("file", b"x" * (MIB // 2))], 200),
        ([file("file", b"x" * MIB)], 413),
    ]
    for parts, status in table:
        assert post(port, target, *parts).status == status, (len(parts), parts[0][:80])


def test_limits_of_urlencoded_fields(port: int) -> None:
    for target in ("/limited", "/limited/urlencoded"):
        for body, status in ((b"a=1", 200), (b"a=1&a=2", 200), (b"a=1&a=2&a=3", 400)):
            assert ask(port, "POST", target, (URLENCODED,), body).status == status


def test_default_limits(port: int) -> None:
    def headed(size: int) -> bytes:
        part = file("f", b"x", kind="")[len(b"--b\r\n") :]
        head = part.index(b"\r\n\r\n") + 4
        return b"--b\r\n" + part.replace(b"Content-Type: ", b"Content-Type: " + b"x" * (size - head))

    def fields(count: int) -> bytes:
        return file("f", b"x").replace(b"\r\n\r\n", b"\r\n" + b"X: y\r\n" * (count - 2) + b"\r\n")

    table = [
        *(([field("a", "")] * count, count > 1000) for count in (999, 1000, 1001)),
        *(([file("f", b"")] * count, count > 100) for count in (99, 100, 101)),
        *(([field("a", "x" * size)], size > MIB) for size in (MIB - 1, MIB, MIB + 1)),
        *(([headed(size)], size > 8192) for size in (8191, 8192, 8193)),
        *(([fields(count)], count > 16) for count in (15, 16, 17)),
    ]
    for parts, over in table:
        assert post(port, "/form/refused", *parts).status == (200 if over else 400), (len(parts), over)


def test_limits_are_settings(spool: Path) -> None:
    flags = {"parts": 2, "files": 1, "field": 4, "fields": 6, "head-fields": 3, "head": 150}
    words = [word for name, value in flags.items() for word in (f"--max-multipart-{name}", str(value))]
    with running(APP, "--workers", "0", *words) as process:
        long = field("a", "x").replace(b'"a"', b'"a"\r\nX: ' + b"y" * 200)
        table = [
            ([field("a", "x")] * 2, 200),
            ([field("a", "x")] * 3, 413),
            ([file("f", b"x")], 200),
            ([file("f", b"x")] * 2, 413),
            ([field("a", "1234")], 200),
            ([field("a", "12345")], 413),
            ([field("a", "123")] * 2, 200),
            ([field("a", "12"), field("a", "123")], 200),
            ([field("a", "123"), field("a", "1234")], 413),
            ([file("f", b"x").replace(b"\r\n\r\n", b"\r\nX: y\r\n\r\n")], 200),
            ([file("f", b"x").replace(b"\r\n\r\n", b"\r\nX: y\r\nX: y\r\n\r\n")], 413),
            ([long], 413),
        ]
        for parts, status in table:
            assert post(process.port, "/form", *parts).status == status, parts


# Hostile bodies

PART = field("a", "x")
START = b"--b\r\nContent-Disposition: form-data; name=a\r\n"
HOSTILE = {
    "10,000 empty parts": (field("a", "") * 10_000 + END, 413),
    "5,000 fields in a head": (START + b"X: y\r\n" * 5000 + b"\r\nx\r\n" + END, 413),
    "near misses": (START.replace(b"=a", b"=a; filename=f") + b"\r\n" + b"\r\n--a" * 500_000 + b"\r\n" + END, 200),
    "only CR": (START.replace(b"=a", b"=a; filename=f") + b"\r\n" + b"\r" * (4 * MIB) + b"\r\n" + END, 200),
    "a boundary that goes on": (START + b"\r\nx\r\n--bc\r\n" + END, 400),
    "nested": (file("f", PART.replace(b"--b", b"--c") + b"--c--", kind="multipart/mixed; boundary=c") + END, 200),
    "nested with the same boundary": (file("f", PART + END) + END, 400),
    "a preamble": (b"x" * MIB + b"\r\n" + PART + END, 200),
    "an epilogue": (PART + END + b"x" * MIB, 200),
    "no end": (PART, 400),
    "no boundary": (b"x" * MIB, 400),
    "nothing": (b"\r\n", 400),
    "LF": ((PART + END).replace(b"\r\n", b"\n"), 400),
    "a head without end": (START + b"X: " + b"x" * MIB, 413),
    "blanks behind a boundary": (b"--b" + b" " * MIB + b"\r\n", 400),
    "a field that is no UTF-8": (field("a", b"\xff") + END, 400),
    "base64": (START + b"Content-Transfer-Encoding: base64\r\n\r\neA==\r\n" + END, 400),
    "no disposition": (b"--b\r\n\r\nx\r\n" + END, 400),
    "filename* alone": (START.replace(b"=a", b"=a; filename*=UTF-8''x") + b"\r\nx\r\n" + END, 400),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bodies_are_answered_soon(port: int, name: str) -> None:
    body, status = HOSTILE[name]
    began = time.monotonic()
    answer = ask(port, "POST", "/form/refused", (MULTIPART,), body)
    assert time.monotonic() - began < 5
    if status == 200:
        assert answer.status == 400, answer  # it raises where the form is taken
    else:
        assert answer.json()[1] == status
    assert ask(port, "POST", "/one", (MULTIPART,), file("file", b"x") + END).status == 200


def test_a_boundary_of_70_characters_cut_at_every_byte(port: int) -> None:
    boundary = b"'()+_,-./:=?" * 5 + b"0123456789"
    kind = (("content-type", f'multipart/form-data; boundary="{boundary.decode()}"'),)
    body = (field("a", "1") + file("f", b"\r\n--b") + END).replace(b"--b\r\nC", b"--%b\r\nC" % boundary)
    body = body.replace(END, b"--%b--\r\n" % boundary)
    with Connection(port) as connection:
        head = request("POST", "/form", (*kind, ("content-length", str(len(body)))))
        connection.send(head)
        for at in range(len(body)):
            connection.send(body[at : at + 1])
        assert connection.next_answer().json() == [["a", "1"], ["f", seen(b"\r\n--b")]]


# The disk


def resident(process: ServerProcess, name: str) -> int:
    """Bytes of resident memory: `VmRSS` now, `VmHWM` at most so far."""
    status = Path(f"/proc/{process.process.pid}/status").read_text()
    return int(status.split(f"{name}:")[1].split()[0]) * 1024


def send_large(connection: Connection, target: str, size: int) -> Answer:
    """An upload of `size` bytes in pieces."""
    start, end = file("file", b"")[:-2], b"\r\n" + END
    length = str(len(start) + size + len(end))
    connection.send(request("POST", target, (MULTIPART, ("content-length", length))) + start)
    for _ in range(size // MIB):
        connection.send(b"x" * MIB)
    connection.send(end)
    return connection.next_answer()


def test_a_large_file_takes_no_memory(spool: Path) -> None:
    with running(APP, "--workers", "0") as process, Connection(process.port) as connection:
        send_large(connection, "/digest", 4 * MIB)
        before = resident(process, "VmRSS")
        answer = send_large(connection, "/digest", 100 * MIB)
        assert answer.body.decode() == hashlib.sha256(b"x" * (100 * MIB)).hexdigest()
        assert resident(process, "VmHWM") - before < 8 * MIB


def opened_in(folder: Path, process: ServerProcess) -> int:
    """How many files of a folder a server has open, those without a name among them."""
    return sum(link.startswith(str(folder)) for link in descriptors(process.process.pid))


def test_nothing_is_left_after_a_kill(spool: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(spool))
        process = ServerProcess(APP, "--workers", "0")
    try:
        process.wait_until_serving()
        with Connection(process.port) as connection:
            body = file("file", LARGE) + END
            connection.send(request("POST", "/held", (MULTIPART,), body))
            assert ask(process.port, "GET", "/held").status == 204
            assert opened_in(spool, process) > 0
    finally:
        process.kill()
    assert list(spool.iterdir()) == []


def test_a_client_that_leaves_leaves_nothing(server: ServerProcess, spool: Path) -> None:
    def wait_for(count: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while (opened_in(spool, server) > 0) != (count > 0):
            assert time.monotonic() < deadline
            ask(server.port, "GET", "/nothing")

    for target in ("/one", "/form"):
        with Connection(server.port) as connection:
            head = request("POST", target, (MULTIPART, ("content-length", "10000000")))
            connection.send(head + file("file", LARGE))
            wait_for(1)
        wait_for(0)
    assert list(spool.iterdir()) == []


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs prlimit")
def test_a_full_disk_is_507() -> None:
    with running(APP, "--workers", "0") as process:
        resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE, (MIB, MIB))
        for target in ("/one", "/form"):
            answer = post(process.port, target, file("file", b"x" * (3 * MIB)))
            assert answer.problem()["detail"] == "There is no room for the files of the form."
            assert answer.status == 507
            assert post(process.port, target, file("file", LARGE)).status == 200


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs prlimit")
def test_a_full_disk_under_save_is_507(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    with running(APP, "--workers", "0") as process:
        resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE, (1000, 1000))
        parts = (file("file", b"x" * 1001), field("folder", str(tmp_path)))
        answer = post(process.port, "/save/a.txt", *parts)
        assert (answer.status, sorted(answer.problem())) == (507, ["request_id", "status", "title", "type"])
        process.wait_for(rf"OSError: \[Errno 27\] File too large: '{tmp_path}/a.txt'")
        assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "old")]
        assert post(process.port, "/save/a.txt", file("file", b"x" * 1000), parts[1]).status == 200


def test_a_folder_that_is_not_there_is_500() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", "/nonexistent/folder")
        with running(APP, "--workers", "0") as process:
            for target in ("/one", "/form"):
                answer = post(process.port, target, file("file", LARGE))
                assert sorted(answer.problem()) == ["request_id", "status", "title", "type"]
            process.wait_for("No such file or directory", 2)


# Clients


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl(port: int, tmp_path: Path) -> None:
    (tmp_path / "a b;c.txt").write_bytes(LARGE)
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "large").write_bytes(LARGE * 8)  # curl waits for a 100 before it sends so much
    words = ["curl", "-sS", "--fail-with-body", "-F", "note=h\u00e9llo", "-F", f'f=@"{tmp_path}/a b;c.txt"']
    words += ["-F", f"f=@{tmp_path}/empty;type=text/plain", "-F", f"f=@{tmp_path}/large;type=text/plain"]
    words += [f"http://127.0.0.1:{port}/form"]
    shown = json.loads(subprocess.run(words, check=True, capture_output=True, timeout=PATIENCE).stdout)
    assert shown[0] == ["note", "h\u00e9llo"]
    assert shown[1] == ["f", seen(LARGE, "a b;c.txt")]
    assert shown[2:] == [["f", seen(b"", "empty")], ["f", seen(LARGE * 8, "large")]]


def test_httpx(port: int) -> None:
    httpx = pytest.importorskip("httpx")
    files = [("f", ("a.txt", LARGE, "text/plain")), ("f", ('q"u\u00e9.txt', b"", "text/plain"))]
    answer = httpx.post(f"http://127.0.0.1:{port}/form", files=files, data={"note": "h\u00e9"}, timeout=PATIENCE)
    expected = [["note", "h\u00e9"], ["f", seen(LARGE, "a.txt")], ["f", seen(b"", 'q"u\u00e9.txt')]]
    assert answer.json() == expected


# request.parts()


def test_parts_as_they_come(port: int) -> None:
    assert got(port, "/parts", field("a", "1"), file("f", LARGE)) == [["a", None, 1], ["f", "f.txt", len(LARGE)]]
    assert post(port, "/parts/first", field("a", "1"), file("f", LARGE)).body == b"1"
    assert post(port, "/parts", field("a", "1"), end=b"").status == 400
    assert post(port, "/parts", field("a", "x" * (MIB + 1))).status == 413
    assert ask(port, "POST", "/parts", (URLENCODED,), b"a=1").status == 415
