"""The smallest program: `covet run examples.hello:main`."""

from covet import Covet

main = Covet(title="Hello")


@main.get("/")
def hello() -> dict[str, str]:
    """Greets the world."""
    return {"hello": "world"}


@main.get("/hello/{name}")
def greet(name: str, times: int = 1) -> dict[str, str | int]:
    """Greets somebody, and says how often."""
    return {"hello": name, "times": times}
