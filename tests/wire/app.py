"""The application that the handler tests ask: one route for each thing that a handler can be, take or give."""

import asyncio
import hashlib
import threading
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

from covet import (
    Conflict,
    Covet,
    HTMLResponse,
    HTTPException,
    JSONResponse,
    Path,
    PlainTextResponse,
    Query,
    RedirectResponse,
    Request,
    Response,
    Router,
)

main = Covet(title="Wire", version="1.0")


class Colour(Enum):
    """A parameter with few values."""

    RED = "red"
    BLUE = "blue"


@dataclass
class Point:
    """An answer."""

    x: int
    y: float


# Where handlers run


@main.get("/quick")
async def quick() -> str:
    return "quick"


@main.get("/suspends")
async def suspends() -> dict[str, bool]:
    await asyncio.sleep(0)
    inside = asyncio.current_task() is not None
    async with asyncio.timeout(5):
        await asyncio.sleep(0.001)
    return {"task": inside}


@main.get("/inline")
def inline() -> dict[str, str]:
    return {"where": "inline"}


@main.get("/pool")
def pool() -> bool:
    return threading.current_thread() is threading.main_thread()


@main.get("/not-blocking", blocking=False)
def not_blocking() -> bool:
    return threading.current_thread() is threading.main_thread()


# Parameters


@main.get("/path/{text}/{number}/{ratio}/{flag}/{ident}/{colour}/{size}")
async def path(
    text: str, number: int, ratio: float, *, flag: bool, ident: UUID, colour: Colour, size: Literal["s", "l"]
) -> list[str]:
    return [repr(value) for value in (text, number, ratio, flag, ident, colour, size)]


@main.get("/typed/{number:int}/{ratio:float}/{ident:uuid}")
async def typed(number: int, ratio: float, ident: UUID) -> list[str]:
    return [repr(number), repr(ratio), repr(ident)]


@main.get("/typed/{rest:path}")
async def rest(rest: str) -> str:
    return rest


@main.get("/renamed/{id}")
async def renamed(ident: Annotated[int, Path("id")], page: Annotated[int, Query("p")] = 1) -> list[int]:
    return [ident, page]


@main.get("/query")
async def query(
    number: int,
    text: str = "none",
    ratio: float | None = None,
    flag: bool = False,
    *,
    item: list[int] = [],  # noqa: B006 - copied for each request
    colour: Colour = Colour.RED,
) -> list[str]:
    item.append(0)
    return [repr(value) for value in (number, text, ratio, flag, item, colour)]


@main.get("/query/all")
async def query_all(item: list[int]) -> int:
    return len(item)


@main.get("/query/threads")
def query_in_the_pool(number: int) -> list[int]:
    return sorted([number, threading.active_count()])[:1]


@main.get("/request/{name}")
async def request_fields(request: Request) -> dict[str, Any]:
    request.state.seen = True
    assert request.app is main
    assert request.client is not None
    return {
        "method": request.method,
        "raw_path": request.raw_path.decode(),
        "url": str(request.url),
        "path": request.url.path,
        "query": dict(request.query_params),
        "repeated": request.query_params.getlist("q"),
        "path_params": dict(request.path_params),
        "header": request.headers["X-Test"],
        "headers": request.headers.getlist("x-test"),
        "cookies": dict(request.cookies),
        "client": request.client.host,
        "state": request.state.seen,
    }


# Bodies


@main.post("/body", max_body=None)
async def body(request: Request) -> dict[str, Any]:
    data = await request.body()
    assert await request.body() == data
    return {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


@main.post("/json")
async def json_body(request: Request) -> Any:
    return {"got": await request.json()}


@main.post("/text")
async def text_body(request: Request) -> str:
    return await request.text()


@main.post("/late")
async def late_body(request: Request) -> bytes:
    await asyncio.sleep(0.001)
    return await request.body()


# Answers

answers = Router("/answers")


@answers.get("/dict")
async def a_dict() -> dict[str, Any]:
    return {"a": [1, 2.5, None, True, "\u00e9"]}


@answers.get("/list")
async def a_list() -> list[int]:
    return [1, 2, 3]


@answers.get("/dataclass")
async def a_dataclass() -> Point:
    return Point(1, 2.5)


@answers.get("/str")
async def a_str() -> str:
    return "text \u00e9"


@answers.get("/bytes")
async def some_bytes() -> bytes:
    return b"\x00\xff"


@answers.get("/large")
async def large() -> bytes:
    return b"0123456789abcdef" * 100_000


@answers.get("/nothing")
async def nothing() -> None:
    return


@answers.delete("/nothing")
def nothing_from_a_def() -> None:
    return


@answers.get("/null")
async def null() -> Point | None:
    return None


@answers.post("/created", status_code=201)
async def created() -> Point:
    return Point(0, 0.0)


@answers.get("/response")
async def response() -> Response:
    answer = Response(b"raw", status_code=202, headers={"X-One": "1"}, media_type="image/png")
    answer.headers.append("x-two", "2")
    answer.set_cookie("a", "b")
    return answer


@answers.get("/json-response")
async def json_response() -> JSONResponse[Any]:
    return JSONResponse([1], status_code=203)


@answers.get("/html")
async def html() -> HTMLResponse:
    return HTMLResponse("<p>\u00e9")


@answers.get("/plain")
async def plain() -> PlainTextResponse:
    return PlainTextResponse("p")


@answers.get("/redirect")
async def redirect() -> RedirectResponse:
    return RedirectResponse("/answers/plain")


@answers.get("/untyped-response")
async def bare_response() -> Response:
    return Response(b"raw")


main.include_router(answers)


# Failures


@main.get("/fails/conflict")
async def conflict() -> None:
    raise Conflict("taken", headers={"X-Why": "because"})


@main.get("/fails/detail")
def detail() -> None:
    raise HTTPException(418, {"spout": ["short", "stout"]})


@main.get("/fails/phrase")
async def phrase() -> None:
    raise HTTPException(403)


@main.get("/fails/step")
async def fails_at_once() -> None:
    raise ZeroDivisionError("secret of step")


@main.get("/fails/task")
async def fails_later() -> None:
    await asyncio.sleep(0)
    raise ZeroDivisionError("secret of task")


@main.get("/fails/pool")
def fails_in_the_pool() -> None:
    threading.Event()
    raise ZeroDivisionError("secret of pool")


@main.get("/fails/encoding")
async def unencodable() -> dict[str, Any]:
    return {"deep": [1, {"er": object()}]}


@main.get("/fails/tuple")
async def a_tuple() -> Any:
    return {"a": 1}, 201


@main.get("/fails/undeclared")
async def undeclared() -> None:
    return 1  # type: ignore[return-value]


# What takes long


class Meeting:
    """Where a handler under test and the test's other requests wait for each other."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.released = asyncio.Event()
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.unblocked = threading.Event()


meetings: dict[str, Meeting] = {}


def meeting(name: str) -> Meeting:
    """The meeting of this name, made by whoever comes first."""
    if name not in meetings:
        meetings[name] = Meeting()
    return meetings[name]


async def wait(name: str) -> str:
    """Until released; notes how it ended."""
    here = meeting(name)
    here.started.set()
    try:
        await here.released.wait()
    except asyncio.CancelledError:
        here.ended.set_result("cancelled")
        raise
    here.ended.set_result("finished")
    return "released"


@main.get("/wait/{name}")
async def wait_get(name: str) -> str:
    return await wait(name)


@main.post("/wait/{name}")
async def wait_post(name: str) -> str:
    return await wait(name)


@main.get("/finish/{name}", on_disconnect="finish")
async def finish_get(name: str) -> str:
    return await wait(name)


@main.post("/cancel/{name}", on_disconnect="cancel")
async def cancel_post(name: str) -> str:
    return await wait(name)


@main.get("/limited/{name}", timeout=0.2)
async def limited(name: str) -> str:
    return await wait(name)


@main.get("/blocked/{name}", timeout=0.2)
def blocked(name: str) -> str:
    meetings[name].unblocked.wait(20)
    return "late"


@main.get("/started/{name}")
async def started(name: str) -> None:
    await meeting(name).started.wait()


@main.get("/release/{name}")
async def release(name: str) -> None:
    meeting(name).released.set()
    meeting(name).unblocked.set()


@main.get("/ended/{name}")
async def ended(name: str) -> str:
    async with asyncio.timeout(15):
        return await asyncio.shield(meeting(name).ended)


@main.get("/slowly/{number}")
async def slowly(number: int) -> int:
    await asyncio.sleep(0.002 * (5 - number % 5))
    return number


@main.get("/in-the-pool/{number}")
def in_the_pool(number: int) -> int:
    threading.Event().wait(0.001 * (number % 3))
    return number


@main.get("/at-once/{number}")
async def at_once(number: int) -> int:
    return number
