"""Answers in the coding that the client accepts, and a route that takes compressed bodies.

`covet run examples.compression:main`, then
`curl --compressed -v http://127.0.0.1:8000/squares` and
`gzip -c numbers.json | curl -H "Content-Encoding: gzip" --json @- http://127.0.0.1:8000/sum`
"""

from typing import Annotated

from covet import Body, Compress, Covet, Limits

main = Covet(middleware=[Compress()])


@main.get("/squares")
def squares() -> list[int]:
    """Some 6 KB that become some 2 KB."""
    return [number * number for number in range(1000)]


@main.post("/sum", limits=Limits(compressed_body=True))
async def total(numbers: Annotated[list[float], Body()]) -> float:
    """Numbers, which may come in zstd, br or gzip."""
    return sum(numbers)
