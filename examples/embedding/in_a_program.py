"""A server inside an asyncio program that does something else as well."""

import asyncio

from covet import Covet, Server

app = Covet()
measured: list[float] = []


@app.get("/measured")
async def show() -> list[float]:
    """What was measured so far."""
    return measured


async def measure() -> None:
    """The program's own work."""
    for number in range(3):
        measured.append(number / 2)
        await asyncio.sleep(0.01)


async def main() -> None:
    """Serve while it measures, then leave: the server drains."""
    async with Server(app, port=0) as server:
        print(f"look at {server.url}/measured")
        await measure()


asyncio.run(main())
