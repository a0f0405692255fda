"""redis-py's asyncio client, which is written on streams."""

import asyncio
from typing import Any

import pytest

from covet.loop import run
from tests.libraries.services import Service, library

client = library("redis.asyncio")
errors = library("redis.exceptions")


@pytest.mark.parametrize("way", ["tcp", "unix"])
def test_commands_pipelines_and_large_values(redis: Service, way: str) -> None:
    url = f"redis://127.0.0.1:{redis.port}" if way == "tcp" else f"unix://{redis.folder}/redis.sock"

    async def main() -> None:
        async with client.from_url(url) as connection:
            await connection.flushall()
            for number in range(100):
                assert await connection.incr("counter") == number + 1
            async with connection.pipeline() as pipeline:
                for number in range(1000):
                    pipeline.set(f"key {number}", number)
                assert await pipeline.execute() == [True] * 1000
            large = b"x" * 5_000_000
            await connection.set("large", large)
            assert await connection.get("large") == large
            values = await asyncio.gather(*[connection.get(f"key {number}") for number in range(100)])
            assert values == [str(number).encode() for number in range(100)]

    run(main())


def test_a_subscriber_hears_a_publisher(redis: Service) -> None:
    async def main() -> None:
        async with client.Redis(port=redis.port) as connection, connection.pubsub() as subscription:
            await subscription.subscribe("news")
            assert (await subscription.get_message(timeout=30))["type"] == "subscribe"
            for number in range(20):
                await connection.publish("news", str(number))
            got: list[Any] = []
            while len(got) < 20:
                message = await subscription.get_message(timeout=30)
                got.append(message["data"])
            assert got == [str(number).encode() for number in range(20)]

    run(main())


def test_a_wait_for_an_item_ends_by_item_timeout_or_cancellation(redis: Service) -> None:
    async def main() -> None:
        async with client.Redis(port=redis.port) as connection:
            await connection.flushall()
            waiting = asyncio.create_task(connection.blpop("queue", timeout=30))
            while not (await connection.info("clients"))["blocked_clients"]:
                await asyncio.sleep(0.005)
            await connection.rpush("queue", "item")
            assert await waiting == (b"queue", b"item")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await connection.blpop("queue", timeout=30)
            assert await connection.ping()

    run(main())


def test_the_server_that_is_not_there_is_an_error() -> None:
    async def main() -> None:
        async with client.Redis(port=1, retry=None) as connection:
            with pytest.raises(errors.ConnectionError):
                await connection.ping()

    run(main())
