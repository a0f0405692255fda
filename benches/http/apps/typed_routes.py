"""A thousand typed routes, each with a type of its own: what start-up costs a large application.

Each route takes a path parameter, two query parameters, every other one a body, and answers a list of its type. The
source is made and compiled here, because a file of it would be 10,000 lines; the time for that is the application's.
"""

from dataclasses import dataclass
from typing import Annotated

from covet import Covet, Ge, MaxLen

ROUTES = 1000

_ROUTE = """
@dataclass
class Item{number}:
    id: int
    name: Annotated[str, MaxLen(50)]
    price: Annotated[float, Ge(0)]
    tags: list[str]

@main.{method}("/things/{number}/{{shelf}}")
async def things{number}(
    shelf: int, {body}limit: Annotated[int, Ge(1)] = 20, text: str | None = None
) -> list[Item{number}]:
    return []
"""

main = Covet()


@main.get("/text")
def hello() -> str:
    return "Hello, World!"


def _source() -> str:
    kinds = ("get", ""), ("post", "item: Item{number}, ")
    routes = ((number, *kinds[number % 2]) for number in range(ROUTES))
    return "".join(
        _ROUTE.format(number=number, method=method, body=body.format(number=number)) for number, method, body in routes
    )


exec(
    compile(_source(), __file__, "exec"),
    {"main": main, "dataclass": dataclass, "Annotated": Annotated, "Ge": Ge, "MaxLen": MaxLen},
)
