"""A server beside a synchronous program."""

from urllib.request import urlopen

from covet import Covet, Server

app = Covet()


@app.get("/")
def hello() -> str:
    """A greeting."""
    return "hello"


with Server(app, port=0).thread() as server, urlopen(server.url) as answer:
    print(answer.read().decode())
