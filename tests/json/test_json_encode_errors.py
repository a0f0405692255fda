"""What `json_encode` refuses: the words, the path, and values that change while they are encoded."""

import collections
import dataclasses
import datetime as dt
import enum
import functools
import gc
import threading
import uuid
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from covet._native import EncodeError, json_encode


@dataclasses.dataclass
class Item:
    price: Any


class Opaque:
    class Inner:
        pass


untyped: Any = collections.namedtuple
Pair = untyped("Pair", "left right")
ADVICE = "cannot be encoded as JSON: convert it first, for instance to a dict, list or str"
CYCLE: list[Any] = []
CYCLE.append({"self": CYCLE})

TABLE: list[tuple[Any, str, str]] = [
    ((n for n in "ab"), "$", "object of type generator cannot be encoded as JSON: use list() of it"),
    ({}.keys(), "$", "object of type dict_keys cannot be encoded as JSON: use list() of it"),
    (Opaque.Inner(), "$", f"object of type Opaque.Inner {ADVICE}"),
    (Item, "$", f"object of type type {ADVICE}"),
    (1j, "$", f"object of type complex {ADVICE}"),
    ({"items": [0, 1, 2, Item(1j)]}, "$.items[3].price", f"object of type complex {ADVICE}"),
    ({"a b": {"": (1, {1j})}}, '$["a b"][""][1][0]', f"object of type complex {ADVICE}"),
    ({'q"\n': 1j}, '$["q\\"\\n"]', f"object of type complex {ADVICE}"),
    ({"k" * 100: 1j}, f'$["{"k" * 64}"...]', f"object of type complex {ADVICE}"),
    ([Pair(0, [1j])], "$[0].right[0]", f"object of type complex {ADVICE}"),
    (collections.OrderedDict(a=[1j]), "$.a[0]", f"object of type complex {ADVICE}"),
    (collections.deque([0, 1j]), "$[1]", f"object of type complex {ADVICE}"),
    (
        dt.time(1, tzinfo=dt.timezone(dt.timedelta(seconds=1))),
        "$",
        "time with an offset of seconds cannot be encoded as JSON: RFC 3339 has whole minutes",
    ),
    ({"a": {1: 2}}, "$.a", "dict key of type int cannot be encoded as JSON: use str"),
    ([{None: 2}], "$[0]", "dict key of type NoneType cannot be encoded as JSON: use str"),
    (
        {"a": "x\ud800"},
        "$.a",
        "str with a lone surrogate at index 1 cannot be encoded as JSON: it is not text",
    ),
    ({"\udfff": 1}, "$", "str with a lone surrogate at index 0 cannot be encoded as JSON: it is not text"),
    ([float("nan")], "$[0]", "nan cannot be encoded as JSON: a number must be finite"),
    (
        CYCLE,
        "$[0].self[0].self[0].self[0].self...[0].self[0].self[0].self[0].self",
        "nested deeper than 128, or a cycle",
    ),
]


@pytest.mark.parametrize(("value", "path", "message"), TABLE, ids=[f"{n}-{row[1][:20]}" for n, row in enumerate(TABLE)])
def test_table(value: Any, path: str, message: str) -> None:
    with pytest.raises(EncodeError) as caught:
        json_encode(value)
    assert caught.value.path == path
    assert str(caught.value) == f"{message} (at {path})"
    assert isinstance(caught.value, ValueError)


class Acting:
    """Does something each time its field is read."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self.act = act


@dataclasses.dataclass(init=False)
class Trigger(Acting):
    field: int

    def __getattribute__(self, name: str) -> Any:
        if name == "field":
            return object.__getattribute__(self, "act")()
        return object.__getattribute__(self, name)


def test_a_dict_that_grows_shrinks_or_is_replaced_on_the_way() -> None:
    value: dict[str, Any] = {}

    def refill(count: int) -> Callable[[], int]:
        def act() -> int:
            value.clear()
            value.update({f"n{number}": number for number in range(count)})
            return 1

        return act

    for count in (0, 1, 3, 1_000):
        value.clear()
        value.update(a=Trigger(refill(count)), b=2)
        with pytest.raises(EncodeError, match="dict changed size"):
            json_encode(value)
    value.clear()
    value.update(a=Trigger(refill(2)), b=2)
    assert json_encode(value).startswith(b'{"a":{"field":1}')


def test_a_list_that_grows_or_shrinks_on_the_way() -> None:
    acts: list[Callable[[list[Any]], object]] = [list.clear, list.pop, lambda items: items.extend(range(10_000))]
    for act in acts:
        value: list[Any] = []
        value += [1, Trigger(functools.partial(act, value)), 3]
        with pytest.raises(EncodeError, match="list changed size"):
            json_encode(value)


def test_what_user_code_raises_is_the_cause() -> None:
    def fail() -> None:
        raise LookupError("no such thing")

    with pytest.raises(EncodeError, match="reading the field raised LookupError: no such thing") as caught:
        json_encode([Trigger(fail)])
    assert caught.value.path == "$[0].field"
    assert isinstance(caught.value.__cause__, LookupError)


def test_an_interrupt_in_user_code_stays_one() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        json_encode([Trigger(interrupt)])


def test_a_declared_field_that_is_not_set() -> None:
    item = Item(1)
    del item.price
    with pytest.raises(EncodeError, match="reading the field raised AttributeError") as caught:
        json_encode([item])
    assert caught.value.path == "$[0].price"


class Looping(enum.Enum):
    ME = 1

    @property
    def value(self) -> Any:
        return self


class BadMoment(dt.datetime):
    def isoformat(self, *_: Any, **__: Any) -> Any:
        return 5


class BadUUID(uuid.UUID):
    def __init__(self) -> None:
        object.__setattr__(self, "int", "text")


class BadItems(dict[str, Any]):
    def items(self) -> Any:
        return [1, 2]


class NoItems(dict[str, Any]):
    def items(self) -> Any:
        raise OSError("gone")


@pytest.mark.parametrize(
    ("value", "match"),
    [
        (Looping.ME, "nested deeper than 128"),
        (BadMoment(2024, 1, 1), r"isoformat\(\) raised TypeError"),
        (BadUUID(), "reading the UUID raised TypeError"),
        (BadItems(a=1), r"items\(\) raised TypeError"),
        (NoItems(a=1), r"items\(\) raised OSError: gone"),
    ],
)
def test_a_type_that_breaks_its_promise(value: Any, match: str) -> None:
    with pytest.raises(EncodeError, match=match):
        json_encode(value)


def test_a_metaclass_that_raises() -> None:
    class Meta(type):
        def __getattribute__(cls, name: str) -> Any:
            if name == "__dataclass_fields__":
                raise RuntimeError("not today")
            return super().__getattribute__(name)

    class Odd(metaclass=Meta):
        pass

    with pytest.raises(EncodeError, match="looking at the type raised RuntimeError: not today"):
        json_encode(Odd())


def test_encoding_inside_encoding() -> None:
    inner = {"rows": [Item(1), Item(2)]}
    assert json_encode([Trigger(lambda: json_encode(inner).decode()), inner]).startswith(b'[{"field":"{')


def test_classes_that_are_gone_do_not_stay_for_ever() -> None:
    made = dataclasses.make_dataclass("Gone", [("a", int)])
    json_encode(made(1))
    gone = weakref.ref(made)
    del made
    for number in range(1_100):
        json_encode(dataclasses.make_dataclass(f"Next{number}", [("a", int)])(1))
    gc.collect()
    assert gone() is None


def test_threads_share_the_tables() -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            made = [dataclasses.make_dataclass(f"T{number}_{index}", [("a", int)]) for index in range(50)]
            for _ in range(20):
                assert json_encode([kind(1) for kind in made]) == b"[" + b",".join([b'{"a":1}'] * 50) + b"]"
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
