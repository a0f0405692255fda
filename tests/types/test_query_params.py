"""`QueryParams`: last value in [], each name once, against `urllib.parse`."""

from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

import pytest

from covet._native import Request

MakeRequest = Callable[..., Request]

QUERIES = [
    "",
    "a=1",
    "a=1&b=2&a=3",
    "a",
    "a=",
    "&&a=1&",
    "a+b=c+d",
    "a%20b=%2B%26%3D",
    "n=%C3%A9",
    "n=%ff",
    "n=%zz%4",
    "a=b=c",
    "a;b=1;c",
]


@pytest.mark.parametrize("query", QUERIES)
def test_pairs_are_those_of_the_standard_library(make: MakeRequest, query: str) -> None:
    params = make(f"/?{query}").query_params
    expected = parse_qsl(query, keep_blank_values=True)
    assert params.multi_items() == expected
    assert dict(params) == dict(expected)
    assert list(params) == list(dict(expected))
    assert len(params) == len(dict(expected))
    assert list(params.items()) == list(dict(expected).items())
    for name, _ in expected:
        assert params.getlist(name) == [value for key, value in expected if key == name]


def test_no_query(make: MakeRequest) -> None:
    request = make("/")
    assert request.query == ""
    assert dict(request.query_params) == {}


def test_reading(make: MakeRequest) -> None:
    params = make("/?a=1&b=2&a=3").query_params
    assert params["a"] == "3"
    assert params.get("b") == "2"
    assert params.get("c") is None
    assert params.get("c", "d") == "d"
    assert "a" in params
    assert "c" not in params
    assert 1 not in params
    assert params.getlist("c") == []
    assert list(params.keys()) == ["a", "b"]
    assert list(params.values()) == ["3", "2"]
    assert params.keys() & {"a", "z"} == {"a"}
    assert isinstance(params, Mapping)
    with pytest.raises(KeyError) as caught:
        params["c"]
    assert caught.value.args == ("c",)
    with pytest.raises(TypeError):
        params["a"] = "b"


def test_names_have_case(make: MakeRequest) -> None:
    assert "A" not in make("/?a=1").query_params


def test_equality_and_repr(make: MakeRequest) -> None:
    one = make("/?a=1&b=2").query_params
    assert one == make("/?b=2&a=1").query_params
    assert one == make("/x?%61=1&b=2").query_params
    assert one != make("/?a=1").query_params
    assert one != {"a": "1", "b": "2"}
    assert repr(one) == "QueryParams('a=1&b=2')"
