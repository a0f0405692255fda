"""Requests in flight and in the line: by route, router, application and worker, one below, at and above each bound."""

import asyncio
from collections.abc import Callable
from typing import Annotated

import pytest

from covet import Covet, Form, Limits, Router, Server, UploadFile
from tests.limits import admission_app
from tests.wire.connection import Connection, ask, request
from tests.wire.loop_client import Client, run, served
from tests.wire.server_process import PATIENCE, running

Declare = Callable[[Covet, int, int], Router | Covet]


def by_route(app: Covet, most: int, queue: int) -> Covet:
    app.get("/work", max_concurrency=most, queue=queue)(admission_app.work)
    return app


def by_limits(app: Covet, most: int, queue: int) -> Covet:
    app.get("/work", limits=Limits(max_concurrency=most, queue=queue))(admission_app.work)
    return app


def by_router(app: Covet, most: int, queue: int) -> Covet:
    router = Router(limits=Limits(max_concurrency=most, queue=queue))
    router.get("/work")(admission_app.work)
    app.include_router(router)
    return app


def by_app(app: Covet, most: int, queue: int) -> Covet:
    del app
    app = Covet(limits=Limits(max_concurrency=most, queue=queue))
    app.get("/work")(admission_app.work)
    return app


class Opened:
    """Connections to one server, closed together."""

    def __init__(self, server: Server) -> None:
        self.port = int(server.url.rpartition(":")[2])
        self.clients = list[Client]()

    async def one(self) -> Client:
        """One more."""
        self.clients.append(Client(*await asyncio.open_connection("127.0.0.1", self.port)))
        return self.clients[-1]

    async def close(self) -> None:
        """All."""
        for client in self.clients:
            await client.leave()


@pytest.mark.parametrize("declare", [by_route, by_limits, by_router, by_app])
@pytest.mark.parametrize(("most", "queue"), [(1, 0), (2, 0), (1, 1), (2, 3)])
def test_around_the_bounds(declare: Declare, most: int, queue: int, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = list[str]()
    monkeypatch.setattr(admission_app, "begun", begun)
    monkeypatch.setattr(admission_app, "released", asyncio.Event())
    app = declare(Covet(), most, queue)
    assert isinstance(app, Covet)
    app.get("/other", max_concurrency=None, queue=0)(other)
    names = [str(number) for number in range(most + queue)]

    async def main() -> None:
        async with asyncio.timeout(PATIENCE), Server(app, port=0) as server:
            opened, clients = Opened(server), []
            for name in names:
                clients.append(await opened.one())
                await clients[-1].send(request("GET", f"/work?name={name}"))
                # Answered at once, on a connection that was accepted later: the one before has been read.
                assert (await (await opened.one()).ask("GET", "/other")).body == b"other"
            assert begun == names[:most]
            refused = await opened.one()
            answer = await refused.ask("GET", "/work?name=over")
            assert (answer.status, answer.get("retry-after"), answer.closes) == (503, "1", False)
            assert answer.problem()["title"] == "Service Unavailable"
            assert (await refused.ask("GET", "/other")).body == b"other", "the connection stays"
            admission_app.released.set()
            assert [(await client.answer()).body.decode() for client in clients] == names
            assert begun == names, "in order of arrival"
            assert (await refused.ask("GET", "/work?name=after")).body == b"after"
            await opened.close()

    run(main())


def other() -> str:
    return "other"


def test_worker() -> None:
    flags = ("--workers", "0", "--max-concurrency", "2", "--queue", "1")
    with running("tests.limits.admission_app:main", *flags) as server:
        clients = [Connection(server.port) for _ in range(3)]
        for number, (client, path) in enumerate(zip(clients, ("/work", "/more", "/work"), strict=True)):
            client.send(request("GET", f"{path}?name={number}"))
            assert ask(server.port, "GET", "/missing").status == 404, "the request before it has been read"
        with Connection(server.port) as refused:
            answer = refused.ask("GET", "/begun")
            assert (answer.status, answer.closes, answer.get("retry-after")) == (503, False, "1")
            assert refused.ask("GET", "/missing").status == 404, "needs no place"
        for client in clients:
            client.socket.close()


def test_a_thread_that_goes_on_after_its_504_is_in_flight() -> None:
    with running("tests.limits.admission_app:main", "--workers", "0") as server:
        assert ask(server.port, "GET", "/thread?name=a").status == 504
        for _ in range(3):
            assert ask(server.port, "GET", "/thread?name=b").status == 503
        assert ask(server.port, "GET", "/begun").json() == ["a"]
        assert ask(server.port, "GET", "/release").status == 204
        while (answer := ask(server.port, "GET", "/thread?name=c")).status == 503:
            pass
        assert (answer.status, answer.body) == (200, b"c")


REFUSED = {
    "no route": ("POST /none", "Content-Length: 5\r\n", 404),
    "another method": ("PUT /json", "Content-Length: 5\r\n", 405),
    "a method that nobody knows": ("BREW /json", "Content-Length: 5\r\n", 501),
    "no content type": ("POST /json", "Content-Length: 5\r\n", 415),
    "another content type": ("POST /json", "Content-Length: 5\r\nContent-Type: text/plain\r\n", 415),
    "another character set": ("POST /json", "Content-Length: 5\r\nContent-Type: application/json; charset=x\r\n", 415),
    "chunks of another type": ("POST /json", "Transfer-Encoding: chunked\r\nContent-Type: text/json\r\n", 415),
    "a form where JSON is read": (
        "POST /json",
        "Content-Length: 5\r\nContent-Type: application/x-www-form-urlencoded\r\n",
        415,
    ),
    "JSON where a form is read": ("POST /form", "Content-Length: 5\r\nContent-Type: application/json\r\n", 415),
    "a part without a boundary": ("POST /file", "Content-Length: 5\r\nContent-Type: multipart/form-data\r\n", 400),
    "a coding": (
        "POST /json",
        "Content-Length: 5\r\nContent-Type: application/json\r\nContent-Encoding: compress\r\n",
        415,
    ),
    "too large": ("POST /json", "Content-Length: 11\r\nContent-Type: application/json\r\n", 413),
    "a parameter": ("POST /json?page=x", "Content-Length: 5\r\nContent-Type: application/json\r\n", 100),
    "what fits": ("POST /json", "Content-Length: 5\r\nContent-Type: application/problem+json\r\n", 100),
    "what fits in chunks": ("POST /json", "Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n", 100),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_not_told_to_go_on(name: str) -> None:
    line, fields, status = REFUSED[name]
    app = Covet(limits=Limits(max_body=10))

    @app.post("/json")
    async def json(body: dict[str, int], page: int = 1) -> int:
        return len(body) + page

    @app.post("/form")
    async def form(name: Annotated[str, Form()]) -> str:
        return name

    @app.post("/file")
    async def file(file: UploadFile) -> int:
        return file.size

    async def use(client: Client) -> None:
        head = f"{line} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n{fields}\r\n"
        await client.send(head.encode())
        first = (await client.head()).decode()
        assert first.startswith(f"HTTP/1.1 {status} "), first
        if status != 100:
            assert "connection: close\r\n" in first.lower()
            assert b"HTTP/1.1" not in await client.reader.read(), "one answer and the end"

    served(app, use)
