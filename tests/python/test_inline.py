"""Which functions may run on the loop's thread, in the bytecode of the Python that runs this."""

import builtins
import types
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from covet._inline import Types, inspect_function, suspends
from covet._plan import ABSENT
from covet.errors import HTTPException, NotFound

TEXT: Types = frozenset({str})
NUMBER: Types = frozenset({int})
MAYBE: Types = frozenset({str, type(None)})
NAME = "a global"
COUNT = 3
BOOKS = {1: "Emma"}
ALLOWED_NAMES = ("a", "b")


class Thing:
    """Whatever is done to it may run code."""

    size = 1


THING = Thing()


def elsewhere() -> int:
    return 1


def constant() -> Any:
    return {"hello": "world"}


def nested() -> Any:
    return {"a": [1, 2, 3, "x"], "b": {"c": (1, None)}, "d": {1, 2, 3}}


def of_parameters(text: str, number: int, unknown: Any) -> Any:
    return {"text": text, "number": number, "unknown": unknown, "list": [text, number, unknown]}


def formatted(text: str, number: int, maybe: str | None) -> Any:
    return f"{text!r} {number:>5} {maybe} {number + 1}"


def arithmetic(number: int) -> Any:
    return (number + 1) * 2 - number // 3 % 5 + -number


def joined(text: str) -> Any:
    return text + "!" + NAME


def compared(text: str, number: int) -> Any:
    return [number > 3, text == "a", text in ("a", "b"), "x" in text, not number, number is None]


def branched(number: int, maybe: str | None) -> Any:
    if number > 3:
        return "many"
    if maybe is None:
        return {"maybe": False}
    return {"maybe": maybe}


def ternary(number: int) -> Any:
    return {"size": "big" if number > 10 and number < 100 else "small"}


def defaulted(maybe: str | None) -> Any:
    return maybe or "nobody"


def local_variables(number: int) -> Any:
    first = number + 1
    second = first * 2
    third, fourth = second, first
    return [first, second, third, fourth]


def called(text: str, number: int) -> Any:
    return [
        len(text),
        str(number),
        int(text),
        min(number, 5),
        max(number, 1, 2),
        abs(number),
        round(number),
        bool(text),
    ]


def methods(text: str) -> Any:
    return [text.upper(), text.strip().lower(), text.startswith("a"), text.removeprefix("x")]


def looked_up(number: int) -> Any:
    return [BOOKS[number], BOOKS.get(number), number in BOOKS]


def carried() -> Any:
    return [THING, elsewhere]


def nothing() -> Any:
    pass


def raising(number: int) -> Any:
    if number > 3:
        raise NotFound("no such book")
    raise HTTPException(418, detail="tea")


def raising_class() -> Any:
    raise NotFound


INLINE: list[tuple[Callable[..., Any], tuple[object, ...]]] = [
    (constant, ()),
    (nested, ()),
    (of_parameters, ("a", 1, None)),
    (formatted, ("a", 1, None)),
    (arithmetic, (7,)),
    (joined, ("a",)),
    (compared, ("a", 5)),
    (branched, (5, None)),
    (ternary, (50,)),
    (defaulted, (None,)),
    (local_variables, (1,)),
    (called, ("1", 2)),
    (methods, ("a",)),
    (looked_up, (1,)),
    (carried, ()),
    (nothing, ()),
]
PARAMETERS: Mapping[str, Types] = {"text": TEXT, "number": NUMBER, "maybe": MAYBE}


def verdict(function: Callable[..., object], parameters: Mapping[str, Types] = PARAMETERS) -> Any:
    assert isinstance(function, types.FunctionType)
    return inspect_function(function, parameters)


@pytest.mark.parametrize(("function", "arguments"), INLINE, ids=lambda value: getattr(value, "__name__", None))
def test_inline(function: Callable[..., object], arguments: tuple[object, ...]) -> None:
    assert verdict(function).reason == ""
    assert verdict(function).inline
    function(*arguments)  # and it is code that runs


@pytest.mark.parametrize("function", [raising, raising_class])
def test_errors_may_be_raised_inline(function: Callable[..., object]) -> None:
    assert verdict(function).reason == ""


def loops(number: int) -> Any:
    while number > 0:
        number -= 1


def iterates(text: str) -> Any:
    for letter in text:
        print(letter)


def comprehends(text: str) -> Any:
    return [letter for letter in text]


def calls_a_function() -> Any:
    return elsewhere()


def calls_unknown(unknown: Any) -> Any:
    return unknown()


def reads_an_attribute() -> Any:
    return THING.size


def calls_a_method(unknown: Any) -> Any:
    return unknown.close()


def formats_unknown(unknown: Any) -> Any:
    return f"{unknown}"


def formats_with_a_format(text: str) -> Any:
    return f"{1:{text}}"


def adds_unknown(unknown: Any) -> Any:
    return unknown + 1


def truth_of_unknown(unknown: Any) -> Any:
    return 1 if unknown else 2


def compares_unknown(unknown: Any) -> Any:
    return unknown == 1


def hashes_unknown(unknown: Any) -> Any:
    return {unknown: 1}


def powers(number: int) -> Any:
    return 9**number


def shifts(number: int) -> Any:
    return 1 << number


def repeats(number: int) -> Any:
    return "x" * number


def interpolates(text: str) -> Any:
    return "%99999999s" % text


def pads(text: str, number: int) -> Any:
    return text.center(number)


def replaces(text: str) -> Any:
    return text.replace("", text)


def tries() -> Any:
    try:
        return int("x")
    except ValueError:
        return 0


def opens() -> Any:
    with open("x") as file:
        return file


def imports() -> Any:
    import os

    return os


def deletes(number: int) -> Any:
    del number


def global_missing() -> Any:
    return absent  # type: ignore[name-defined] # noqa: F821


def spreads(unknown: Any) -> Any:
    return [*unknown]


def merges(unknown: Any) -> Any:
    return {**unknown}


def unpacks(unknown: Any) -> Any:
    first, second = unknown
    return first


def stores_an_attribute(unknown: Any) -> Any:
    unknown.x = 1


def stores_an_item() -> Any:
    BOOKS[2] = "x"


def writes_a_global() -> Any:
    global COUNT
    COUNT = 4


def raises_its_own() -> Any:
    raise Thing  # type: ignore[misc]


def raises_from() -> Any:
    raise NotFound from None


def makes_a_function() -> Any:
    return lambda: 1


def prints() -> Any:
    print("x")


REFUSED: list[tuple[Callable[..., object], str]] = [
    (loops, ""),
    (iterates, ""),
    (comprehends, ""),
    (calls_a_function, "it calls elsewhere, which is not on the allow-list"),
    (calls_unknown, "it calls a value that only the call knows, which is not on the allow-list"),
    (reads_an_attribute, "it reads the attribute 'size'"),
    (calls_a_method, "it calls close of a value of unknown type"),
    (formats_unknown, "it formats a value of unknown type"),
    (formats_with_a_format, "it formats with a computed format"),
    (adds_unknown, "it applies + to a value of unknown type"),
    (truth_of_unknown, "it tests the truth of a value of unknown type"),
    (compares_unknown, "it compares a value of unknown type"),
    (hashes_unknown, "it hashes a value of unknown type"),
    (powers, "it applies **, which is not on the allow-list"),
    (shifts, "it applies <<, which is not on the allow-list"),
    (repeats, "it applies * to str"),
    (interpolates, "it applies % to str"),
    (pads, "it calls center of str, which is not on the allow-list"),
    (replaces, "it calls replace of str, which is not on the allow-list"),
    (tries, "it has a try, with or for block"),
    (opens, "it has a try, with or for block"),
    (imports, "IMPORT_NAME is not on the allow-list"),
    (deletes, "DELETE_FAST is not on the allow-list"),
    (global_missing, "the global 'absent' does not exist"),
    (spreads, "it unpacks what is no constant"),
    (merges, "DICT_UPDATE is not on the allow-list"),
    (unpacks, "UNPACK_SEQUENCE is not on the allow-list"),
    (stores_an_attribute, "STORE_ATTR is not on the allow-list"),
    (stores_an_item, "STORE_SUBSCR is not on the allow-list"),
    (writes_a_global, "STORE_GLOBAL is not on the allow-list"),
    (raises_its_own, "it raises Thing, which is not on the allow-list"),
    (raises_from, "it raises from another exception"),
    (makes_a_function, "MAKE_FUNCTION is not on the allow-list"),
    (prints, "it calls print, which is not on the allow-list"),
]


@pytest.mark.parametrize(("function", "reason"), REFUSED, ids=lambda value: getattr(value, "__name__", None))
def test_refused(function: Callable[..., object], reason: str) -> None:
    found = verdict(function)
    assert not found.inline
    assert found.reason.endswith(reason)
    assert found.guards == ()


@pytest.mark.parametrize("function", [function for function, _ in INLINE if function.__code__.co_argcount])
def test_unknown_parameters_are_safe(function: Callable[..., object]) -> None:
    """What was inline for its types is refused without them, unless it only carries the values."""
    only_carries = function is of_parameters
    assert verdict(function, {}).inline is only_carries


def test_guards_are_what_the_verdict_rests_on() -> None:
    assert [(name, found) for _, name, found in verdict(joined).guards] == [("NAME", "a global")]
    assert [(name, found) for _, name, found in verdict(looked_up).guards] == [("BOOKS", BOOKS)]
    assert {name for _, name, _ in verdict(called).guards} == {
        "len",
        "str",
        "int",
        "min",
        "max",
        "abs",
        "round",
        "bool",
    }
    assert all(space is globals() for space, _, _ in verdict(looked_up).guards)


def test_builtin_rests_on_what_would_shadow_it() -> None:
    def counted(text: str) -> Any:
        return len(text)

    assert verdict(counted).guards == ((globals(), "len", ABSENT), (builtins.__dict__, "len", len))


def test_what_is_only_carried_needs_no_guard() -> None:
    assert verdict(carried).guards == ()


def test_reasons_name_the_line() -> None:
    line = formats_unknown.__code__.co_firstlineno + 1
    assert verdict(formats_unknown).reason == f"line {line}: it formats a value of unknown type"


def test_a_merge_of_two_types_is_both() -> None:
    def either(number: int) -> Any:
        value = "text" if number > 3 else 5
        return value + "x"  # type: ignore[operator]

    assert verdict(either).reason.endswith("it applies + to int or str")


def test_a_merge_with_the_unknown_is_unknown() -> None:
    def either(number: int, unknown: Any) -> Any:
        value = "text" if number > 3 else unknown
        return f"{value}"

    assert verdict(either).reason.endswith("it formats a value of unknown type")


def test_a_variable_set_on_one_path_only() -> None:
    def maybe_unset(number: int) -> Any:
        if number > 3:
            value = 1
        return value

    assert verdict(maybe_unset).reason.endswith("the variable 'value' may be unset")


def test_free_variables_are_unknown() -> None:
    captured = Thing()

    def carries() -> Any:
        return captured

    def formats() -> Any:
        return f"{captured}"

    assert verdict(carries).inline
    assert not verdict(formats).inline


async def plain() -> Any:
    return {"a": 1}


async def awaits(unknown: Any) -> Any:
    return await unknown


async def iterates_async(unknown: Any) -> Any:
    async for item in unknown:
        return item


async def enters(unknown: Any) -> Any:
    async with unknown:
        pass


async def comprehends_async(unknown: Any) -> Any:
    return [item async for item in unknown]


async def holds_another() -> Any:
    async def inner(unknown: Any) -> Any:
        await unknown

    return inner


@pytest.mark.parametrize(
    ("function", "may"),
    [
        (plain, False),
        (holds_another, False),
        (awaits, True),
        (iterates_async, True),
        (enters, True),
        (comprehends_async, True),
    ],
)
def test_suspends(function: Any, may: bool) -> None:
    assert suspends(function.__code__) is may
