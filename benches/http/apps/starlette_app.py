"""Starlette: untyped parameters, converted by hand."""

import asyncio
import os
import time

import deep_routes
import rows
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles


async def text(request):
    return PlainTextResponse("Hello, World!")


async def json(request):
    return JSONResponse({"hello": "world"})


async def item(request):
    query = request.query_params
    return JSONResponse({"id": request.path_params["id"], "q": query["q"], "limit": int(query["limit"])})


async def sleep0(request):
    await asyncio.sleep(0)
    return JSONResponse({"hello": "world"})


async def sleep1ms(request):
    await asyncio.sleep(0.001)
    return JSONResponse({"hello": "world"})


async def list_rows(request):
    return JSONResponse(rows.ROWS)


def greeting():
    return {"hello": "world"}


def pool(request):
    return JSONResponse(greeting())


def pool_yields(request):
    time.sleep(0)
    return JSONResponse({"hello": "world"})


CHUNKS = [b"0123456789abcdef" * 4096 for _ in range(16)]


async def chunks():
    for chunk in CHUNKS:
        yield chunk


async def stream(request):
    return StreamingResponse(chunks(), media_type="application/octet-stream")


async def form(request):
    async with request.form() as data:
        return JSONResponse({"bytes": data["file"].size})


main = Starlette(
    routes=[
        Route("/text", text),
        Route("/json", json),
        Route("/items/{id:int}", item),
        Route("/sleep0", sleep0),
        Route("/sleep1ms", sleep1ms),
        Route("/stream", stream),
        Route("/form", form, methods=["POST"]),
        Route("/rows", list_rows),
        Route("/pool", pool),
        Route("/pool-yields", pool_yields),
        Mount("/static", StaticFiles(directory=os.environ["BENCH_STATIC"])),
        *(Route(path, json) for path in deep_routes.paths()),
    ]
)
