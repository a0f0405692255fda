"""Answers every request with its own body: `covet run examples.echo:main`."""

from covet import Covet, Request, Response

main = Covet(title="Echo")


@main.route("/ignore-body", methods="*")
async def ignore_body() -> Response:
    """200, the request's body unread."""
    return Response(b"", media_type="application/octet-stream")


@main.route("/{rest:path}", methods="*")
async def echo(request: Request) -> Response:
    """200 with the request's body, whatever the method and the path."""
    return Response(await request.body(), media_type="application/octet-stream")
