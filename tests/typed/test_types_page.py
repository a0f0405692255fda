"""docs/types.md: its programs run, and each of its examples is true."""

import json
import re
import sys
import types
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest

pytest.importorskip("covet.json", reason="needs the native module", exc_type=ImportError)

import covet.json
from covet._native import Schema
from covet._types.reading import read_type

PAGE = Path(__file__).resolve().parents[2] / "docs" / "types.md"
TEXT = PAGE.read_text(encoding="utf-8")
DIALECT = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
CODES = (
    "missing unknown repeated null bool int float str bytes decimal uuid datetime date time timedelta ip path choice object array length gt ge lt "
    "le multiple_of min_length max_length pattern discriminator union key value malformed depth digits duplicate encoding"
).split()


class Example(NamedTuple):
    annotation: str
    kind: str
    given: str
    sign: str
    expected: str


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def examples() -> list[Example]:
    found = []
    for block in blocks("types"):
        annotation, *lines = block.strip().splitlines()
        for line in lines:
            kind, _, rest = line.partition(" ")
            if kind == "schema":
                found.append(Example(annotation, kind, "", "", rest.strip()))
                continue
            match = re.fullmatch(r"(.*?)\s+(->|!!)\s+(.*)", rest.strip())
            assert match, line
            found.append(Example(annotation, kind, *match.groups()))
    return found


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    module = types.ModuleType("types_page")
    sys.modules[module.__name__] = module
    exec("".join(blocks("python")), vars(module))
    return vars(module)


@pytest.mark.parametrize(
    "example", examples(), ids=lambda each: f"{each.annotation[:30]}-{each.kind}-{each.given[:30]}"
)
def test_example(example: Example, names: dict[str, Any]) -> None:
    annotation = eval(example.annotation, names)
    if example.kind == "schema":
        schema = covet.json.schema(annotation)
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema == {**DIALECT, **json.loads(example.expected)}
        return
    compiled: Any = Schema(read_type(annotation))
    if example.kind == "written":
        assert compiled.encode(eval(example.given, names)).decode() == example.expected
        return
    read = {"json": compiled.decode, "text": compiled.convert}[example.kind]
    if example.sign == "!!":
        assert code_of(read, example.given) == example.expected
        return
    value = read(example.given)
    expected = eval(example.expected, names)
    assert (type(value), value) == (type(expected), expected)
    if example.kind == "json":
        assert jsonschema.Draft202012Validator(covet.json.schema(annotation)).is_valid(json.loads(example.given))


def code_of(read: Any, given: str) -> str:
    try:
        value = read(given)
    except covet.json.DecodeError:
        return "malformed"
    except covet.json.ValidationError as error:
        return str(error.errors[0]["code"])
    return f"no error: {value!r}"


def test_every_code_is_in_the_table() -> None:
    table = TEXT.partition("## Error codes")[2]
    cells = re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", " ".join(cells))) == sorted(CODES)
