"""A raw WSGI app: every request is a blocking one. It has no typed parameters, no router and nothing to await."""

import time

import orjson
from rows import ROWS

CHUNKS = [b"0123456789abcdef" * 4096 for _ in range(16)]


def main(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/stream":
        start_response("200 OK", [("content-type", "application/octet-stream")])
        return iter(CHUNKS)
    if path == "/text":
        kind, body = "text/plain; charset=utf-8", b"Hello, World!"
    else:
        if path == "/pool-yields":
            time.sleep(0)
        kind, body = "application/json", orjson.dumps(ROWS if path == "/rows" else {"hello": "world"})
    start_response("200 OK", [("content-type", kind), ("content-length", str(len(body)))])
    return [body]
