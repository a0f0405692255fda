"""Advancing an async iterator for an answer: the one coroutine that the engine makes a task of.

Knows nothing of connections; the engine gives `send`.
"""

from collections.abc import AsyncIterable, Awaitable, Callable


async def advance(content: AsyncIterable[object], send: Callable[[object], Awaitable[None] | None]) -> None:
    """Give each item of `content` to `send` and await what it returns; the iterator is closed in any case."""
    iterator = aiter(content)
    try:
        async for item in iterator:
            room = send(item)
            if room is not None:
                await room
    finally:
        close = getattr(iterator, "aclose", None)
        if close is not None:
            await close()
