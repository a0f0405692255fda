"""A typed service in one file: `covet run examples.orders:main`. The page docs/handlers.md shows it."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Annotated
from uuid import UUID, uuid4

from covet import Covet, Field, Ge, Header, Le, MaxLen, MinLen, NotFound, Query

main = Covet(title="Orders", version="1.0")


class Wrap(Enum):
    """How an order is packed."""

    PLAIN = "plain"
    GIFT = "gift"


@dataclass
class Line:
    """So many of one book."""

    book: int
    count: Annotated[int, Ge(1), Le(99)] = 1


@dataclass
class NewOrder:
    """What a client sends."""

    customer: Annotated[str, MinLen(1), MaxLen(80)]
    lines: Annotated[list[Line], MinLen(1)]
    wrap: Wrap = Wrap.PLAIN
    tip: Annotated[Decimal, Ge(0), Field(description="in euros")] = Decimal(0)


@dataclass
class Order(NewOrder):
    """What the shop keeps."""

    id: UUID = field(default_factory=uuid4)
    sent_by: str = ""


@dataclass
class Page:
    """Fields of a query string, as one object."""

    limit: Annotated[int, Ge(1), Le(100)] = 20
    wrap: list[Wrap] = field(default_factory=list[Wrap])


ORDERS: dict[UUID, Order] = {}


@main.post("/orders", status_code=201)
async def create(order: NewOrder, agent: Annotated[str, Header("User-Agent")] = "") -> Order:
    """Keep an order."""
    kept = Order(order.customer, order.lines, order.wrap, order.tip, sent_by=agent)
    ORDERS[kept.id] = kept
    return kept


@main.get("/orders")
async def find(page: Annotated[Page, Query()]) -> list[Order]:
    """A page of orders."""
    found = [order for order in ORDERS.values() if not page.wrap or order.wrap in page.wrap]
    return found[: page.limit]


@main.get("/orders/{order_id}")
async def one(order_id: UUID) -> Order:
    """One order."""
    if order_id not in ORDERS:
        raise NotFound(f"no order {order_id}")
    return ORDERS[order_id]
