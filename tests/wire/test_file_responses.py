"""`FileResponse` over sockets: what is below its root, what it says, and what it refuses."""

import functools
from pathlib import Path

import pytest

from covet import FileResponse
from tests.wire.connection import Fields
from tests.wire.file_site import AT, asked, laid_out, static


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return laid_out(tmp_path)


def test_file_response_below_a_root(site: Path) -> None:
    app = static(site)

    @app.get("/files/{name:path}")
    async def file(name: str) -> FileResponse:
        return FileResponse(name, root=site)

    assert [it.status for it in asked(app, ("GET", "/files/a.txt", ()), ("GET", "/files/sub/index.html", ()))] == [
        200
    ] * 2
    missing = [
        "missing",
        "escape",
        "escapes/secret",
        "absolute/passwd",
        ".env",
        "sub",
        "sub/",
        "pipe",
        "%2fetc/passwd",
        "/etc/passwd",
        "a.txt%00",
        "..%5csecret",
        "%252e%252e/secret",
        "..%2fsecret",
    ]
    answers = asked(app, *(("GET", f"/files/{name}", ()) for name in missing))
    assert {name: it.status for name, it in zip(missing, answers, strict=True)} == dict.fromkeys(missing, 404)


def test_what_a_file_response_says(site: Path) -> None:
    app = static(site)
    made = {
        "/plain": functools.partial(FileResponse, site / "a.txt"),
        "/named": functools.partial(FileResponse, str(site / "a.txt"), filename="naïve.csv"),
        "/inline": functools.partial(
            FileResponse, "a.txt", root=str(site), filename="b.pdf", content_disposition_type="inline"
        ),
        "/typed": functools.partial(FileResponse, site / "a.txt", 200, {"X-A": "b"}, "text/x-mine"),
        "/lost": functools.partial(FileResponse, site / "sub" / "index.html", 404),
        "/own": functools.partial(FileResponse, site / "a.txt", headers={"ETag": '"mine"'}),
    }

    @app.get("/{name}")
    async def answer(name: str) -> FileResponse:
        return made["/" + name]()

    @app.post("/{name}")
    async def posted(name: str) -> FileResponse:
        return made["/" + name]()

    conditional: Fields = (("If-None-Match", "*"), ("Range", "bytes=0-0"))
    answers = dict(zip(made, asked(app, *(("GET", path, ()) for path in made)), strict=True))
    plain, named, inline = answers["/plain"], answers["/named"], answers["/inline"]
    assert (plain.body, plain.media_type) == (b"text", "text/plain; charset=utf-8")
    assert (plain.get("content-disposition"), plain.get("last-modified")) == (None, AT)
    assert named.media_type == "text/csv; charset=utf-8"
    assert named.get("content-disposition") == "attachment; filename=\"na_ve.csv\"; filename*=UTF-8''na%C3%AFve.csv"
    assert (inline.media_type, inline.get("content-disposition")) == ("application/pdf", 'inline; filename="b.pdf"')
    assert (answers["/typed"].media_type, answers["/typed"].get("x-a")) == ("text/x-mine; charset=utf-8", "b")
    # Conditions and ranges are for GET and HEAD.
    (after_post,) = asked(app, ("POST", "/plain", conditional))
    assert (after_post.status, after_post.body) == (200, b"text")
    # Another status, or validators of the application's own: neither conditions nor ranges.
    for path, status in (("/lost", 404), ("/own", 200)):
        (again,) = asked(app, ("GET", path, conditional))
        assert (again.status, again.body) == (status, answers[path].body)
    assert [value for name, value in answers["/own"].fields if name == "etag"] == ['"mine"']


def test_what_is_not_modified_says_where_it_is(site: Path) -> None:
    """RFC 9110 section 15.4.5: Content-Location is the one field of the content that a 304 has too."""
    app = static(site)
    said = {"Content-Location": "/a.en.txt", "Content-Language": "en", "Cache-Control": "max-age=5", "Vary": "Accept"}

    @app.get("/one")
    async def one() -> FileResponse:
        return FileResponse(site / "a.txt", headers=said)

    whole, again = asked(app, ("GET", "/one", ()), ("GET", "/one", (("If-Modified-Since", AT),)))
    assert (whole.get("content-location"), whole.get("content-language")) == ("/a.en.txt", "en")
    assert (again.status, again.get("content-location"), again.get("content-language")) == (304, "/a.en.txt", None)
    assert (again.get("cache-control"), again.get("vary")) == ("max-age=5", "Accept")
    assert (again.get("etag"), again.get("last-modified")) == (whole.get("etag"), AT)


def test_a_path_of_the_program_that_is_wrong(site: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = static(site)

    @app.get("/wrong")
    async def wrong() -> FileResponse:
        return FileResponse(site / "missing")

    @app.get("/directory")
    async def directory() -> FileResponse:
        return FileResponse(site)

    answers = asked(app, ("GET", "/wrong", ()), ("GET", "/directory", ()))
    assert [it.status for it in answers] == [500, 500]
    assert not any(b"missing" in it.body for it in answers)
    assert f"FileResponse cannot open {site / 'missing'}" in caplog.text


def test_what_a_file_response_refuses() -> None:
    with pytest.raises(ValueError, match='content_disposition_type is "download"'):
        FileResponse("a", content_disposition_type="download")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        FileResponse(7)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="status_code is 99"):
        FileResponse("a", 99)
