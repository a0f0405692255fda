"""The application that the upload tests ask: each way to take a form with files."""

import asyncio
import errno
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from covet import BadRequest, Covet, File, Form, HTTPException, Limits, Request, UploadFile

main = Covet(title="Uploads", version="1.0", limits=Limits(max_body=None))


async def shown(file: UploadFile) -> dict[str, Any]:
    return {
        "name": file.filename,
        "type": file.content_type,
        "size": file.size,
        "text": (await file.read(16)).decode("latin-1"),
        "sha256": file.sha256,
    }


@main.post("/one")
async def one(file: UploadFile) -> dict[str, Any]:
    return await shown(file)


@main.post("/optional")
async def optional(file: UploadFile | None = None, note: Annotated[str, Form()] = "none") -> list[Any]:
    return [note, file if file is None else await shown(file)]


@main.post("/many")
async def many(
    files: Annotated[list[UploadFile], File("more")] = [],  # noqa: B006 - copied for each request
) -> list[Any]:
    return [await shown(file) for file in files]


@main.post("/bytes")
def as_bytes(file: Annotated[bytes, File()], more: Annotated[list[bytes], File()]) -> list[int]:
    return [len(file), *map(len, more)]


@main.post("/digest")
async def digest(file: Annotated[UploadFile, File(sha256=True)]) -> str:
    return str(file.sha256)


@main.post("/scalars")
async def scalars(number: Annotated[int, Form()], tag: Annotated[list[str], Form()]) -> list[Any]:
    return [number, *tag]


@dataclass
class Person:
    """A form as one object."""

    name: str
    age: int = 0


@main.post("/person")
async def person(person: Annotated[Person, Form()]) -> Person:
    return person


@main.post("/form")
async def form(request: Request) -> list[Any]:
    data = await request.form()
    assert await request.form() is not None
    return [[name, value if isinstance(value, str) else await shown(value)] for name, value in data.multi_items()]


@main.post("/form/digest")
async def form_digest(request: Request) -> list[Any]:
    data = await request.form(sha256=True)
    return [[name, value if isinstance(value, str) else value.sha256] for name, value in data.multi_items()]


@main.post("/form/both")
async def form_both(request: Request, file: UploadFile) -> list[Any]:
    data = await request.form()
    assert data["file"] is file
    try:
        await request.body()
    except RuntimeError as error:
        return [list(data), str(error)]
    raise AssertionError


@main.post("/form/after-body")
async def form_after_body(request: Request) -> list[Any]:
    body = await request.body()
    data = await request.form()
    return [len(body), list(data)]


@main.post("/form/refused")
async def form_refused(request: Request) -> list[Any]:
    try:
        await request.form()
    except HTTPException as error:
        return [type(error).__name__, error.status_code, error.detail]
    raise BadRequest


@main.post("/read")
async def read(file: UploadFile) -> list[Any]:
    pieces = list[int]()
    while piece := await file.read(100_000):
        pieces.append(len(piece))
    await file.seek(file.size - 1)
    last = await file.read()
    await file.seek(0)
    whole = await asyncio.create_task(file.read())
    await file.close()
    try:
        await file.read()
    except ValueError as error:
        return [pieces, last.decode(), len(whole), str(error), repr(file)]
    raise AssertionError


@main.post("/save/{name}")
async def save(name: str, file: UploadFile, folder: Annotated[str, Form()]) -> list[str]:
    await file.save(Path(folder, name))
    try:
        await file.save(Path(folder, "missing", name))
    except FileNotFoundError as error:
        assert (error.errno, error.filename) == (errno.ENOENT, str(Path(folder, "missing", name)))
        return sorted(path.name for path in Path(folder).iterdir())
    raise AssertionError


limited = Limits(max_body="1MiB", multipart_parts=3, multipart_files=2, multipart_field_size=10, form_fields=2)


@main.post("/limited", limits=limited)
async def limited_form(request: Request) -> int:
    return len((await request.form()).multi_items())


@main.post("/limited/typed", limits=limited)
async def limited_parameters(
    file: Annotated[list[UploadFile], File()] = [],  # noqa: B006 - copied for each request
    a: Annotated[list[str], Form()] = [],  # noqa: B006 - copied for each request
) -> int:
    return len(file) + len(a)


@main.post("/limited/urlencoded", limits=limited)
async def limited_fields(a: Annotated[list[str], Form()]) -> int:
    return len(a)


held = asyncio.Event()


@main.post("/held")
async def hold(file: UploadFile) -> int:
    held.set()
    await asyncio.Event().wait()
    return file.size


@main.get("/held")
async def wait_until_held() -> None:
    await held.wait()


@main.post("/parts")
async def by_part(request: Request) -> list[Any]:
    found = list[Any]()
    async for part in request.parts():
        size = 0
        async for piece in part:
            size += len(piece)
        found.append([part.name, part.filename, size])
    return found


@main.post("/parts/first")
async def first_part(request: Request) -> str:
    async for part in request.parts():
        return await part.text()
    return "none"
