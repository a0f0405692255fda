"""`Headers`: first value in [], every field in iteration, names without case."""

from collections.abc import Callable, Mapping

import pytest

from covet._native import Headers, Request

MakeRequest = Callable[..., Request]

FIELDS = [("Host", "h"), ("X-Tag", "one"), ("x-tag", "two"), ("X_Tag", "under"), ("Empty", "")]


@pytest.fixture
def headers(make: MakeRequest) -> Headers:
    return make(headers=FIELDS).headers


@pytest.mark.parametrize("key", ["x-tag", "X-Tag", "X-TAG"])
def test_first_value_wins_without_case(headers: Headers, key: str) -> None:
    assert headers[key] == "one"
    assert headers.get(key) == "one"
    assert headers.getlist(key) == ["one", "two"]
    assert key in headers


def test_underscore_is_another_name(headers: Headers) -> None:
    assert headers.getlist("x_tag") == ["under"]


@pytest.mark.parametrize("key", ["missing", "", "x-tag ", "x-täg", "\udc80"])
def test_absent(headers: Headers, key: str) -> None:
    assert key not in headers
    if key != "\udc80":
        assert headers.get(key) is None
        assert headers.get(key, 7) == 7
        assert headers.getlist(key) == []
        with pytest.raises(KeyError) as caught:
            headers[key]
        assert caught.value.args == (key,)


def test_a_key_that_is_no_str(headers: Headers) -> None:
    assert 1 not in headers
    with pytest.raises(TypeError):
        headers[1]


def test_every_field_in_order(headers: Headers) -> None:
    names = ["host", "x-tag", "x-tag", "x_tag", "empty"]
    values = ["h", "one", "two", "under", ""]
    assert list(headers) == list(headers.keys()) == names
    assert list(headers.values()) == values
    assert list(headers.items()) == list(zip(names, values, strict=True))
    assert len(headers) == 5
    assert dict(headers) == {"host": "h", "x-tag": "one", "x_tag": "under", "empty": ""}


def test_values_are_latin_1(make: MakeRequest) -> None:
    headers = make(headers=[("A", "caf\u00e9\u00ff")]).headers
    assert headers["a"] == "caf\u00e9\u00ff"
    utf8 = make(headers=[("A", "\u20ac")]).headers
    assert utf8["a"].encode("latin-1").decode() == "\u20ac"


def test_is_a_read_only_mapping(headers: Headers) -> None:
    assert isinstance(headers, Mapping)
    with pytest.raises(TypeError):
        headers["a"] = "b"
    match headers:
        case {"host": host}:
            assert host == "h"
        case _:
            pytest.fail("a mapping pattern must match")


def test_equality(make: MakeRequest) -> None:
    one = make(headers=[("A", "1"), ("B", "2")]).headers
    assert one == make(headers=[("b", "2"), ("a", "1")]).headers
    assert one != make(headers=[("a", "1")]).headers
    assert one != {"a": "1", "b": "2"}
    with pytest.raises(TypeError):
        hash(one)


def test_repr(make: MakeRequest) -> None:
    assert repr(make(headers=[("A", "1")]).headers) == "Headers([('a', '1')])"


def test_outlives_its_request(make: MakeRequest) -> None:
    request = make(headers=[("A", "1")])
    headers = request.headers
    assert request.headers is headers
    del request
    assert headers["a"] == "1"
