"""psycopg 3, whose socket is libpq's: the loop only says when it can be read or written."""

import asyncio
from typing import Any

import pytest

from covet.loop import run
from tests.libraries.services import Service, library

psycopg = library("psycopg")


async def connect(service: Service, **words: Any) -> Any:
    words = {"host": "127.0.0.1", "port": service.port, **words}
    return await psycopg.AsyncConnection.connect(user="covet", dbname="postgres", autocommit=True, **words)


@pytest.mark.parametrize("way", ["tcp", "unix", "tls"])
def test_queries_pipelines_and_copies(postgres: Service, way: str) -> None:
    words = {
        "tcp": {"sslmode": "disable"},
        "unix": {"host": str(postgres.folder)},
        "tls": {"host": "localhost", "sslmode": "verify-full", "sslrootcert": str(postgres.authority)},
    }[way]

    async def main() -> None:
        async with await connect(postgres, **words) as connection, connection.cursor() as cursor:
            for number in range(50):
                row = await (await cursor.execute("SELECT %s::int + 1", [number])).fetchone()
                assert row == (number + 1,)
            await cursor.execute("CREATE TEMP TABLE books (id int, title text)")
            async with cursor.copy("COPY books FROM STDIN") as copy:
                for number in range(5000):
                    await copy.write_row((number, "x" * 200))
            async with connection.pipeline():
                asked = [await connection.execute("SELECT %s::int", [number]) for number in range(100)]
            assert [await one.fetchone() for one in asked] == [(number,) for number in range(100)]
            await cursor.execute("SELECT count(*), sum(length(title)) FROM books")
            assert await cursor.fetchone() == (5000, 1_000_000)

    run(main())


def test_a_query_that_is_cancelled_leaves_a_usable_connection(postgres: Service) -> None:
    async def main() -> None:
        async with await connect(postgres) as connection:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await connection.execute("SELECT pg_sleep(60)")
            row = await (await connection.execute("SELECT 1")).fetchone()
            assert row == (1,)

    run(main())


def test_many_connections_at_once_and_notifications(postgres: Service) -> None:
    async def ask(number: int) -> Any:
        async with await connect(postgres) as connection:
            return await (await connection.execute("SELECT %s::int", [number])).fetchone()

    async def main() -> None:
        assert await asyncio.gather(*[ask(number) for number in range(20)]) == [(number,) for number in range(20)]
        async with await connect(postgres) as listening, await connect(postgres) as telling:
            await listening.execute("LISTEN news")
            for number in range(3):
                await telling.execute(f"NOTIFY news, '{number}'")
            got = [notice.payload async for notice in listening.notifies(timeout=30, stop_after=3)]
            assert got == ["0", "1", "2"]

    run(main())


def test_the_server_that_is_not_there_is_an_error() -> None:
    async def main() -> None:
        with pytest.raises(psycopg.OperationalError):
            await psycopg.AsyncConnection.connect(host="127.0.0.1", port=1, connect_timeout=5)

    run(main())
