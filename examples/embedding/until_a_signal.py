"""A service of one's own: it serves until SIGTERM or SIGINT, then drains for ten seconds at most."""

import asyncio
import signal

from covet import Covet, Server

app = Covet()


@app.post("/stop")
async def stop() -> str:
    """Stop from a handler: its own answer is still sent."""
    server.stop(timeout=10)
    return "stopping"


server = Server(app, port=0, signals=[signal.SIGTERM, signal.SIGINT])


async def main() -> None:
    """Until it is stopped."""
    async with server:
        print(f"serving {server.url}", flush=True)
        await server.serve()
    print("ended")


asyncio.run(main())
