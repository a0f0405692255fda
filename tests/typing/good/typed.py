"""Types outside of handlers: covet.json, @model, @codec and every marker. Clean under pyright strict and mypy --strict."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, assert_type

import covet
from covet import (
    Discriminator,
    Field,
    Ge,
    Gt,
    Le,
    Len,
    Lt,
    MaxLen,
    MinLen,
    MultipleOf,
    Pattern,
    Unix,
    json,
)


@covet.model(rename="camel", unknown_fields="forbid")
@dataclass
class Item:
    name: Annotated[str, MinLen(1), MaxLen(80), Pattern("^[a-z]+$")]
    price: Annotated[Decimal, Gt(0), Le(1000)]
    count: Annotated[int, Ge(0), Lt(100), MultipleOf(5)] = 0
    at: Annotated[datetime | None, Unix("milliseconds"), Field(alias="time", deprecated=True)] = None
    tags: Annotated[list[str], Len(0, 5)] = field(default_factory=list[str])


@dataclass
class Cat:
    kind: Literal["cat"]


@dataclass
class Dog:
    kind: Literal["dog"]


@dataclass
class Owner:
    pet: Annotated[Cat | Dog, Discriminator("kind")]


class Money:
    def __init__(self, cents: int) -> None:
        self.cents = cents


@covet.codec(Money)
class MoneyCodec:
    def decode(self, value: int) -> Money:
        return Money(value)

    def encode(self, value: Money) -> int:
        return value.cents


assert_type(json.Decoder(Item).decode(b"{}"), Item)
assert_type(json.Decoder(list[Item]).decode("[]"), list[Item])
assert_type(json.decode(b"{}", type=Item, forbid_unknown=True), Item)
assert_type(json.decode(b"[]", type=list[Item]), list[Item])
assert_type(json.Encoder(Item).encode(Item("a", Decimal(1))), bytes)
assert_type(json.encode({"a": 1}), bytes)
assert_type(json.encode(Money(5), type=Money), bytes)
assert_type(json.schema(Owner), dict[str, Any])
union = json.Decoder(Cat | Dog)
print(union.decode(b"{}"))

try:
    print(json.decode(b"{}", type=int | None))
except json.ValidationError as error:
    print([problem["pointer"] for problem in error.errors])
except json.DecodeError as error:
    print(error.offset)
