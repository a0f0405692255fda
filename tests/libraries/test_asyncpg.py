"""asyncpg, whose protocol runs on the loop's transports: TCP, Unix sockets, TLS, and what goes wrong on them."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from covet.loop import run
from tests.libraries.services import Service, library

asyncpg = library("asyncpg")


def over_tcp(service: Service) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": service.port, "ssl": False}


def over_unix(service: Service) -> dict[str, Any]:
    return {"host": str(service.folder), "port": service.port}


def over_tls(service: Service) -> dict[str, Any]:
    context = ssl.create_default_context(cafile=str(service.authority))
    return {"host": "localhost", "port": service.port, "ssl": context}


async def connect(where: dict[str, Any]) -> Any:
    return await asyncpg.connect(user="covet", database="postgres", **where)


@pytest.mark.parametrize("way", [over_tcp, over_unix, over_tls])
def test_queries_transactions_and_copies(postgres: Service, way: Callable[[Service], dict[str, Any]]) -> None:
    async def main() -> None:
        connection = await connect(way(postgres))
        for number in range(50):
            assert await connection.fetchval("SELECT $1::int + 1", number) == number + 1
        large = "x" * 3_000_000
        assert await connection.fetchval("SELECT $1::text", large) == large
        await connection.execute("CREATE TEMP TABLE books (id int, title text)")
        with pytest.raises(ZeroDivisionError):
            async with connection.transaction():
                await connection.execute("INSERT INTO books VALUES (1, 'gone')")
                raise ZeroDivisionError
        records = [(number, f"title {number}") for number in range(5000)]
        await connection.copy_records_to_table("books", records=records)
        rows = [tuple(row) async for row in rows_of(connection)]
        assert rows == records
        await connection.close()

    async def rows_of(connection: Any) -> AsyncIterator[Any]:
        async with connection.transaction():
            async for row in connection.cursor("SELECT * FROM books ORDER BY id", prefetch=100):
                yield row

    run(main())


def test_a_pool_serves_many_tasks(postgres: Service) -> None:
    async def main() -> None:
        async with asyncpg.create_pool(
            user="covet", database="postgres", min_size=1, max_size=5, **over_tcp(postgres)
        ) as pool:
            sums = await asyncio.gather(*[pool.fetchval("SELECT $1::int * 2", number) for number in range(200)])
        assert sums == [number * 2 for number in range(200)]

    run(main())


def test_a_query_that_is_cancelled_leaves_a_usable_connection(postgres: Service) -> None:
    async def main() -> None:
        connection = await connect(over_tcp(postgres))
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await connection.execute("SELECT pg_sleep(60)")
            assert await connection.fetchval("SELECT 1") == 1
        await connection.close()

    run(main())


def test_notifications_arrive(postgres: Service) -> None:
    async def main() -> None:
        listening, telling = await connect(over_tcp(postgres)), await connect(over_unix(postgres))
        got: asyncio.Queue[str] = asyncio.Queue()
        await listening.add_listener("news", lambda *words: got.put_nowait(words[3]))
        for number in range(10):
            await telling.execute(f"NOTIFY news, '{number}'")
        assert [await got.get() for _ in range(10)] == [str(number) for number in range(10)]
        await telling.close()
        await listening.close()

    run(main())


def test_a_connection_that_the_server_ends(postgres: Service) -> None:
    async def main() -> None:
        victim, killer = await connect(over_tcp(postgres)), await connect(over_tcp(postgres))
        sleeping = asyncio.create_task(victim.execute("SELECT pg_sleep(60)"))
        backend = victim.get_server_pid()
        busy = "SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'"
        while not await killer.fetchval(busy, backend):
            await asyncio.sleep(0.01)
        assert await killer.fetchval("SELECT pg_terminate_backend($1)", backend)
        with pytest.raises((asyncpg.PostgresError, OSError, asyncpg.InterfaceError)):
            await sleeping
        while not victim.is_closed():
            await asyncio.sleep(0.01)
        await killer.close()

    run(main())
