"""An application that says who asked it."""

from typing import Any

from covet import Covet
from covet.requests import Request

main = Covet()


@main.get("/request")
async def request(request: Request) -> dict[str, Any]:
    """The client and the URL, as the request has them."""
    assert request.client is not None
    return {"client": list(request.client), "url": str(request.url)}
