"""A directory over sockets, answered without Python; RFC 9110's conditions and ranges as tables."""

import functools
from pathlib import Path

import pytest

from covet import Covet, FileResponse, Router
from tests.wire.connection import Connection, Fields, ask
from tests.wire.file_site import AT, NUMBERS, asked, laid_out, served, static

JS = "text/javascript; charset=utf-8"
BEFORE, AFTER = "Sun, 06 Nov 1994 08:49:36 GMT", "Sun, 06 Nov 1994 08:49:38 GMT"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return laid_out(tmp_path)


PATHS: list[tuple[str, int, bytes, str]] = [
    ("/s/a.txt", 200, b"text", "text/plain; charset=utf-8"),
    ("/s/%61.txt?version=1", 200, b"text", "text/plain; charset=utf-8"),
    ("/s/", 200, b"<p>index</p>", "text/html; charset=utf-8"),
    ("/s/sub/", 200, b"<p>sub</p>", "text/html; charset=utf-8"),
    ("/s/bare/b.mjs", 200, b"1", JS),
    ("/s/bare/b.mjs.map", 200, b"{}", "application/json"),
    ("/s/inside", 200, b"text", "application/octet-stream"),
]
MISSING = [
    "/s/missing",
    "/s/bare/",
    "/s/bare",
    "/s/a.txt/",
    "/s/a.txt/b",
    "/s/pipe",
    "/s/.env",
    "/s/%2eenv",
    "/s/.git/config",
    "/s/...",
    "/s/escape",
    "/s/escapes/secret",
    "/s/absolute/passwd",
    "/s/root/etc/passwd",
    "/s/..%2fsecret",
    "/s/..%2f..%2fetc%2fpasswd",
    "/s/sub%2f..%2f..%2fsecret",
    "/s/%2e%2e%2fsecret",
    "/s/%252e%252e/secret",
    "/s/%252e%252e%252fsecret",
    "/s/%25252e%25252e/secret",
    "/s/..%5csecret",
    "/s/..%5c..%5csecret",
    "/s//etc/passwd",
    "/s/%2fetc/passwd",
    "/s//",
    "/s/a.txt%00",
    "/s/%00",
    "/s/a.txt%00.html",
    "/s/a.txt%0a",
    "/s/sub//index.html",
    "/s-other/secret",
    "/s/-other/secret",
    "/s/..;/secret",
    "/s/....//secret",
    "/s/%EF%BC%8E%EF%BC%8E/secret",
    "/s/%e2%80%a4%e2%80%a4/secret",
    "/s/" + "a" * 300,
    "/s/" + "a/" * 3000,
]
BAD = [
    "/s/%c0%ae%c0%ae/secret",
    "/s/%c0%af..%c0%afsecret",
    "http://localhost/s/../secret",
    "/s/../secret",
    "/s/%2e%2e/secret",
    "/s/.%2E/secret",
    "/s/sub/../../secret",
    "/s/./a.txt",
    "/s/..",
    "/s/%ff",
]


def test_paths(site: Path) -> None:
    answers = asked(static(site), *(("GET", path, ()) for path, *_ in PATHS))
    found = [(path, it.status, it.body, it.media_type) for (path, *_), it in zip(PATHS, answers, strict=True)]
    assert found == PATHS


def test_nothing_else_is_there(site: Path) -> None:
    answers = asked(static(site), *(("GET", path, ()) for path in [*MISSING, *BAD]))
    statuses = {path: it.status for path, it in zip([*MISSING, *BAD], answers, strict=True)}
    assert statuses == dict.fromkeys(MISSING, 404) | dict.fromkeys(BAD, 400)
    assert not any(b"secret" in it.body for it in answers)


def test_a_bare_backslash_is_no_target(site: Path) -> None:
    answer = served(static(site), functools.partial(ask, method="GET", target="/s/..\\secret"))
    assert (answer.status, answer.closes) == (400, True)


def test_redirects_to_the_slash(site: Path) -> None:
    answers = asked(static(site), ("GET", "/s", ()), ("GET", "/s/sub?a=b", ()), ("HEAD", "/s/sub", ()))
    assert [(it.status, it.get("location")) for it in answers] == [(308, "./s/"), (308, "./sub/?a=b"), (308, "./sub/")]


def test_methods(site: Path) -> None:
    answers = asked(
        static(site),
        ("HEAD", "/s/numbers.bin", ()),
        ("POST", "/s/a.txt", ()),
        ("DELETE", "/s/missing", ()),
        ("OPTIONS", "/s/a.txt", ()),
    )
    assert [it.status for it in answers] == [200, 405, 405, 204]
    assert answers[0].get("content-length") == "100000"
    assert {it.get("allow") for it in answers[1:]} == {"GET, HEAD, OPTIONS"}


def test_one_page(site: Path) -> None:
    pages = ["/s/users/7", "/s/users/john.doe", "/s/users/"]
    for spa, page in ((True, 200), (False, 404)):
        answers = asked(
            static(site, spa=spa), *(("GET", path, ()) for path in [*pages, "/s/x.js", "/s/.env", "/s/a.txt"])
        )
        assert [it.status for it in answers] == [*[page] * 3, 404, 404, 200]
        assert all(it.body == b"<p>index</p>" for it in answers[:3] if it.status == 200)


def test_at_the_root_below_routes(site: Path) -> None:
    app = static(site)
    app.static("/", site, spa=True)
    router = Router("/r")
    router.static("/files/", site)
    app.include_router(router, prefix="/api")

    @app.get("/users/{name}")
    async def user(name: str) -> str:
        return name

    targets = ["/", "/a.txt", "/anything", "/users/ada", "/api/r/files/a.txt"]
    answers = asked(app, *(("GET", target, ()) for target in targets))
    assert [it.body for it in answers] == [b"<p>index</p>", b"text", b"<p>index</p>", b"ada", b"text"]


def test_precompressed(site: Path) -> None:
    table = [
        ("", b"plain", None),
        ("gzip, deflate, br, zstd", b"brotli", "br"),
        ("gzip;q=0.9, zstd;q=1.0, br;q=0.1", b"zstandard", "zstd"),
        ("gzip", b"gzipped", "gzip"),
        ("*;q=0.5, br;q=0", b"zstandard", "zstd"),
        ("identity", b"plain", None),
        ("gzip;q=0", b"plain", None),
    ]
    answers = asked(static(site), *(("GET", "/s/app.js", (("Accept-Encoding", accepted),)) for accepted, *_ in table))
    assert [(it.body, it.get("content-encoding")) for it in answers] == [(body, coding) for _, body, coding in table]
    assert {it.media_type for it in answers} == {JS}
    assert {it.get("vary") for it in answers} == {"accept-encoding"}
    assert len({it.get("etag") for it in answers}) == 4
    (part,) = asked(static(site), ("GET", "/s/app.js", (("Accept-Encoding", "br"), ("Range", "bytes=0-1"))))
    assert (part.status, part.body, part.get("content-encoding")) == (206, b"br", "br")


def test_caching(site: Path) -> None:
    targets = ["/s/app-BqD5k2lX.js", "/s/", "/s/a.txt"]
    answers = asked(static(site), *(("GET", target, ()) for target in targets))
    assert [it.get("cache-control") for it in answers] == ["public, max-age=31536000, immutable", "no-cache", None]
    assert [it.get("last-modified") for it in answers] == [AT] * 3


CONDITIONS: list[tuple[tuple[tuple[str, str], ...], int]] = [
    ((("If-None-Match", "TAG"),), 304),
    ((("If-None-Match", "W/TAG"),), 304),
    ((("If-None-Match", '"other", TAG'),), 304),
    ((("If-None-Match", '"other"'), ("If-None-Match", "TAG")), 304),
    ((("If-None-Match", "*"),), 304),
    ((("If-None-Match", '"other"'),), 200),
    ((("If-Match", "TAG"),), 200),
    ((("If-Match", "*"),), 200),
    ((("If-Match", "W/TAG"),), 412),
    ((("If-Match", '"other"'),), 412),
    ((("If-Modified-Since", AT),), 304),
    ((("If-Modified-Since", AFTER),), 304),
    ((("If-Modified-Since", "Sunday, 06-Nov-94 08:49:37 GMT"),), 304),
    ((("If-Modified-Since", "Sun Nov  6 08:49:37 1994"),), 304),
    ((("If-Modified-Since", BEFORE),), 200),
    ((("If-Modified-Since", "yesterday"),), 200),
    ((("If-Unmodified-Since", AT),), 200),
    ((("If-Unmodified-Since", BEFORE),), 412),
    ((("If-Unmodified-Since", "yesterday"),), 200),
    ((("If-Match", "TAG"), ("If-Unmodified-Since", BEFORE)), 200),
    ((("If-Match", '"other"'), ("If-None-Match", "TAG")), 412),
    ((("If-Match", "TAG"), ("If-None-Match", "TAG")), 304),
    ((("If-None-Match", '"other"'), ("If-Modified-Since", AT)), 200),
    ((("If-None-Match", "TAG"), ("If-Modified-Since", BEFORE)), 304),
    ((("If-None-Match", "TAG"), ("Range", "bytes=0-1")), 304),
]
RANGES: list[tuple[tuple[tuple[str, str], ...], int, str | None, bytes]] = [
    ((("Range", "bytes=0-499"),), 206, "bytes 0-499/100000", NUMBERS[:500]),
    ((("Range", "bytes=-500"),), 206, "bytes 99500-99999/100000", NUMBERS[-500:]),
    ((("Range", "bytes=99500-"),), 206, "bytes 99500-99999/100000", NUMBERS[-500:]),
    ((("Range", "bytes=99999-200000"),), 206, "bytes 99999-99999/100000", NUMBERS[-1:]),
    ((("Range", "bytes=-200000"),), 206, "bytes 0-99999/100000", NUMBERS),
    ((("Range", "bytes=100000-, 1-1"),), 206, "bytes 1-1/100000", NUMBERS[1:2]),
    ((("Range", "bytes=100000-"),), 416, "bytes */100000", b""),
    ((("Range", "bytes=-0"),), 416, "bytes */100000", b""),
    ((("Range", "bytes=2-1"),), 200, None, NUMBERS),
    ((("Range", "lines=0-1"),), 200, None, NUMBERS),
    ((("Range", "bytes=" + ",".join(f"{at}-{at}" for at in range(17))),), 200, None, NUMBERS),
    ((("Range", "bytes=0-,0-,0-"),), 200, None, NUMBERS),
    ((("Range", "bytes=0-1"), ("If-Range", "TAG")), 206, "bytes 0-1/100000", NUMBERS[:2]),
    ((("Range", "bytes=0-1"), ("If-Range", "W/TAG")), 200, None, NUMBERS),
    ((("Range", "bytes=0-1"), ("If-Range", '"other"')), 200, None, NUMBERS),
    ((("Range", "bytes=0-1"), ("If-Range", AT)), 206, "bytes 0-1/100000", NUMBERS[:2]),
    ((("Range", "bytes=0-1"), ("If-Range", BEFORE)), 200, None, NUMBERS),
    ((("Range", "bytes=0-1"), ("If-Match", '"other"')), 412, None, b""),
]


def both(site: Path) -> Covet:
    """The numbers as a static file and as an answer."""
    app = static(site)

    @app.get("/f")
    async def numbers() -> FileResponse:
        return FileResponse(site / "numbers.bin")

    return app


def tagged(fields: Fields, tag: str) -> Fields:
    return tuple((name, value.replace("TAG", tag)) for name, value in fields)


@pytest.mark.parametrize("target", ["/s/numbers.bin", "/f"])
def test_conditions(site: Path, target: str) -> None:
    (whole,) = asked(both(site), ("GET", target, ()))
    tag = whole.get("etag")
    assert tag is not None
    for method in ("GET", "HEAD"):
        answers = asked(both(site), *((method, target, tagged(fields, tag)) for fields, _ in CONDITIONS))
        assert [(fields, it.status) for (fields, _), it in zip(CONDITIONS, answers, strict=True)] == CONDITIONS
        assert {it.get("etag") for it in answers if it.status == 304} == {tag}


@pytest.mark.parametrize("target", ["/s/numbers.bin", "/f"])
def test_ranges(site: Path, target: str) -> None:
    (whole,) = asked(both(site), ("GET", target, ()))
    tag = whole.get("etag")
    assert (whole.body, whole.get("accept-ranges")) == (NUMBERS, "bytes")
    assert tag is not None
    answers = asked(both(site), *(("GET", target, tagged(fields, tag)) for fields, *_ in RANGES))
    for (fields, status, content_range, body), answer in zip(RANGES, answers, strict=True):
        assert (answer.status, answer.get("content-range")) == (status, content_range), fields
        assert answer.body == body or status >= 400, fields
    (head,) = asked(both(site), ("HEAD", target, (("Range", "bytes=0-1"),)))
    assert (head.status, head.get("content-length")) == (200, "100000")


@pytest.mark.parametrize("target", ["/s/numbers.bin", "/f"])
def test_several_ranges(site: Path, target: str) -> None:
    spans = [(0, 0), (50, 30_049), (99_999, 99_999)]
    (answer,) = asked(both(site), ("GET", target, (("Range", "bytes=0-0, 50-30049, -1"),)))
    kind, _, boundary = answer.media_type.partition("; boundary=")
    assert (answer.status, kind, answer.get("content-range")) == (206, "multipart/byteranges", None)
    expected = b"\r\n".join(
        b"--%b\r\ncontent-type: application/octet-stream\r\ncontent-range: bytes %d-%d/100000\r\n\r\n%b"
        % (boundary.encode(), first, last, NUMBERS[first : last + 1])
        for first, last in spans
    )
    assert answer.body == expected + b"\r\n--%b--\r\n" % boundary.encode()


def test_a_tag_follows_the_file(site: Path) -> None:
    app = static(site)
    path = site / "a.txt"

    def converse(port: int) -> list[str | None]:
        with Connection(port) as connection:
            tags = []
            for content in (b"text", b"TEXT", b"other"):
                path.write_bytes(content)
                answer = connection.ask("GET", "/s/a.txt")
                assert answer.body == content
                tags.append(answer.get("etag"))
            return tags

    tags = served(app, converse)
    assert len(set(tags)) == 3
    # Written a moment ago: another write might leave the same time stamp.
    assert all(tag is not None and tag.startswith('W/"') for tag in tags)
