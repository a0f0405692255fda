"""Constraints: covet's own and annotated-types', onto every kind of node, and where they do not fit."""

import functools
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

import annotated_types as at
import pytest

from covet import (
    Body,
    ConfigurationError,
    Cookie,
    Discriminator,
    Field,
    File,
    Form,
    Ge,
    Gt,
    Header,
    Le,
    Len,
    Lt,
    MaxLen,
    MinLen,
    MultipleOf,
    Path,
    Pattern,
    Query,
    Unix,
)
from covet._types.reading import read_type
from tests.typed.shapes import shape


def strip(value: str) -> str:
    return value.strip()


def positive(value: Any) -> Any:
    return value


DATE = {"name": "date", "cls": date}
ZONED = datetime(2024, 1, 1, tzinfo=UTC)
DECIMAL = ("text", {"name": "decimal", "cls": Decimal})
FITS: list[tuple[object, object]] = [
    (Annotated[int, Gt(0), Lt(9)], ("int", {"gt": 0, "lt": 9})),
    (Annotated[int, Ge(0), Le(9), MultipleOf(3)], ("int", {"ge": 0, "le": 9, "multiple_of": 3})),
    (Annotated[int, Gt(5.0)], ("int", {"gt": 5})),
    (Annotated[Annotated[int, Gt(0)], Gt(3)], ("int", {"gt": 3})),
    (Annotated[int, Le(3), Le(9)], ("int", {"le": 3})),
    (Annotated[float, Gt(0)], ("float", {"gt": 0.0})),
    (Annotated[float, MultipleOf(Decimal("0.5"))], ("float", {"multiple_of": 0.5})),
    (Annotated[str, Len(1, 5)], ("str", {"min_length": 1, "max_length": 5})),
    (Annotated[str, MinLen(2), MinLen(1), MaxLen(3)], ("str", {"min_length": 2, "max_length": 3})),
    (Annotated[str, Pattern("^a")], ("str", {"pattern": "^a"})),
    (Annotated[bytes, MaxLen(3)], ("bytes", {"max_length": 3})),
    (Annotated[list[int], MinLen(1)], ("list", {"cls": list, "item": "int", "min_length": 1})),
    (Annotated[dict[str, int], MaxLen(2)], ("dict", {"cls": dict, "key": "str", "value": "int", "max_length": 2})),
    (Annotated[int | None, Gt(0)], ("nullable", {"inner": ("int", {"gt": 0})})),
    (Annotated[int | float, Gt(0)], ("union", {"options": [("int", {"gt": 0}), ("float", {"gt": 0.0})]})),
    (Annotated[Decimal, Gt(0)], ("checked", {"inner": DECIMAL, "bounds": [("gt", Decimal(0))]})),
    (Annotated[Decimal, Ge(0.1)], ("checked", {"inner": DECIMAL, "bounds": [("ge", Decimal("0.1"))]})),
    (
        Annotated[Decimal, Gt(0), Le(5)],
        ("checked", {"inner": DECIMAL, "bounds": [("gt", Decimal(0)), ("le", Decimal(5))]}),
    ),
    (
        Annotated[date, Ge(date(2024, 1, 1))],
        ("checked", {"inner": ("text", DATE), "bounds": [("ge", date(2024, 1, 1))]}),
    ),
    (
        Annotated[timedelta, Lt(timedelta(1))],
        ("checked", {"inner": ("text", {"name": "timedelta", "cls": timedelta}), "bounds": [("lt", timedelta(1))]}),
    ),
    (
        Annotated[datetime, Gt(ZONED)],
        (
            "checked",
            {"inner": ("text", {"name": "datetime", "cls": datetime, "timezone": True}), "bounds": [("gt", ZONED)]},
        ),
    ),
    (
        Annotated[time, Gt(time(8))],
        ("checked", {"inner": ("text", {"name": "time", "cls": time, "timezone": False}), "bounds": [("gt", time(8))]}),
    ),
    (Annotated[datetime, Unix()], ("text", {"name": "datetime", "cls": datetime, "unix": "seconds"})),
    (
        Annotated[timedelta | None, Unix("milliseconds")],
        ("nullable", {"inner": ("text", {"name": "timedelta", "cls": timedelta, "unix": "milliseconds"})}),
    ),
    (Annotated[str, strip], ("checked", {"inner": "str", "validators": [strip]})),
    (Annotated[str, strip, positive], ("checked", {"inner": "str", "validators": [strip, positive]})),
    (Annotated[str, MinLen(1), strip], ("checked", {"inner": ("str", {"min_length": 1}), "validators": [strip]})),
    (
        Annotated[str, strip, MinLen(1)],
        ("checked", {"inner": ("checked", {"inner": "str", "validators": [strip]}), "bounds": [("min_length", 1)]}),
    ),
    (
        Annotated[Decimal, Gt(0), positive],
        ("checked", {"inner": DECIMAL, "bounds": [("gt", Decimal(0))], "validators": [positive]}),
    ),
    (Annotated[int, at.Gt(0), at.Lt(5)], ("int", {"gt": 0, "lt": 5})),
    (Annotated[int, at.Interval(ge=0, lt=5)], ("int", {"ge": 0, "lt": 5})),
    (Annotated[int, at.MultipleOf(2)], ("int", {"multiple_of": 2})),
    (Annotated[str, at.Len(1, 5)], ("str", {"min_length": 1, "max_length": 5})),
    (Annotated[str, at.MinLen(1), at.MaxLen(5)], ("str", {"min_length": 1, "max_length": 5})),
    (Annotated[datetime, at.Timezone(...)], ("text", {"name": "datetime", "cls": datetime, "timezone": True})),
    (Annotated[datetime, at.Timezone(None)], ("text", {"name": "datetime", "cls": datetime, "timezone": False})),
    (Annotated[int, at.Unit("m"), "a note", 5], "int"),
    (Annotated[int, Query(), Path("a"), Header(), Cookie(), Form(), File(), Body("json")], "int"),
]


@pytest.mark.parametrize(("annotation", "expected"), FITS, ids=lambda value: str(value)[:60])
def test_fits(annotation: object, expected: object) -> None:
    assert shape(annotation) == expected


def test_predicate_is_a_validator() -> None:
    node = read_type(Annotated[str, at.Predicate(str.islower)])
    (validator,) = node.validators
    assert validator("a") == "a"
    with pytest.raises(ValueError, match="does not fit islower"):
        validator("A")


def test_partial_and_method_are_validators() -> None:
    half = functools.partial(max, 5)
    assert read_type(Annotated[int, half, "".join]).validators == [half, "".join]


def test_the_type_without_the_constraint_has_none() -> None:
    node = read_type(tuple[int, Annotated[int, Gt(0)], int])
    assert [item.gt for item in node.items] == [None, 0, None]


async def slow(value: str) -> str:
    return value


MISFITS: list[tuple[object, str]] = [
    (
        Annotated[str, Gt(0)],
        "has Gt(0), which a str cannot have: bounds are for numbers, dates, times and timedelta; else write a function",
    ),
    (
        Annotated[int, MinLen(3)],
        "has MinLen(3), which an int cannot have: lengths are for str, bytes, lists, sets and dicts",
    ),
    (Annotated[bool, Gt(0)], "which a bool cannot have"),
    (Annotated[Any, Gt(0)], "which Any cannot have"),
    (Annotated[Literal[1, 2], Gt(0)], "which an Enum or Literal cannot have"),
    (Annotated[tuple[int, str], MinLen(1)], "which a tuple of fixed length cannot have"),
    (Annotated[int | str, Gt(0)], "which a str cannot have"),
    (Annotated[date, MultipleOf(2)], "which a date cannot have: it is for int, float and Decimal"),
    (Annotated[int, Gt(0.5)], "has Gt(0.5) on an int: write a whole number"),
    (Annotated[int, Gt(date(2024, 1, 1))], "on an int: write a whole number"),
    (Annotated[float, Gt(10**400)], "on a float: write a number that a float can hold"),
    (Annotated[Decimal, Gt(date(2024, 1, 1))], "on a Decimal: write a number"),
    (Annotated[date, Gt(5)], "has Gt(5) on a date: write the bound as a date"),
    (Annotated[date, Gt(datetime(2024, 1, 1))], "on a date: write the bound as a date"),
    (
        Annotated[datetime, Gt(ZONED), Lt(datetime(2025, 1, 1))],
        "but another constraint says otherwise about the offset",
    ),
    (Annotated[int, Gt(5), Lt(3)], "has Lt(3), but no value has gt 5 and lt 3: change one of them"),
    (Annotated[int, Gt(5), Le(5)], "no value has gt 5 and le 5"),
    (Annotated[str, MinLen(5), MaxLen(3)], "no value has min_length 5 and max_length 3"),
    (Annotated[Decimal, Gt(5), Lt(3)], "no value has"),
    (Annotated[int, MultipleOf(2), MultipleOf(3)], "has MultipleOf(3) beside a multiple of 2: write one number"),
    (Annotated[int, Pattern("a")], "which an int cannot have: a pattern is for str, before any validator"),
    (Annotated[str, strip, Pattern("a")], "which what a validator returned cannot have"),
    (Annotated[str, Pattern("a"), Pattern("b")], "beside the pattern 'a': write one that says both"),
    (Annotated[date, Unix()], "has Unix('seconds'), which a date cannot have: it is for datetime and timedelta"),
    (Annotated[str, at.Timezone(...)], "has Timezone, which a str cannot have: it is for datetime and time"),
    (Annotated[datetime, at.Timezone("Europe/Rome")], "a certain zone cannot be demanded; write Timezone(...) or None"),
    (Annotated[int, Gt], "holds the class Gt: write Annotated[int, Gt(...)]"),
    (Annotated[str, slow], "has the validator slow, which is async: write a plain function, and wait in the handler"),
    (Annotated[int, Discriminator("kind")], "has Discriminator('kind'), but is no union: leave it out"),
    (
        list[Annotated[int, Field(alias="a")]],
        "has Field(alias='a') inside of a type: an alias belongs to a whole field",
    ),
]


@pytest.mark.parametrize(("annotation", "message"), MISFITS, ids=lambda value: str(value)[:60])
def test_misfit(annotation: object, message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read_type(annotation)
    assert message in str(raised.value)


WRONG: list[tuple[Any, str]] = [
    (lambda: Gt("a"), "Gt has the bound 'a': write a finite number, a date, a time or a timedelta"),
    (lambda: Ge(True), "Ge has the bound True"),
    (lambda: Lt(float("nan")), "Lt has the bound nan"),
    (lambda: Le(Decimal("Infinity")), "Le has the bound Decimal('Infinity')"),
    (lambda: MultipleOf(0), "MultipleOf has 0: write a finite number above 0"),
    (lambda: MultipleOf(-1.5), "MultipleOf has -1.5"),
    (lambda: MultipleOf(True), "MultipleOf has True"),
    (lambda: MinLen(-1), "min_length of MinLen is -1: write an int of at least 0"),
    (lambda: MaxLen(2.5), "max_length of MaxLen is 2.5"),
    (lambda: MaxLen(True), "max_length of MaxLen is True"),
    (lambda: Len(5, 3), "Len has min_length 5 above max_length 3: swap them"),
    (lambda: Len(-1), "min_length of Len is -1"),
    (lambda: Pattern(5), "Pattern has 5: write the regular expression as text"),
    (lambda: Discriminator(""), "Discriminator has '': write the name of a field, as text"),
    (lambda: Unix("days"), 'Unix has the unit \'days\': write "seconds" or "milliseconds"'),
    (lambda: Query(""), "the alias of Query is '': write the name on the wire as text"),
    (lambda: Header(description=5), "the description of Header is 5: write a text, or leave it out"),
    (lambda: Field(examples="abc"), "the examples of Field are 'abc': write a list, as ['abc']"),
    (
        lambda: Field(deprecated="soon"),
        "deprecated of Field is 'soon': write True or False, and the reason as description",
    ),
    (lambda: Body("text/plain; charset=utf-8"), "Body has the content type 'text/plain; charset=utf-8'"),
    (lambda: Body("yaml"), 'Body has the content type \'yaml\': write "json", "form" or a media type'),
]


@pytest.mark.parametrize(("make", "message"), WRONG, ids=lambda value: str(value)[:50])
def test_marker_that_is_wrong_by_itself(make: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        make()
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("marker", "text"),
    [
        (Gt(0), "Gt(0)"),
        (Len(1, 5), "Len(max_length=5, min_length=1)"),
        (Pattern("a"), "Pattern('a')"),
        (Query("a", description="d"), "Query('a', description='d')"),
        (Field(alias="a", deprecated=True), "Field(alias='a', deprecated=True)"),
        (Body("json", "text/plain", examples=[1]), "Body('json', 'text/plain', examples=(1,))"),
    ],
    ids=repr,
)
def test_shown_as_written(marker: object, text: str) -> None:
    assert repr(marker) == text


def test_equal_by_what_they_say() -> None:
    assert Gt(1) == Gt(1)
    assert hash(Gt(1)) == hash(Gt(1))
    assert Gt(1) != Gt(1.0)
    assert Gt(1) != Ge(1)
    assert Query("a", examples=[1]) == Query("a", examples=[1])
    assert Annotated[int, Gt(1)] == Annotated[int, Gt(1)]
