"""What `json_decode` reads, against the standard library made strict, and hostile input."""

import contextlib
import gc
import json
import math
import random
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from covet._native import DecodeError, EncodeError, json_decode, json_encode

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30)


def reference(data: bytes) -> Any:
    """The standard library's reading, without what JSON does not have and this decoder refuses.

    Refused although the library takes it: NaN and Infinity, a number that rounds to infinity, a
    duplicate key, a lone surrogate.
    """

    def refuse(text: str) -> NoReturn:
        raise ValueError(text)

    def finite(text: str) -> float:
        return number if math.isfinite(number := float(text)) else refuse(text)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return made if len(made := dict(pairs)) == len(pairs) else refuse("duplicate")

    value = json.loads(data.decode(), parse_constant=refuse, parse_float=finite, object_pairs_hook=unique)
    json.dumps(value, ensure_ascii=False).encode()
    return value


def check_as_reference(data: bytes) -> None:
    try:
        expected = reference(data)
    except ValueError:
        with pytest.raises(DecodeError) as caught:
            json_decode(data)
        assert 0 <= caught.value.offset <= len(data)
    else:
        assert repr(json_decode(data)) == repr(expected)


@given(VALUES, st.sampled_from([None, 0, 2, "\t"]), st.booleans())
@example([2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**4000], None, True)
def test_reads_what_the_standard_library_writes(value: Any, indent: int | str | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert repr(json_decode(text)) == repr(value)


@given(VALUES)
def test_reads_what_the_encoder_writes(value: Any) -> None:
    assert repr(json_decode(json_encode(value))) == repr(value)


TOKENS = [
    *'{}[]:,"\\',
    *" \t\n\r\v\xa0",
    *("true", "false", "null", "NaN", "Infinity", "-Infinity", "tru", "//"),
    *("0", "-0", "1", "-", "+", ".", "e", "E5", "01", "1.5", "1e5", "1e400", "-1E-400", "12345678901234567890"),
    *('""', '"a"', '"a":', '"b":1', '"\\u0041"', '"\\ud83d\\ude00"', '"\\ud83d"', '"\\q"', '"\x01"', '"é"', "\ufeff"),
]


@given(st.lists(st.sampled_from(TOKENS), max_size=12).map("".join))
def test_agrees_with_the_standard_library_on_any_text(text: str) -> None:
    check_as_reference(text.encode())


@given(VALUES, st.data())
def test_agrees_with_the_standard_library_on_a_changed_byte(value: Any, data: st.DataObject) -> None:
    text = bytearray(json.dumps(value, ensure_ascii=False).encode())
    assume(text)
    at = data.draw(st.integers(0, len(text) - 1))
    byte = data.draw(st.integers(0, 255) | st.sampled_from(list(b'"\\{}[],:0e')))
    text[at : at + data.draw(st.integers(0, 1))] = bytes([byte])
    check_as_reference(bytes(text))


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    check_as_reference(data)


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?", fullmatch=True))
def test_numbers_are_correctly_rounded(text: str) -> None:
    check_as_reference(text.encode())


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview, lambda data: data.decode()])
def test_kinds_of_input(make: Callable[[bytes], Any]) -> None:
    data = '{"é":[1,"\\u00e9"]}'.encode()
    assert json_decode(make(data)) == {"é": [1, "é"]}


def test_a_buffer_with_gaps_and_what_is_no_buffer() -> None:
    assert json_decode(memoryview(b"1x2x3")[::2]) == 123
    with pytest.raises(TypeError):
        json_decode(5)
    with pytest.raises(ValueError):
        json_decode('"\ud800"')


ERRORS: list[tuple[bytes, str, int]] = [
    (b"", "empty text", 0),
    (b" \n\t", "empty text", 0),
    (b"\xef\xbb\xbf{}", "a byte order mark is not allowed", 0),
    (b'{"a":1,"b":2,"a":3}', "duplicate key", 13),
    (b'{"x":[{"\\u0061":1, "a":3}]}', "duplicate key", 19),
    (b"[1,2", "unexpected end of text", 4),
    (b"[1,]", "expected a value", 3),
    (b"[1 2]", "expected ',' or ']'", 3),
    (b'{"a":1 "b":2}', "expected ',' or '}'", 7),
    (b'{"a" 1}', "expected ':'", 5),
    (b"{a:1}", "expected a key in double quotes", 1),
    (b'{"a":1,}', "expected a key in double quotes", 7),
    (b"NaN", "expected a value", 0),
    (b"[Infinity]", "expected a value", 1),
    (b"-Infinity", "invalid number", 1),
    (b"[01]", "invalid number", 2),
    (b"[1.]", "invalid number", 3),
    (b"1e400", "number out of range", 0),
    (b"[-1e999999999]", "number out of range", 1),
    (b"[" + b"9" * 4_301 + b"]", "integer of more than 4300 digits", 1),
    (b'"a\x01"', "control character in a string", 2),
    (b'"a\\x"', "invalid escape", 2),
    (b'"\\ud800"', "lone surrogate", 1),
    (b'"ab\\udc00"', "lone surrogate", 3),
    (b'"\xed\xa0\x80"', "not UTF-8", 1),
    (b'"\xc0\xaf"', "not UTF-8", 1),
    (b"{}{}", "unexpected bytes after the value", 2),
    (b"1\x00", "unexpected bytes after the value", 1),
    (b"[" * 1_000_000, "nested deeper than 128", 128),
    (b'{"k":' * 1_000_000, "nested deeper than 128", 640),
]


@pytest.mark.parametrize(("data", "message", "offset"), ERRORS, ids=[repr(row[0][:20]) for row in ERRORS])
def test_refusals(data: bytes, message: str, offset: int) -> None:
    with pytest.raises(DecodeError) as caught:
        json_decode(data)
    assert str(caught.value) == f"{message} at byte {offset}"
    assert caught.value.offset == offset
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"k":', "}")])
def test_depth_just_below_at_and_above_the_limit(opening: str, closing: str) -> None:
    for depth, accepted in [(127, True), (128, True), (129, False)]:
        text = opening * depth + ("" if opening == "[" else "0") + closing * depth
        if accepted:
            assert json.dumps(json_decode(text), separators=(",", ":")) == text
        else:
            with pytest.raises(DecodeError, match="nested deeper than 128"):
                json_decode(text)


def test_integers_at_the_limit_of_digits() -> None:
    assert json_decode("-" + "9" * 4_300) == -(10**4_300 - 1)


def test_a_lower_limit_of_the_interpreter_holds() -> None:
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(1_000)
    try:
        with pytest.raises(DecodeError, match="Exceeds the limit") as caught:
            json_decode(b"[ " + b"1" * 1_001 + b"]")
    finally:
        sys.set_int_max_str_digits(before)
    assert caught.value.offset == 2


DOCUMENT = json.dumps(
    {
        "id": 12345678901234567890,
        "price": -1.5e-3,
        "text": 'é "quoted" \\ \n and \x01 😀',
        "list": [None, True, False, [], {}],
        "a key that is longer than those which are kept": {"id": 1},
    },
    indent=1,
).encode()


def test_cut_at_every_byte() -> None:
    assert json_decode(DOCUMENT) == json.loads(DOCUMENT)
    for end in range(1, len(DOCUMENT)):
        with pytest.raises(DecodeError) as caught:
            json_decode(DOCUMENT[:end])
        assert str(caught.value) == f"unexpected end of text at byte {end}"


def test_not_utf_8_at_every_position() -> None:
    for at in range(len(DOCUMENT) + 1):
        for bad in (b"\xff", b"\xc3", b"\xf5\x80\x80\x80"):
            with pytest.raises(DecodeError) as caught:
                json_decode(DOCUMENT[:at] + bad + DOCUMENT[at:])
            assert str(caught.value) == f"not UTF-8 at byte {at}"


def test_every_byte_replaced() -> None:
    for at in range(len(DOCUMENT)):
        for byte in b'\x00 "\\{}[]:,-0e.tn\x7f':
            check_as_reference(DOCUMENT[:at] + bytes([byte]) + DOCUMENT[at + 1 :])


def test_ten_megabytes_of_text() -> None:
    for text in ("x" * 10_000_000, "é" * 5_000_000, "\n" * 5_000_000):
        assert json_decode(json.dumps(text, ensure_ascii=False)) == text


def test_many_similar_keys_take_time_in_proportion() -> None:
    keys = [f"{'k' * 15}{number:08d}{'k' * 8}" for number in range(100_000)]
    random.Random(1).shuffle(keys)
    value = {key: index for index, key in enumerate(keys)}
    data = json.dumps(value).encode()
    started = time.process_time()
    assert json_decode(data) == value
    assert time.process_time() - started < 5
    with pytest.raises(DecodeError, match="duplicate key"):
        json_decode(data[:-1] + b', "' + keys[0].encode() + b'": 1}')


def test_rows_share_their_keys() -> None:
    rows = json_decode(b'[{"name":1},{"name":2}]')
    assert next(iter(rows[0])) is next(iter(rows[1]))


def test_decoding_inside_a_finalizer_of_decoding() -> None:
    read = []

    class Finalized:
        def __del__(self) -> None:
            read.append(json_decode(b'{"inner":[1]}'))

    for _ in range(50):
        looped: list[Any] = [Finalized()]
        looped.append(looped)
        del looped
        json_decode(b'[{"outer":[]},' * 20 + b"0" + b"]" * 20)
    gc.collect()
    assert read == [{"inner": [1]}] * 50


def attempt(function: Callable[[Any], Any], value: Any) -> None:
    with contextlib.suppress(DecodeError, EncodeError):
        function(value)


def test_nothing_is_leaked_by_good_and_bad_input() -> None:
    cycle: list[Any] = []
    cycle.append({"self": cycle})
    inputs = [DOCUMENT, *(row[0] for row in ERRORS), *(DOCUMENT[:end] for end in range(0, len(DOCUMENT), 3))]
    values = [json.loads(DOCUMENT), cycle, {"a": [1, 2, {"b": object()}]}, {1: 2}, [float("nan")], "\ud800", b""]

    def once() -> None:
        for data in inputs:
            attempt(json_decode, data)
        for value in values:
            attempt(json_encode, value)

    def grown() -> int:
        gc.collect()
        before = sys.getallocatedblocks()
        for _ in range(100):
            once()
        gc.collect()
        return sys.getallocatedblocks() - before

    # Once in three, because the interpreter's own tables grow now and then.
    assert any(grown() < 50 for _ in range(3))
