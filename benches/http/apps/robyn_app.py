"""Robyn, written as its documentation does. Usage: `python robyn_app.py PORT`."""

import asyncio
import os
import sys
import time

import deep_routes
import rows
from robyn import Request, Robyn

PORT = int(sys.argv.pop(1))
main = Robyn(__file__)
main.serve_directory(route="/static", directory_path=os.environ["BENCH_STATIC"])


@main.get("/text")
async def text():
    return "Hello, World!"


@main.get("/json")
async def json():
    return {"hello": "world"}


@main.get("/items/:id")
async def item(request: Request):
    query = request.query_params
    return {"id": int(request.path_params["id"]), "q": query.get("q", None), "limit": int(query.get("limit", "10"))}


@main.get("/rows")
async def list_rows():
    return rows.ROWS


@main.get("/sleep0")
async def sleep0():
    await asyncio.sleep(0)
    return {"hello": "world"}


@main.get("/sleep1ms")
async def sleep1ms():
    await asyncio.sleep(0.001)
    return {"hello": "world"}


def greeting():
    return {"hello": "world"}


@main.get("/pool")
def pool():
    return greeting()


@main.get("/pool-yields")
def pool_yields():
    time.sleep(0)
    return {"hello": "world"}


for path in deep_routes.paths():
    main.get(path.replace("{id}", ":id"))(json)

if __name__ == "__main__":
    main.start(host="127.0.0.1", port=PORT)
