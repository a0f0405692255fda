"""Says, in fields of its answer, what CovetPy understood of each request. The peers do the same."""

from covet import Covet, Request, Response

main = Covet(title="Understood")
SHOWN = 128
"""Bytes of a body that are said."""


@main.route("/{rest:path}", methods="*")
async def understood(request: Request) -> Response:
    body = await request.body()
    fields = {
        "x-method": request.method.encode().hex(),
        "x-target": request.raw_path.hex(),
        "x-length": str(len(body)),
        "x-body": body[:SHOWN].hex(),
    }
    return Response(b"", headers=fields)
